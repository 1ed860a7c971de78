"""``python -m config.reference > docs/configuration.md``: print every setting.

Sections are the headings (``# -- Name ---``) of the modules in ``FILES``; names, defaults and
meanings come from ``config.env.SETTINGS``. Variables that only the Procfile reads are described in
``PROCFILE``.
"""

import os
import re

from config.secrets import fresh

for _name, _value in fresh().items():  # settings need secrets; the reference shows no values
    os.environ.setdefault(_name, _value)

from config import settings  # noqa: E402
from config.env import SETTINGS  # noqa: E402

#: Modules of ``config`` that read settings, each below the heading of a section.
FILES = (
    "settings.py",
    "delivery.py",
    "providers/entries.py",
    "providers/accounts.py",
    "providers/keywords.py",
    "tokens.py",
    "people.py",
    "logs/__init__.py",
    "operators/sign_in.py",
    "operators/monitoring.py",
    "operators/alerts.py",
    "worker/broker.py",
)
#: Meanings of the variables that only the Procfile's commands read.
PROCFILE = {
    "WEB_PROCESSES": "processes of the API",
    "WEB_THREADS": "threads of each: the requests it answers at the same time",
    "WEB_HOST": "address the API listens on; a proxy with TLS belongs in front of it",
    "PORT": "its port",
    "STREAM_HOST": "address the stream listens on; the same proxy belongs in front of it",
    "STREAM_PORT": "its port",
    "WORKER_THREADS": "tasks that one worker process runs at the same time; each empties a queue",
    "HONCHO_PROCESS_NAME": "name of a process among several of one command; the runner sets it",
    "BEAT_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR, for beat alone",
    "FLOWER_HOST": "address Flower listens on",
    "FLOWER_PORT": "its port",
}

INTRODUCTION = """\
# Configuration

Everything is set by environment variables. `.venv/bin/python -m config.secrets` prints fresh \
values for those without a default; `make up` makes them by itself and keeps them in \
`.notifier/secrets/`.

A flag is `1` or `0`, a list has commas between its items, times are in seconds. A value that \
cannot be read stops the process with a sentence that names the variable. Where a path is \
relative here, it is inside the project's directory.

Of every setting `NAME` the value may be in a file: `NAME_FILE` has its path, as in \
`DATABASE_URL_FILE=/run/secrets/database_url`. That does not hold for what only the Procfile reads.

This page is written by `.venv/bin/python -m config.reference > docs/configuration.md`.
"""


def main() -> None:
    """Print the page."""
    print(reference(), end="")


def reference() -> str:
    """Return the page. Raises ``LookupError`` for a variable of the Procfile without a meaning."""
    sections: dict[str, list[str]] = {}
    found = _sections()
    for setting in SETTINGS:
        row = _row(setting.name, setting.default, setting.meaning)
        sections.setdefault(found[setting.name], []).append(row)
    sections["Processes (read by the Procfile)"] = list(_procfile({s.name for s in SETTINGS}))
    return INTRODUCTION + "".join(_table(title, rows) for title, rows in sections.items())


def _sections() -> dict[str, str]:
    """Return by setting the heading above the line that reads it."""
    found: dict[str, str] = {}
    heading = ""
    for file in FILES:
        for line in (settings.BASE_DIR / "config" / file).read_text().splitlines():
            if title := re.match(r"# -- (.+?) -+$", line):
                heading = title[1]
            for name in re.findall(r'"([A-Z][A-Z0-9_]+)"', line):
                found.setdefault(name, heading)
    return found


def _procfile(known: set[str]) -> list[str]:
    """Return a row for each variable of the Procfile that is not a setting, in its order."""
    found: dict[str, dict[str, list[str]]] = {}  # variable -> default -> processes that have it
    for line in (settings.BASE_DIR / "Procfile").read_text().splitlines():
        process, _, command = line.partition(": ")
        for name, default in re.findall(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", command):
            if name not in known:
                found.setdefault(name, {}).setdefault(default, []).append(process)
    if missing := found.keys() - PROCFILE:
        raise LookupError(
            f"config/reference.py has no meaning for {', '.join(missing)} of the Procfile"
        )
    return [f"| `{name}` | {_defaults(of)} | {PROCFILE[name]} |\n" for name, of in found.items()]


def _defaults(processes: dict[str, list[str]]) -> str:
    """Format the one default, or each with the processes that have it."""
    if len(processes) == 1:
        return _shown(next(iter(processes)) or None)
    return "; ".join(
        f"{_shown(default)} in {', '.join(f'`{name}`' for name in names)}"
        for default, names in processes.items()
    )


def _row(name: str, default: str | None, meaning: str) -> str:
    return f"| `{name}` | {_shown(default)} | {meaning} |\n"


def _shown(default: str | None) -> str:
    if default is None:
        return "none, must be set"
    # A space after each comma lets a long default wrap.
    short = default.replace(f"{settings.BASE_DIR}{os.sep}", "").replace(",", ", ")
    return f"`{short}`" if short else "empty"


def _table(title: str, rows: list[str]) -> str:
    return f"\n## {title}\n\n| name | default | meaning |\n|---|---|---|\n{''.join(rows)}"


if __name__ == "__main__":
    main()
