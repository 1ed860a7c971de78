"""The command line of the sandbox: ``python -m sandbox --help``."""

import argparse
import logging
import sys
from pathlib import Path

import uvloop

from sandbox.credentials import Ports
from sandbox.receipts import NotLoopback
from sandbox.server import Sandbox


def main() -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Stand-in providers speaking the real wire protocols. Port 0: any free one; "
        "sandbox.json in --dir says which.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="control and page (plain http)")
    parser.add_argument("--https-port", type=int, help="all but SMTP (default: --port + 3)")
    parser.add_argument("--apns-port", type=int, default=8091, help="asks for certificates")
    parser.add_argument("--smtp-port", type=int, default=8092)
    parser.add_argument("--dir", type=Path, required=True, help="for keys and sandbox.json")
    parser.add_argument(
        "--receipts-to",
        metavar="URL",
        help="a service on this machine that receipts are sent to (default: none)",
    )
    asked = parser.parse_args()
    https_port = asked.https_port
    if https_port is None:
        https_port = asked.port + 3 if asked.port else 0
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    ports = Ports(asked.host, asked.port, https_port, asked.apns_port, asked.smtp_port)
    try:
        sandbox = Sandbox(asked.dir.resolve(), ports, asked.receipts_to)
    except (OSError, NotLoopback) as error:
        print(f"the sandbox cannot start: {error}", file=sys.stderr)
        return 1
    uvloop.run(sandbox.run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
