"""Debian's Firefox, headless, driven by Marionette: its own protocol of remote control.

Messages are JSON behind their length, as in
https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from stack.debian import FIREFOX
from stack.supervision.process import PATIENCE, Process

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
}


class Firefox:
    """A session. Tabs are their handles."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._answers = self._socket.makefile("rb")
        self._numbers = count(1)
        self._read()  # it introduces itself
        self._call("NewSession")

    def tab(self, url: str) -> str:
        """Open a tab, and return once its page is loaded."""
        handle = str(self._call("NewWindow", type="tab")["handle"])
        self._call("SwitchToWindow", handle=handle)
        self._call("Navigate", url=url)
        return handle

    def evaluate(self, tab: str, expression: str) -> Any:
        """Return what an expression comes to in a tab."""
        self._call("SwitchToWindow", handle=tab)
        script = f"return {expression}"
        return self._call("ExecuteScript", script=script, args=[], sandbox=None)["value"]

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def _call(self, command: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        text = json.dumps([0, number, f"WebDriver:{command}", parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        _, answered, error, result = self._read()
        assert answered == number
        assert error is None, f"{command}: {error}"
        return result

    def _read(self) -> Any:
        length = b""
        while (digit := self._answers.read(1)) != b":":
            assert digit, "Firefox has gone"
            length += digit
        return json.loads(self._answers.read(int(length)))


@contextmanager
def running(directory: Path) -> Iterator[Firefox]:
    """Run a browser with a profile of its own until the end of the block."""
    profile = directory / "profile"
    profile.mkdir(parents=True)
    pairs = [(json.dumps(name), json.dumps(value)) for name, value in _PREFERENCES.items()]
    lines = [f"user_pref({name}, {value});\n" for name, value in pairs]
    (profile / "user.js").write_text("".join(lines))
    command = [FIREFOX.file, "--headless", "--marionette", "--no-remote", "--profile", profile]
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
