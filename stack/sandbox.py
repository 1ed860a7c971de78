"""The provider sandbox as a guarded process."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from stack.state_directory import State
from stack.supervision.process import Process


class Sandbox(Process):
    """A sandbox: ``with Sandbox(state, env) as sandbox:``; ``sandbox.config`` has its URLs.

    ``port``: of the page; by default a free one, as for the other listeners. ``receipts_to``: the
    service that its providers send receipts to, if any.
    """

    def __init__(
        self, state: State, env: Mapping[str, str], *, receipts_to: str = "", port: int = 0
    ) -> None:
        self._directory = state.path("sandbox")
        self._file = self._directory / "sandbox.json"
        command = [sys.executable, "-m", "sandbox", "--dir", str(self._directory)]
        command += ["--port", str(port), "--https-port", "0", "--apns-port", "0"]
        command += ["--smtp-port", "0"]
        if receipts_to:
            command += ["--receipts-to", receipts_to]
        super().__init__(
            "sandbox", command, env=env, output=state.log("sandbox"), keep_open=[state.lock]
        )

    def start(self) -> None:
        """Start it, and return once it listens, when it writes ``sandbox.json``."""
        self._file.unlink(missing_ok=True)
        super().start()
        self.wait_until(self._file.exists)

    @property
    def config(self) -> dict[str, Any]:
        """The parsed ``sandbox.json``."""
        config: dict[str, Any] = json.loads(self._file.read_text())
        return config
