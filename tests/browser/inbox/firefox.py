"""Debian's Firefox, headless, driven by Marionette: its own protocol of remote control.

Messages are JSON behind their length, as in
https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html. Scripts run in a page, or
with the browser's own rights ("chrome"), which can take its network away and name its processes.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from stack.debian import FIREFOX
from stack.supervision.process import PATIENCE, Process
from tests.support.waiting import until

#: Nothing but this machine is asked: whatever else Firefox wants of its maker meets no proxy.
_PREFERENCES = {
    "marionette.port": 0,
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "127.0.0.1",
    "network.trr.mode": 5,
    "datareporting.policy.dataSubmissionEnabled": False,
    # Offline, this machine is out of reach, too.
    "network.disable-localhost-when-offline": True,
    # Each tab has a process of its own, so that one can be killed alone. The default is 4 a site.
    "dom.ipc.processCount.webIsolated": 50,
}
_PROCESS_OF_TAB = "gBrowser.selectedBrowser.frameLoader.remoteTab?.osPid"
_PROCESSES_WITH_WORKERS = """(await ChromeUtils.requestProcInfo()).children
  .filter(({type}) => type === "webIsolated")
  .filter(({threads}) => threads.some(({name}) => name === "DOM Worker"))
  .map(({pid}) => pid)"""


class Firefox:
    """A session."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._answers = self._socket.makefile("rb")
        self._numbers = count(1)
        self._read()  # it introduces itself
        self.call("WebDriver:NewSession")
        #: The tab that is there from the beginning, and to the end.
        self._first = self.call("WebDriver:GetWindowHandle")["value"]

    def tab(self, url: str) -> "Tab":
        """Open a tab, and return once its page is loaded."""
        handle = str(self.call("WebDriver:NewWindow", type="tab")["handle"])
        self.switch(handle)
        self.call("WebDriver:Navigate", url=url)
        return Tab(self, handle, self.with_its_rights(_PROCESS_OF_TAB))

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Take the network away, this machine included, until the end of the block."""
        self.with_its_rights("Services.io.offline = true")
        try:
            yield
        finally:
            self.with_its_rights("Services.io.offline = false")

    @property
    def worker(self) -> int:
        """The process in which the only worker of a page runs, once there is no other."""

        def only() -> list[int]:
            found: list[int] = self.with_its_rights(_PROCESSES_WITH_WORKERS)
            return found if len(found) == 1 else []

        return until(only)[0]

    def with_its_rights(self, expression: str) -> Any:
        """Return what an expression comes to in the browser itself; it may wait for promises."""
        script = "const done = arguments[0]; (async () => (EXPRESSION))().then(done);"
        script = script.replace("EXPRESSION", expression)
        self.call("Marionette:SetContext", value="chrome")
        try:
            return self.call("WebDriver:ExecuteAsyncScript", script=script, args=[])["value"]
        finally:
            self.call("Marionette:SetContext", value="content")

    def switch(self, handle: str | None = None) -> None:
        """Bring a tab to the front, by default the one that is always there."""
        self.call("WebDriver:SwitchToWindow", handle=handle or self._first)

    def call(self, command: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        text = json.dumps([0, number, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        _, answered, error, result = self._read()
        assert answered == number
        assert error is None, f"{command}: {error}"
        return result

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while (digit := self._answers.read(1)) != b":":
            assert digit, "Firefox has gone"
            length += digit
        return json.loads(self._answers.read(int(length)))


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab, and the process of its page."""

    fox: Firefox
    handle: str
    pid: int

    def evaluate(self, expression: str) -> Any:
        """Return what an expression comes to in the page."""
        self.fox.switch(self.handle)
        script = f"return {expression}"
        answer = self.fox.call("WebDriver:ExecuteScript", script=script, args=[], sandbox=None)
        return answer["value"]

    def wait(self, condition: str) -> None:
        until(lambda: self.evaluate(condition))

    def close(self) -> None:
        self.fox.switch(self.handle)
        self.fox.call("WebDriver:CloseWindow")
        self.fox.switch()


@contextmanager
def running(directory: Path) -> Iterator[Firefox]:
    """Run a browser with a profile of its own until the end of the block."""
    profile = directory / "profile"
    profile.mkdir(parents=True)
    pairs = [(json.dumps(name), json.dumps(value)) for name, value in _PREFERENCES.items()]
    lines = [f"user_pref({name}, {value});\n" for name, value in pairs]
    (profile / "user.js").write_text("".join(lines))
    options = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
    command = [FIREFOX.file, *options, "--profile", profile]
    # As root it starts in a home of root's only.
    env = {**os.environ, "HOME": str(directory), "MOZ_CRASHREPORTER_DISABLE": "1"}
    with Process("firefox", command, env=env, output=directory / "firefox.log") as process:
        port = profile / "MarionetteActivePort"
        process.wait_until(lambda: port.exists() and port.read_text().strip() != "")
        firefox = Firefox(int(port.read_text()))
        try:
            yield firefox
        finally:
            firefox.close()
