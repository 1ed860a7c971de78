"""``notifier``: the parser of all commands, and what becomes of their errors."""

import argparse
import os
import sys
from collections.abc import Sequence

from notifier_client import NotifierClient, NotifierError
from notifier_client.cli import completion, deliveries, listen, messages, recipients, topics
from notifier_client.cli.commands import Commands
from notifier_client.cli.exits import Exit, UsageError, exit_of, words_for
from notifier_client.cli.output import Output, clean
from notifier_client.version import __version__

#: Seconds for one call: a person waits for it.
PATIENCE = 10.0
_ABOUT = """\
Send notifications by Notifier, and see what becomes of them.

NOTIFIER_URL is the service's address, such as https://notifier.example.com, and
NOTIFIER_KEY an API key, ntf_…, with the scopes that a command needs."""
_EXITS = """\
exit codes:
  0 done            3 key wrong or lacking a scope   6 still sending (--wait)
  1 refused         4 not found                      130 Ctrl-C
  2 wrong usage     5 no answer, or too busy         141 nobody reads the output

examples:
  notifier send --to ada --title Shipped --body "Order 7 is on its way." --wait
  notifier COMMAND --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    try:
        return _main(argv)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Python would write the rest of the buffer once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    whole = argparse.ArgumentParser(
        prog="notifier",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"notifier {__version__}")
    commands = Commands(whole)
    for module in (messages, topics, recipients, deliveries, listen):
        module.add(commands)
    completion.add(commands, whole)
    return whole


def _main(argv: Sequence[str] | None) -> int:
    arguments = parser().parse_args(argv)
    out = Output(arguments.json)
    try:
        if not arguments.connects:
            arguments.run(None, arguments, out)
            return Exit.DONE
        with _client() as client:
            arguments.run(client, arguments, out)
        return Exit.DONE
    except UsageError as error:
        return _fail([str(error)], Exit.USAGE)
    except NotifierError as error:
        return _fail(words_for(error), exit_of(error))


def _client() -> NotifierClient:
    url, key = os.environ.get("NOTIFIER_URL", ""), os.environ.get("NOTIFIER_KEY", "")
    if not url.startswith(("http://", "https://")):
        raise UsageError(
            "Set NOTIFIER_URL to the service's address, such as https://notifier.example.com"
            + (f": it is {url!r}." if url else ".")
        )
    if not key:
        raise UsageError("Set NOTIFIER_KEY to an API key, ntf_…, that your operator made for you.")
    if not (key.isascii() and key.isprintable()):
        raise UsageError("NOTIFIER_KEY is not an API key: it has characters that no key has.")
    return NotifierClient(url, key, timeout=PATIENCE, retry_for=PATIENCE)


def _fail(lines: Sequence[str], code: Exit) -> int:
    for line in lines:
        print(clean(f"notifier: {line}"), file=sys.stderr)
    return code
