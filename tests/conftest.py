"""What the tests share: isolation from the machine, a fake vendor, a fresh shell."""

from __future__ import annotations

import atexit
import os
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest

import glm_magics
from glm_magics.sandbox import Sandbox
from glm_magics.session import Session
from glm_magics.testing import FakeGLM

from .loopback import Loopback
from .sandbox_pictures import client_of

pytest_plugins = ["pytester"]
KEY = "testid.S3cr3tS3cr3t"
"""The key of all tests; it must turn up in the request header and nowhere else."""

os.environ["MPLBACKEND"] = "Agg"
os.environ["MPLCONFIGDIR"] = str(Path(tempfile.gettempdir()) / "glm-magics-tests-matplotlib")  # its font cache is slow to build
_KEYS = (
    "ZAI_API_KEY",
    "ZHIPUAI_API_KEY",
    "GLM_API_KEY",
    "GLM_BASE_URL",
    "GLM_PROVIDER",
    "GLM_REPLAY",
    "GLM_SANDBOX_DELAY_S",
    "GLM_CACHE_DIR",
    "XDG_DATA_HOME",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

hypothesis.settings.register_profile(
    "house",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session", autouse=True)
def _libraries_loops() -> Iterator[None]:
    """Closes the event loops that IPython (``await`` in a cell) and jupyter_client (a kernel) leave open to the end."""
    yield
    for module, getter in (("IPython.core.async_helpers", "get_asyncio_loop"), ("jupyter_core.utils", "ensure_event_loop")):
        if module in sys.modules:
            getattr(sys.modules[module], getter)().close()


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No real key, home, folder, key store or network."""
    for name in (*_KEYS, *_PROXIES, *(proxy.lower() for proxy in _PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / ".ipython"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("glm_magics.session.find_in_keyring", lambda provider_name: None)
    look_up = socket.getaddrinfo

    def look_up_loopback(host: str | bytes | None, *args: object, **named: object) -> object:
        if host not in ("127.0.0.1", "localhost", "::1", b"127.0.0.1", b"localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_loopback)


@pytest.fixture
def fake() -> FakeGLM:
    """A scripted vendor."""
    return FakeGLM()


@pytest.fixture
def shell():
    """A fresh IPython shell without history and without the extension."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.Completer.use_jedi = False
    InteractiveShell.clear_instance()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shell = InteractiveShell.instance(config=config)
    yield shell
    glm_magics.unload_ipython_extension(shell)
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()
    atexit.unregister(shell.atexit_operations)  # thousands of shells would be taken apart at the end, for minutes


@pytest.fixture
def ip(shell, fake: FakeGLM, monkeypatch: pytest.MonkeyPatch):
    """The shell with the extension loaded, a key in the environment, and the fake vendor behind it."""
    monkeypatch.setenv("ZAI_API_KEY", KEY)
    shell.run_line_magic("load_ext", "glm_magics")
    glm_magics.current_session().transport = fake
    glm_magics.current_session().config.retry_wait = 0.0
    return shell


@pytest.fixture
def session(fake: FakeGLM) -> Session:
    """A session without a shell, as in a Python program."""
    session = Session(transport=fake, environment={"ZAI_API_KEY": KEY})
    session.config.retry_wait = 0.0
    return session


@pytest.fixture
def loopback() -> Iterator[Callable[[Callable[[socket.socket], None]], Loopback]]:
    """Starts servers on real sockets, ``loopback(answer)``; all are stopped after the test."""
    servers: list[Loopback] = []

    def start(answer: Callable[[socket.socket], None]) -> Loopback:
        servers.append(Loopback(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """A sandbox that answers at once."""
    with Sandbox(chunk_delay_s=0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """The same, with nothing scripted and nothing remembered."""
    running.reset()
    return running


@pytest.fixture(scope="module")
def slow() -> Iterator[Sandbox]:
    """A sandbox that takes its time between the pieces of an answer."""
    with Sandbox(chunk_delay_s=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """Speaks to the sandbox with its key."""
    with client_of(sandbox) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, for the browser tests; not for the session: Playwright occupies the thread's event loop."""
    from .lab import find_chromium, open_browser  # playwright takes a while to load

    assert find_chromium(), "CI needs Chromium: apt-get install chromium"
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Jupyter servers of the browser tests are at home; the folder of their screenshots is made, too."""
    from .lab import ARTIFACTS

    ARTIFACTS.mkdir(exist_ok=True)
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def lab_server(folder: Path) -> Iterator[str]:
    """One JupyterLab for all browser tests."""
    from .lab import run_server

    with run_server(folder) as url:
        yield url


@pytest.fixture(scope="session")
def notebook_7_url(folder: Path) -> Iterator[str]:
    """The same for Notebook 7."""
    from .lab import run_server

    with run_server(folder, app="notebook") as url:
        yield url


@pytest.fixture
def lab_url(lab_server: str) -> Iterator[str]:
    """JupyterLab; the kernels that a test began are ended."""
    from .lab import end_kernels

    yield lab_server
    end_kernels(lab_server)
