"""A real JupyterLab (or Notebook 7) in headless Chromium, for the browser tests and benchmarks."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page, TimeoutError, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = ROOT / "tests" / "artifacts"
"""Where the screenshots go."""

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """The system's Chromium; `GLM_CHROMIUM` names another."""
    candidates = (os.environ.get("GLM_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in candidates if name and (path := shutil.which(name))), None)


NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None and not os.environ.get("CI"), reason="there is no Chromium; CI installs it"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_server(folder: Path, app: str = "lab") -> Iterator[str]:
    """A Jupyter server over `folder`, its kernels with the sandbox; gives its base URL with a trailing slash."""
    port = free_port()
    # IPython's compiled caches and the user's own settings stay outside
    page_config = folder / ".config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True, exist_ok=True)
    page_config.write_text('{"buildCheck": false}')  # it starts a Node.js for each page, beside what is measured here
    places = {"HOME": "", "JUPYTER_CONFIG_DIR": ".config", "IPYTHONDIR": ".ipython", "GLM_CACHE_DIR": "cache"}
    env = {**os.environ, **{name: str(folder / place) for name, place in places.items()}}
    env |= {"GLM_PROVIDER": "sandbox", "PYTHONPATH": str(ROOT)}
    module = {"lab": "jupyterlab", "notebook": "notebook"}[app]
    command = [sys.executable, "-m", module, "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}"]
    command += ["--ServerApp.disable_check_xsrf=True"]  # for `end_kernels`
    command += [
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--log-level=ERROR",
    ]
    log = (folder / "server.log").open("wb")
    server = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_until_up(url, server)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def _wait_until_up(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError("the Jupyter server ended at once; see server.log")
        try:
            with urllib.request.urlopen(f"{url}api/status", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the Jupyter server did not come up in 60 s; see server.log")


def end_kernels(base_url: str) -> None:
    """Ends all kernels of a server: each holds a few hundred MB."""
    with urllib.request.urlopen(f"{base_url}api/sessions") as answer:
        ids = [session["id"] for session in json.load(answer)]
    for id in ids:
        with suppress(OSError):  # a test may have ended it by itself
            urllib.request.urlopen(urllib.request.Request(f"{base_url}api/sessions/{id}", method="DELETE")).close()


@contextmanager
def open_browser(*flags: str) -> Iterator[Any]:
    """Headless Chromium, driven by Playwright; `flags` beside the usual ones."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*CHROMIUM_FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def write_notebook(path: Path, *sources: str) -> Path:
    """A notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index}"
    nbformat.write(notebook, path)
    return path


def busy_until(file: str) -> str:
    """Code that keeps the kernel busy until there is a file of that name beside the notebook."""
    return f"import pathlib, time\nwhile not pathlib.Path({file!r}).exists(): time.sleep(0.05)"


class LabPage:
    """One notebook, open in JupyterLab; cells count from 0."""

    def __init__(self, page: Page, base_url: str, notebook: str) -> None:
        self.page = page
        self.notebook = notebook
        self._base_url = base_url
        self._selected = 0
        page.goto(f"{base_url}lab/tree/{notebook}?reset", wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_function(
            """() => { const s = document.querySelector('.jp-Notebook-ExecutionIndicator, [data-status]');
                       return s && s.dataset.status === 'idle'; }""",
            timeout=60_000,
        )
        page.wait_for_timeout(500)
        if (dialog := page.locator("dialog.jp-Dialog")).count():  # a fresh server may greet with one
            dialog.locator(".jp-mod-accept").first.click()
        page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").first.click()

    def run(self, index: int, wait: bool = True, timeout_s: float = 60) -> None:
        """Runs one cell with Shift+Enter, as a person would; the selection then stands on the next cell."""
        if index != self._selected:
            self.cell(index).locator(".jp-InputPrompt").click()
        self._press_run(index)
        if wait:
            self.wait_done(index, timeout_s)

    def wait_done(self, index: int, timeout_s: float = 60) -> None:
        """Until the cell has a number in its prompt again."""
        self.page.wait_for_function(
            """i => { const cells = document.querySelectorAll('.jp-Notebook .jp-CodeCell');
                      const prompt = cells[i] && cells[i].querySelector('.jp-InputPrompt');
                      return prompt && /\\[\\d+\\]/.test(prompt.textContent); }""",
            arg=index,
            timeout=timeout_s * 1000,
        )

    def cell(self, index: int) -> Any:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def output_text(self, index: int) -> str:
        return str(self.cell(index).locator(".jp-OutputArea").first.inner_text()) if self.has_output(index) else ""

    def has_output(self, index: int) -> bool:
        return bool(self.cell(index).locator(".jp-OutputArea-output").count())

    def run_next(self, index: int, wait: bool = True) -> None:
        """Runs code cell `index`, the next one after the selection but for text cells, which are passed over."""
        while self._has_text_cell_selected():
            self.page.keyboard.press("ArrowDown")
        self._press_run(index)
        if wait:
            self.wait_done(index)

    def _press_run(self, index: int) -> None:
        """Shift+Enter, once more if the page was too busy to take it."""
        prompt = "document.querySelectorAll('.jp-Notebook .jp-CodeCell')[i].querySelector('.jp-InputPrompt').textContent"
        before = self.page.evaluate(f"i => {prompt}", index)
        for _ in range(3):
            self.page.keyboard.press("Shift+Enter")
            try:
                self.page.wait_for_function(f"([i, before]) => {prompt} !== before", arg=[index, before], timeout=5000)
                break
            except TimeoutError:
                self.cell(index).locator(".jp-InputPrompt").click()
        self._selected = index + 1

    def _has_text_cell_selected(self) -> bool:
        return bool(self.page.locator(".jp-Notebook .jp-MarkdownCell.jp-mod-active").count())

    def watch_growth(self, index: int, first_words: str, n_looks: int = 12, every_ms: int = 80) -> list[int]:
        """The length of the cell's output, looked at again and again once `first_words` are there."""
        area = "document.querySelectorAll('.jp-CodeCell')[i].querySelector('.jp-OutputArea')?.textContent ?? ''"
        self.page.wait_for_function(f"([i, words]) => ({area}).includes(words)", arg=[index, first_words])
        lengths = []
        for _ in range(n_looks):
            lengths.append(int(self.page.evaluate(f"i => ({area}).length", index)))
            self.page.wait_for_timeout(every_ms)
        return lengths

    def interrupt(self) -> None:
        """The ■ of the toolbar."""
        self.page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='interrupt']").first.click()

    def save(self) -> None:
        self.page.keyboard.press("Control+s")
        self.page.wait_for_timeout(800)

    def reopen_without_kernel(self) -> None:
        """The saved notebook as a reader meets it whose kernel is gone."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:shutdown'); }")
        self.page.wait_for_timeout(2000)
        self.page.goto("about:blank")
        self.page.goto(f"{self._base_url}lab/tree/{self.notebook}?reset", wait_until="domcontentloaded")
        if (refuse := self.page.locator(".jp-Dialog .jp-mod-reject")).count():
            refuse.click()

    def use_theme(self, name: str) -> None:
        """``JupyterLab Light`` or ``JupyterLab Dark``."""
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})",
            name,
        )
        self.page.wait_for_timeout(1500)


def open_notebook_7(page: Page, base_url: str, notebook: str) -> None:
    """Opens it in Notebook 7 with the first cell selected and a kernel that is ready."""
    page.goto(f"{base_url}notebooks/{notebook}", wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.wait_for_timeout(3000)
    page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").first.click()


def printed(lab: LabPage, index: int) -> str:
    """What a cell prints when it is run now, with the focus taken out of the widget."""
    lab.cell(index).locator(".jp-InputPrompt").click()
    lab.run(index)
    lab.page.wait_for_timeout(300)
    return lab.output_text(index)


def read_outputs(path: Path) -> list[list[dict[str, Any]]]:
    """The saved outputs, a list a code cell."""
    cells = json.loads(path.read_text())["cells"]
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]
