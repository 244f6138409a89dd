"""`glm-magics`, as typed into a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from glm_magics import program

from .patience import PATIENCE_S


def test_unknown_tutorial_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert program.main(["demo", "--notebook", "nope.ipynb", "--folder", str(tmp_path)]) == 1
    assert "There is no tutorial `nope.ipynb`. There are: 01_first_light.ipynb" in capsys.readouterr().err


def test_demo_copies_all_and_keeps_what_was_written_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other tutorials stand beside the one that opens."""
    (tmp_path / "01_first_light.ipynb").write_text("mine")
    seen: list[tuple[Path, dict[str, str]]] = []
    monkeypatch.setattr(program, "_open_in_lab", lambda notebook, environment: seen.append((notebook, environment)) or 0)
    assert program.main(["demo", "--folder", str(tmp_path)]) == 0
    assert seen[0][0].read_text() == "mine"
    assert [path.name[:2] for path in sorted(tmp_path.glob("*.ipynb"))] == ["01", "02", "03", "04", "05", "06", "07"]
    assert seen[0][1]["GLM_PROVIDER"] == "sandbox"


def test_demo_leaves_a_key_in_charge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key in the environment the same cells talk to the vendor."""
    monkeypatch.setenv("ZAI_API_KEY", "a.b")
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(program, "_open_in_lab", lambda notebook, environment: seen.append(environment) or 0)
    assert program.main(["demo", "--folder", str(tmp_path)]) == 0
    assert "GLM_PROVIDER" not in seen[0]


def test_missing_jupyterlab_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert program.main(["demo", "--folder", str(tmp_path)]) == 1
    assert 'pip install "glm-magics[demo]"' in capsys.readouterr().err


def test_sandbox_serves_until_interrupted() -> None:
    """It prints its address and a key, answers, and goes without a traceback."""
    command = [sys.executable, "-u", "-m", "glm_magics", "sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        lines = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/\S+", lines)):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            lines += line
        request = urllib.request.Request(f"{found[0].rstrip('.,')}/models", headers={"Authorization": "Bearer a.b"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) in (0, 130, -2)
        assert "Traceback" not in (process.stderr.read() if process.stderr else "")
