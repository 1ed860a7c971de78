"""The command line ``python -m stack demo|up|test|…``, which the Makefile calls."""

import argparse
import signal
import sys
from pathlib import Path

from stack import environment, manage, servers, whole_service
from stack.demo import LEAST_SUBSCRIBERS, SETTINGS, SUBSCRIBERS, play
from stack.errors import StackError
from stack.screenshots import screenshots
from stack.state_directory import HOME, fresh
from stack.suite import test
from stack.supervision.parent import end_with_parent, heed_signals
from stack.supervision.process import Process
from stack.up import up


def main() -> int:
    """Run the command, and return its exit code."""
    arguments = _arguments()
    heed_signals()
    if arguments.end_with_parent:
        end_with_parent()
    try:
        match arguments.command:
            case "demo":
                return demo(arguments.subscribers)
            case "up":
                return up(arguments.state)
            case "test":
                return test(arguments.rest)
            case "screenshots":
                return screenshots()
            case "manage":
                manage.become(HOME, arguments.rest)
            case _:
                return run(arguments.rest)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        if not str(error.filename).startswith(str(HOME)):
            raise
        print(
            f"\n{error.filename} belongs to another user. Run this as that user, or remove it.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything was stopped", file=sys.stderr)
        return 128 + signal.SIGINT


def demo(subscribers: int) -> int:
    """Play the scenario on a stack of its own. Returns 0, or 1 after printing the reason."""
    with fresh("demo") as state, servers.running(state) as found:
        print("Starting the sandbox, the API and the workers", flush=True)
        with whole_service.running(state, found, settings=SETTINGS, receipts=True) as on:
            return play(on.api_url, on.stream_url, on.sandbox, on.env, subscribers)


def run(command: list[str]) -> int:
    """Run a command in the environment of new servers, and return its exit code."""
    with fresh("run") as state, servers.running(state) as found:
        env = environment.of(state, found)
        with Process(command[0], command, env=env, keep_open=[state.lock]) as process:
            return process.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--end-with-parent", action="store_true", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("demo", help="play a scenario on a stack of its own")
    command.add_argument("--subscribers", type=int, default=SUBSCRIBERS, help="of the blast")
    command = commands.add_parser("up", help="run the service until Ctrl-C")
    command.add_argument("--state", type=Path, default=HOME, help="keeps data, secrets and logs")
    commands.add_parser("screenshots", help="take docs/screenshots from a stack of its own")
    passed_on = {
        "test": "pytest on real servers",
        "run": "COMMAND on fresh servers",
        "manage": "manage.py COMMAND in the service that `make up` runs",
    }
    for name, meaning in passed_on.items():
        commands.add_parser(name, help=meaning)
    given, rest = sys.argv[1:], []
    for place, word in enumerate(given):
        if word in passed_on:  # what follows is another program's
            given, rest = given[: place + 1], given[place + 1 :]
            break
    arguments = parser.parse_args(given)
    arguments.rest = rest[1:] if rest[:1] == ["--"] else rest
    if arguments.command in ("run", "manage") and not arguments.rest:
        parser.error(f"{arguments.command} needs a command")
    if arguments.command == "demo" and arguments.subscribers < LEAST_SUBSCRIBERS:
        parser.error(f"--subscribers is at least {LEAST_SUBSCRIBERS}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
