"""``glm-magics``: the tutorials in JupyterLab, and the sandbox as a program."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .errors import GLMError, InputError, MissingExtraError

_KEY_VARIABLES = ("GLM_PROVIDER", "GLM_BASE_URL", "ZAI_API_KEY", "ZHIPUAI_API_KEY")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit status."""
    parser = argparse.ArgumentParser(prog="glm-magics", description="GLM models inside a notebook.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="open the tutorials in JupyterLab; offline on the sandbox unless a key is set")
    demo.add_argument("--headless", action="store_true", help="run one tutorial here and write the notebook and an HTML page")
    demo.add_argument("--notebook", default="01_first_light.ipynb", help="which tutorial (default: %(default)s)")
    demo.add_argument("--folder", type=Path, default=Path("glm-tutorial"), help="where the copies go (default: %(default)s)")
    demo.set_defaults(run=run_demo)
    sandbox = commands.add_parser("sandbox", help="serve the sandbox until Ctrl-C")
    sandbox.add_argument("--port", type=int, default=0, help="0 finds a free one")
    sandbox.set_defaults(run=run_sandbox)
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except GLMError as error:
        print(f"glm-magics: {error}", file=sys.stderr)
        return 1
    except (OSError, OverflowError) as error:  # a folder that cannot be written, a port that cannot be had
        print(f"glm-magics: {error}", file=sys.stderr)
        return 1


def run_sandbox(arguments: argparse.Namespace) -> int:
    """``glm-magics sandbox``."""
    from .sandbox.program import main as serve

    return serve(["--port", str(arguments.port)])


def run_demo(arguments: argparse.Namespace) -> int:
    """``glm-magics demo``: copies the tutorials, then opens or executes one."""
    _need("nbconvert" if arguments.headless else "jupyterlab")
    notebook = _copy_tutorials(arguments.notebook, arguments.folder)
    environment = dict(os.environ)
    if not any(environment.get(variable) for variable in _KEY_VARIABLES):
        environment["GLM_PROVIDER"] = "sandbox"
        print("No key in the environment: the embedded sandbox answers, offline (no language model is behind it).")
    return _execute(notebook, environment) if arguments.headless else _open_in_lab(notebook, environment)


def _copy_tutorials(name: str, folder: Path) -> Path:
    """Copies of all to play with, and the one of this name; what is there already is kept, the user may have written in it."""
    sources = sorted(_tutorials().glob("*.ipynb"))
    if name not in {source.name for source in sources}:
        raise InputError(f"There is no tutorial `{name}`.", f"There are: {', '.join(source.name for source in sources)}.")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        if not (folder / source.name).exists():
            shutil.copyfile(source, folder / source.name)
    return folder / name


def _tutorials() -> Path:
    """The notebooks: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def _open_in_lab(notebook: Path, environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "jupyterlab", str(notebook)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0


def _execute(notebook: Path, environment: dict[str, str]) -> int:
    """Runs all cells in a kernel of their own, saves, and writes the page; prints where."""
    executed = notebook.with_name(f"{notebook.stem}.executed.ipynb")
    commands = (
        ["--to", "notebook", "--execute", "--output", executed.name, str(notebook)],
        ["--to", "html", str(executed)],
    )
    for arguments in commands:
        command = [sys.executable, "-m", "nbconvert", "--log-level", "ERROR", *arguments]
        finished = subprocess.run(command, env=environment, check=False)
        if finished.returncode:
            print(f"The tutorial did not run through (see above): {notebook}", file=sys.stderr)
            return finished.returncode
    print(f"Executed notebook: {executed.resolve()}")
    print(f"Page:              {executed.with_suffix('.html').resolve()}")
    return 0


def _need(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise MissingExtraError.naming("demo", f"The demo needs {package}.")


if __name__ == "__main__":
    sys.exit(main())
