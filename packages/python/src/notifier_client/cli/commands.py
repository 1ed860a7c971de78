"""Subcommands of the parser, with the options that all of them have."""

import argparse
from collections.abc import Callable
from typing import Any

from notifier_client import NotifierClient
from notifier_client.cli.output import Output

Run = Callable[[NotifierClient, argparse.Namespace, Output], None]


class Commands:
    """The commands at one place of the command line: ``notifier …`` or ``notifier topics …``."""

    def __init__(self, parser: argparse.ArgumentParser, name: str = "command") -> None:
        self._subparsers: Any = parser.add_subparsers(dest=name, metavar="COMMAND", required=True)

    def add(
        self, name: str, run: Run, summary: str, examples: str = "", *, connects: bool = True
    ) -> argparse.ArgumentParser:
        """Add a command that calls ``run``. ``examples``: lines for ``--help``."""
        parser = self._parser(name, summary, examples)
        parser.add_argument("--json", action="store_true", help="print JSON, an object a line")
        parser.set_defaults(run=run, connects=connects)
        return parser

    def group(self, name: str, summary: str, examples: str = "") -> "Commands":
        """Add a command that has commands of its own."""
        return Commands(self._parser(name, summary, examples), f"{name}_command")

    def _parser(self, name: str, summary: str, examples: str) -> argparse.ArgumentParser:
        lines = [f"  {line}" for line in examples.strip().splitlines()]
        parser: argparse.ArgumentParser = self._subparsers.add_parser(
            name,
            help=summary,
            description=summary,
            epilog="\n".join(["examples:", *lines]) if lines else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        return parser
