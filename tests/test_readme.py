"""What the documents say is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import glm_magics
from glm_magics.magics.arguments import BY_FLAG
from glm_magics.options import OPTIONS
from glm_magics.providers import PROVIDERS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_readme_names_options_that_exist() -> None:
    """Every flag in a table row or code span of the README is an option."""
    flags = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", " ".join(re.findall(r"`(%%?glm [^`]*|-[^`]*)`", README))))
    assert flags
    assert flags - set(BY_FLAG) == set()


def test_readme_names_commands_that_exist() -> None:
    """The two commands, and every provider after %glm_connect."""
    for script in re.findall(r"sh (\.ci/\w+)", README):
        assert (ROOT / script).is_file(), script
    for name in re.findall(r"%glm_connect (\w+)`", README):
        assert name in {*PROVIDERS, "sandbox"}, name


def test_the_pytest_snippet_runs(pytester: pytest.Pytester) -> None:
    """The README's test, word for word, in a project of its own."""
    snippet = README.split("## In your own tests")[1].split("```python\n")[1].split("```")[0]
    pytester.makepyfile(snippet)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_manual_of_ask_names_every_option() -> None:
    """What can be given from Python."""
    words = set(re.findall(r"\w+", glm_magics.ask.__doc__ or ""))
    assert {option.name for option in OPTIONS if option.in_python} - words == set()


def test_readme_names_every_extra() -> None:
    """Each is said to be for something."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = set(re.findall(r"\w+", " ".join(re.findall(r"\[([\w,]+)\]", README))))
    assert set(extras) - named == set()


def test_map_lists_every_room() -> None:
    """CONTRIBUTING's table names each module of the package."""
    rooms = {path.stem for path in (ROOT / "glm_magics").glob("*.py")} | {"sandbox/", "magics/"}
    for room in rooms - {"__main__"}:
        assert f"`{room}`" in CONTRIBUTING, room


def test_benchmarks_named_in_contributing_exist() -> None:
    """The command there knows them."""
    from tests.benchmarks.__main__ import NAMES

    assert all(name in CONTRIBUTING for name in NAMES)
    assert all((ROOT / "tests" / "benchmarks" / f"bench_{name}.py").is_file() for name in NAMES)
