"""The sandbox as a program, and how light its package is."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx
import pytest

from glm_magics.errors import InputError
from glm_magics.sandbox import Sandbox
from glm_magics.sandbox.program import main

from .patience import PATIENCE_S


def test_program_serves_until_interrupted() -> None:
    command = [sys.executable, "-m", "glm_magics.sandbox.program", "--key", "my.key"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().split()[-1]
        assert "my.key" in process.stdout.readline()
        assert httpx.get(f"{url}/models", headers={"authorization": "Bearer my.key"}).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr.read() == ""


def test_a_taken_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox() as sandbox:
        port = httpx.URL(sandbox.base_url).port
        with pytest.raises(InputError, match=str(port)):
            Sandbox(port or 0).start()
        assert main(["--port", str(port)]) == 1
    assert "Choose another port" in capsys.readouterr().err


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, glm_magics.sandbox; print([m for m in ('uvicorn', 'numpy', 'PIL', 'skimage', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_uvicorn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from glm_magics.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"glm-magics\[sandbox\]"):
        Sandbox().start()
