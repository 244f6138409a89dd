"""The tree of errors and what each says."""

from __future__ import annotations

import ast
import inspect
import pickle
import re
from pathlib import Path

import pytest

import glm_magics
from glm_magics import errors
from glm_magics.errors import GLMError, Interrupted, QuotaError, one_line

PACKAGE = Path(glm_magics.__file__).parent


def classes() -> dict[str, type[BaseException]]:
    return {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls) and issubclass(cls, BaseException)}


def drawn_tree() -> dict[str, str]:
    """Name → parent, as the docstring draws it."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in errors.__doc__.split("\n\n")[1].splitlines():
        found = re.match(r"^    ([│├└─ ]*)(\w+)", line)
        depth = len(found[1]) // 4
        path[depth:] = [found[2]]
        parents[found[2]] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_drawn_tree_is_the_tree() -> None:
    """Every class is drawn in the docstring, under its parent; nothing else is."""
    real = {name: cls.__bases__[0].__name__ for name, cls in classes().items() if issubclass(cls, GLMError)}
    assert drawn_tree() == real
    assert "Interrupted" in errors.__doc__
    assert set(classes()) - set(real) == {"Interrupted", "GLMWarning", "OnceWarning"}


@pytest.mark.parametrize("name", sorted(classes()))
def test_each_has_a_docstring_and_survives_a_pickle(name: str) -> None:
    """Errors travel between processes with all they carry."""
    cls = classes()[name]
    assert cls.__doc__
    if issubclass(cls, GLMError):
        error = cls("It failed.", "Do this.", status=429, code="1302", request_id="r1")
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.status, again.code, again.request_id) == (str(error), 429, "1302", "r1")
        assert str(error) == "It failed. Do this. (HTTP 429, code 1302, request r1)"


def _raised_calls() -> list[tuple[str, ast.Call]]:
    names = {name for name, cls in classes().items() if issubclass(cls, GLMError)}
    return [
        (f"{path.relative_to(PACKAGE)}:{node.lineno}", node)
        for path in PACKAGE.rglob("*.py")
        if "sandbox" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def test_every_error_that_is_made_names_a_way_out() -> None:
    """Message and way out, wherever the package makes an error."""
    made = _raised_calls()
    assert len(made) > 50
    without = [where for where, call in made if len(call.args) < 2 and "way_out" not in {word.arg for word in call.keywords}]
    assert without == []


def test_interrupted_is_no_error_that_loops_swallow() -> None:
    """``except Exception`` around calls does not catch ■; ``except KeyboardInterrupt`` does."""
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert not issubclass(Interrupted, Exception)
    assert len(Interrupted()._render_traceback_()) == 1


def test_ipython_shows_one_line_or_on_demand_the_traceback() -> None:
    """One red line, until `show_traceback` is set."""
    error = QuotaError("Empty.", "Top up.", code="1113")
    [line] = error._render_traceback_()
    assert "Empty. Top up. (code 1113)" in line
    error.show_traceback = True
    assert len(error._render_traceback_()) >= 1
    assert "QuotaError" in "".join(error._render_traceback_())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\r\n\tc  d", "a b c d"),
        ("\x1b[31mred\x1b[0m\x07", "[31mred[0m"),
        ("x" * 600, "x" * 499 + "…"),
        ("", ""),
        ("a\u2028b", "a b"),
        ("\x9b31m", "31m"),
    ],
)
def test_foreign_text_becomes_one_harmless_line(text: str, line: str) -> None:
    """Server messages cannot break the line, steer the terminal or fill the screen."""
    assert one_line(text) == line
