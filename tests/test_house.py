"""The house itself: imports go one way, loading is light, every public name explains itself."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import glm_magics

PACKAGE = Path(glm_magics.__file__).parent
FLOORS = [
    {"errors", "markdown", "sse", "cells", "fonts", "tokens", "sent", "png", "money", "waves", "chosen"}
    | {"vectorwire", "shells"},
    {"catalog", "messages", "speech", "geometry", "failures", "retries", "tables", "htmltables", "glyphs"}
    | {"addresses", "celloutputs", "answertables", "shortforms", "texts", "vectors", "reach"},
    {"providers", "tabletext", "tally", "downloads", "dataframes", "stylers", "groups", "layouts", "pictures"}
    | {"grounding", "boxcolours", "boxlabels", "replies", "conversations", "schemas", "vectorstore", "transport", "cartography"},
    {"intake", "readers", "summaries", "painting", "boxdrawing", "boxformats"}
    | {"pricing", "strategies", "chatfiles", "chatpages", "neighbours", "posting", "limits"},
    {"options", "requests", "template", "formats", "frames", "boxes", "vectorcache", "batches", "chatstream"},
    {"settings", "media", "client", "fetch", "budgets", "ledger", "chatstore", "similarity"},
    {"sandbox", "compose", "sightings", "asking", "chatbook", "spending", "realtime", "supply", "clusternames"},
    {"testing", "display", "previews", "widgets", "bookkeeping", "embeddings"},
    {"live", "groundings", "sources", "progress", "atlases"},
    {"exchange", "mapmaking"},
    {"background"},
    {"flow"},
    {"corpus"},
    {"session"},
    {"magics"},
    {"__init__", "program"},
    {"__main__"},
]
"""Lowest first. A room imports from lower floors only; `sandbox` and `magics` are rooms of several files."""

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_notebooks" not in path.parts)
MODULES = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__") for path in FILES]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms of this package that a file names in any import, inside functions and type checks too."""
    depth = len(path.relative_to(PACKAGE).parts)
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(
                ["glm_magics", *path.relative_to(PACKAGE).parts[: depth - node.level], *(node.module or "").split(".")]
            )
            names = [f"{base.rstrip('.')}.{alias.name}" for alias in node.names] if not node.module else [base]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("glm_magics.")}
        rooms |= {"__init__" for name in names if name == "glm_magics"}
    return rooms - {room_of(path)}


def test_every_room_has_a_floor() -> None:
    """A new file has to be placed, a removed one to be taken out."""
    assert {room_of(path) for path in FILES} == set(FLOOR_OF)


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_imports_go_down_only(path: Path) -> None:
    """No room knows one on its own floor or above, so there can be no cycle."""
    floor = FLOOR_OF[room_of(path)]
    assert {room for room in imported_rooms(path) if FLOOR_OF.get(room, 99) >= floor} == set()


def test_the_map_for_newcomers_is_this_house() -> None:
    """CONTRIBUTING.md shows each room on its floor."""
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    drawn = {room: int(floor) for floor, rooms in rows for room in re.findall(r"`(\w+)/?`", rooms)}
    assert drawn == {room: floor for room, floor in FLOOR_OF.items() if room != "__main__"}


def test_the_client_and_the_fetcher_alone_open_the_network() -> None:
    """httpx is theirs and of the rooms that the client is made of; the fake vendor makes responses; everyone else names it for
    types only."""
    users = set()
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_types = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None) or ""]
            )
            if (
                isinstance(node, ast.Import | ast.ImportFrom)
                and id(node) not in for_types
                and "httpx" in {name.split(".")[0] for name in names}
            ):
                users.add(room_of(path))
    assert users == {"client", "chatstream", "posting", "transport", "reach", "fetch", "testing"}


LIGHT = """
import json, sys
{prepare}
before = set(sys.modules)
{act}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("unload_ext", "nothing")
"""
HEAVY = {
    "httpx",
    "PIL",
    "numpy",
    "pandas",
    "matplotlib",
    "ssl",
    "skimage",
    "uvicorn",
    "starlette",
    "keyring",
    "anywidget",
    "ipywidgets",
}


def new_modules(prepare: str, act: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT.format(prepare=prepare, act=act)], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("prepare", "act", "most"),
    [
        pytest.param("", "import glm_magics", 12, id="import"),
        pytest.param("import pytest", "import glm_magics.testing", 12, id="pytest-plugin"),
        pytest.param(SHELL, "shell.run_line_magic('load_ext', 'glm_magics')", 60, id="load_ext"),
    ],
)
def test_loading_is_light(prepare: str, act: str, most: int) -> None:
    """Few modules, none of the heavy ones, no network."""
    loaded = new_modules(prepare, act)
    assert "glm_magics" in loaded
    assert {name.split(".")[0] for name in loaded} & HEAVY == set()
    assert [name for name in loaded if name.startswith("glm_magics.sandbox")] == []
    assert len(loaded) <= most, loaded


def test_the_version_is_written_once_and_the_same() -> None:
    """In pyproject.toml and in the package."""
    pyproject = PACKAGE.parent / "pyproject.toml"
    assert tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"] == glm_magics.__version__


def test_public_names_are_there_and_lazy_ones_are_real() -> None:
    """`__all__` can be had in full; what does not exist is an AttributeError."""
    for name in glm_magics.__all__:
        assert getattr(glm_magics, name).__doc__, name
    assert glm_magics.Reply is import_module("glm_magics.replies").Reply
    with pytest.raises(AttributeError, match="nobody"):
        _ = glm_magics.nobody


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__main__")])
def test_every_public_name_has_a_docstring(module: str) -> None:
    """Modules, classes, functions and methods without a leading underscore."""
    loaded = import_module(module)
    assert loaded.__doc__, module
    for name, value in vars(loaded).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{module}.{name}"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_files_and_functions_fit_a_reader(path: Path) -> None:
    """No file beyond 420 lines, no function beyond 50."""
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 420
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name
