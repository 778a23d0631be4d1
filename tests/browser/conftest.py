"""Notebooks in a real browser: JupyterLab and Notebook 7 in a headless Chromium.

One server on the loopback, with folders of its own, and one browser serve all
tests. A notebook closes after its test, which then fails if any request was
for another machine or if the page raised an error. Pictures of the pages go to
``out/screenshots/``.

Without Chromium these tests are skipped with a reason, or fail where
``ARTIGRAPH_REQUIRE_SERVERS`` is set.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

# A busy machine is slow, not wrong.
expect.set_options(timeout=120_000)

SCREENSHOTS = Path(__file__).parents[2] / "out" / "screenshots"
LOOPBACK = re.compile(r"(?:https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:")
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Whatever asks for the network by itself.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS: dict[str, dict[str, Any]] = {
    # Neither a pop-up with news over the page, nor a look for updates.
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # As nbclient does, and as JupyterLab does where somebody has chosen so.
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
}
OWN_ERRORS = {
    # Notebook 7.6 raises these by itself, in a notebook of one empty cell as well.
    "Cannot read properties of undefined (reading 'schema')",
    "Command 'filebrowser:open-path' not registered.",
}
READY = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
}"""
"""Cells that run before this has come to pass open a dialog instead."""


@dataclass(frozen=True)
class Server:
    """A Jupyter server that is running."""

    address: str
    token: str
    folder: Path
    """Where its notebooks are, and what the kernels start in."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        message = "no chromium here; on Debian: apt-get install chromium fonts-dejavu-core"
        if os.environ.get("ARTIGRAPH_REQUIRE_SERVERS"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Jupyter server that nobody else's settings, kernels or tabs reach."""
    home = tmp_path_factory.mktemp("jupyter")
    notebooks = home / "notebooks"
    notebooks.mkdir()
    for name, settings in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.py").write_text(
        "c.LabApp.expose_app_in_browser = True\nc.JupyterNotebookApp.expose_app_in_browser = True\n"
    )
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Server(f"http://127.0.0.1:{port}", secrets.token_hex(16), notebooks)
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={running.token}", f"--ServerApp.root_dir={notebooks}"]
    log = home / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # so that its kernels end with it
        )
    try:
        _wait_until_it_answers(running, process, log)
        yield running
    finally:
        _end(process)


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < until:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{server.address}/api?token={server.token}", timeout=30),
        ):
            return
        time.sleep(0.1)
    pytest.fail(f"The Jupyter server did not start:\n{log.read_text()[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def running_browser(chromium: str) -> Iterator[Browser]:
    """The browser that all tests share."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        # Until a test asks for it, see below.
        asyncio._set_running_loop(None)
        yield browser
        browser.close()


@pytest.fixture
def browser(running_browser: Browser) -> Iterator[Browser]:
    """The browser, for one test.

    Playwright's synchronous interface leaves its loop marked as the thread's
    running one, also while it stands still; asynchronous tests that come later in
    the same process could then start none.
    """
    asyncio._set_running_loop(running_browser._loop)
    yield running_browser
    asyncio._set_running_loop(None)


@dataclass(eq=False)
class Notebook:
    """A notebook that is open in the browser."""

    page: Page
    server: Server
    path: Path
    """The notebook's file."""
    outside: list[str] = field(default_factory=list)
    """Addresses of other machines that the page has asked for."""
    errors: list[str] = field(default_factory=list)
    """What the page has raised."""

    def run_all(self) -> None:
        """Start running all cells, once the kernel is ready; does not wait for their end."""
        self.page.evaluate(READY)
        self.execute("notebook:run-all-cells")

    def run_cell(self, index: int) -> None:
        """Start running one cell."""
        self.page.evaluate(READY)
        self.page.evaluate(
            "i => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = i; }", index
        )
        self.execute("notebook:run-cell")

    def execute(self, command: str) -> None:
        """Start a command of JupyterLab's, as its menus do."""
        self.page.evaluate("name => { void window.jupyterapp.commands.execute(name); }", command)

    def use_kernel(self, action: Literal["restart", "shutdown", "interrupt"]) -> None:
        """Restart, end or interrupt the kernel, and wait until that is done."""
        self.page.evaluate(
            """async action => {
                const session = window.jupyterapp.shell.currentWidget.sessionContext;
                if (action === "shutdown") await session.shutdown();
                else await session.session.kernel[action]();
            }""",
            action,
        )

    def save(self) -> None:
        """Write the notebook to its file."""
        self.page.evaluate(
            "async () => { await window.jupyterapp.shell.currentWidget.context.save(); }"
        )

    def outputs(self, index: int) -> Locator:
        """What one cell has printed and shown."""
        cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        return cells.nth(index).locator(".jp-OutputArea-output")

    def screenshot(self, name: str) -> None:
        """Keep a picture of the page as ``out/screenshots/<name>.png``."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


OpenNotebook = Callable[..., Notebook]
_OPENED = pytest.StashKey[list[Notebook]]()


@pytest.fixture
def notebook(
    server: Server, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[OpenNotebook]:
    """Open notebooks: ``notebook(cells, app="lab", theme=None, name=None)``.

    ``cells`` are sources, or ``None`` for a notebook that an earlier call has made
    under the same name; ``app`` is ``"lab"`` or ``"notebook"``; ``theme`` is a name
    that JupyterLab knows, ``"JupyterLab Light"`` unless given.
    """
    opened = request.node.stash.setdefault(_OPENED, [])

    def open_notebook(
        cells: Sequence[str] | None,
        app: Literal["lab", "notebook"] = "lab",
        theme: str | None = None,
        name: str | None = None,
    ) -> Notebook:
        name = name or re.sub(r"\W+", "_", request.node.name)
        path = server.folder / f"{name}.ipynb"
        if cells is not None:
            _write(path, cells)
        page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        notebook = Notebook(page, server, path)
        opened.append(notebook)
        page.on(
            "request",
            lambda sent: None if LOOPBACK.match(sent.url) else notebook.outside.append(sent.url),
        )
        page.on(
            "pageerror",
            lambda error: None if str(error) in OWN_ERRORS else notebook.errors.append(str(error)),
        )
        # A workspace of its own: the default one brings back what others opened.
        where = f"lab/workspaces/{secrets.token_hex(4)}/tree" if app == "lab" else "notebooks"
        page.goto(f"{server.address}/{where}/{path.name}?token={server.token}")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext")
        # Also the usual one: the server remembers what an earlier test has chosen.
        page.evaluate(
            "async theme => {"
            " await window.jupyterapp.commands.execute('apputils:change-theme', {theme}); }",
            theme or "JupyterLab Light",
        )
        return notebook

    yield open_notebook
    for each in opened:
        each.page.context.close()
    _end_kernels(server)
    assert [each.outside for each in opened] == [[] for _ in opened], "asked another machine"
    assert [each.errors for each in opened] == [[] for _ in opened], "the page raised an error"


def _end_kernels(server: Server) -> None:
    # Each holds some hundred megabytes, and nobody looks at it any more.
    headers = {"Authorization": f"token {server.token}"}
    address = f"{server.address}/api/sessions"
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        sessions = json.load(answer)
    for session in sessions:
        request = urllib.request.Request(
            f"{address}/{session['id']}", headers=headers, method="DELETE"
        )
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(request):
            pass


def _write(path: Path, cells: Sequence[str]) -> None:
    # nbformat types none of these.
    made = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[nbformat.v4.new_code_cell(source) for source in cells],  # type: ignore[no-untyped-call]
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(made, path)  # type: ignore[no-untyped-call]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the page looked like beside a failed test's traceback."""
    report = yield
    if report.when == "call" and report.failed:
        notebooks: list[Notebook] = item.stash.get(_OPENED, [])
        for index, opened in enumerate(notebooks):
            name = re.sub(r"[^\w-]+", "_", f"FAILED-{item.name}-{index}")
            outputs = []
            with suppress(Exception):  # the page may be what has failed
                opened.screenshot(name)
                outputs = opened.page.locator(".jp-OutputArea").all_inner_texts()
            lines = [f"{SCREENSHOTS / name}.png", *opened.errors, *opened.outside, *outputs]
            report.sections.append((f"notebook {opened.path.name}", "\n".join(lines)))
    return report
