"""``python -m stack demo|up|test|run``: what the Makefile calls."""

import argparse
import os
import signal
import sys
import threading
import time

from stack import environment, servers, stage
from stack.errors import StackError
from stack.process import Process
from stack.state import HOME, fresh
from stack.suite import test
from stack.up import up


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    if arguments.end_with_parent:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        match arguments.command:
            case "demo":
                return demo()
            case "up":
                return up()
            case "test":
                return test(arguments.rest)
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


def demo() -> int:
    """Play the scenario on a stack of its own. 0, or 1 with the reason."""
    from stack.demo import play

    with fresh("demo") as state, servers.running(state) as found, stage.running(state, found) as on:
        return play(on.api_url, on.sandbox, on.env)


def run(command: list[str]) -> int:
    """A command with the environment of fresh servers, and its exit code."""
    with fresh("run") as state, servers.running(state) as found:
        env = environment.of(state, found)
        with Process(command[0], command, env=env, keep_open=[state.lock]) as process:
            return process.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--end-with-parent", action="store_true", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="play a scenario on a stack of its own")
    commands.add_parser("up", help="run the service until Ctrl-C")
    for name, meaning in (("test", "pytest on real servers"), ("run", "COMMAND on fresh servers")):
        command = commands.add_parser(name, help=meaning)
        command.add_argument("rest", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if "rest" in arguments:
        arguments.rest = [part for part in arguments.rest if part != "--"]
        if arguments.command == "run" and not arguments.rest:
            parser.error("run needs a command")
    return arguments


def _end_with(parent: int) -> None:
    """End as by SIGTERM when make is gone: killed, it cannot tell us."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
