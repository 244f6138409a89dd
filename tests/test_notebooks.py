"""The tutorials run from top to bottom on the sandbox: by nbval, by papermill, and in a terminal IPython."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SANDBOX = {"GLM_PROVIDER": "sandbox", "GLM_SANDBOX_DELAY_S": "0"}


def run(*command: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **SANDBOX}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_tutorial_passes_nbval(notebook: Path) -> None:
    """Every cell runs, and the cells marked for it give the saved output."""
    finished = run("-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-c", os.devnull, str(notebook))
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-1000:]
    assert re.search(r"\d+ passed", finished.stdout)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_tutorial_holds_no_secret_and_no_path(notebook: Path) -> None:
    """What is committed is what others open."""
    text = notebook.read_text(encoding="utf-8")
    assert "sandbox.key" not in text
    assert not re.search(r"/home/\w|/root/|/Users/|C:\\\\", text)
    assert '"output_type": "error"' not in text


def test_papermill_runs_the_tutorial(tmp_path: Path) -> None:
    """papermill executes it and writes the answers."""
    output = tmp_path / "out.ipynb"
    finished = run("-m", "papermill", "--log-level", "ERROR", "--no-progress-bar", str(NOTEBOOKS[0]), str(output))
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert "no language model is behind" in output.read_text(encoding="utf-8")


def test_terminal_ipython_streams_plain_text(tmp_path: Path) -> None:
    """Typed into a terminal: the text, a footer, no HTML and no escape sequences where output is no terminal."""
    typed = "%load_ext glm_magics\n%glm_connect sandbox\n%glm how many words are these?\nprint(_glm.is_complete)\n"
    command = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"]
    environment = {**os.environ, **SANDBOX}
    finished = subprocess.run(command, input=typed, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "no language model is behind this answer" in finished.stdout, finished.stdout + finished.stderr
    assert "5 words" in finished.stdout
    assert re.search(r"glm-4\.7 · first token .* tokens", finished.stdout)
    assert "True" in finished.stdout
    assert "<small>" not in finished.stdout
    assert "\x1b[2m" not in finished.stdout
