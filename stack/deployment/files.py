"""The generated files: their places and texts."""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config.processes.process import Process
from config.processes.table import PROCESSES
from stack.supervision.process import ROOT
from stack.supervision.processes import STOPPING

DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
CHART = DEPLOY / "helm" / "notifier"
NOTE = "Written by `make deployment` from config/processes/table.py; change that."
#: Variables by which bulk workers give back the memory they free, where no `bin/behind` does.
MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "262144",
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=False,  # no page of the service
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters["quoted"] = json.dumps  # a string of JSON is one of YAML


def generated() -> dict[Path, str]:
    """Return the text of each generated file."""
    return {
        ROOT / "Procfile": _text("Procfile"),
        DEPLOY / "compose.yaml": _text("compose.yaml"),
        CHART / "files" / "processes.yaml": _text("processes.yaml"),
        UNITS / "notifier.target": _text("notifier.target"),
        UNITS / "notifier-migrate.service": _text("notifier-migrate.service"),
        **{UNITS / unit(one): _text("process.service", process=one) for one in PROCESSES},
    }


def left_over() -> list[Path]:
    """Return the units of processes that there are no more."""
    return sorted(set(UNITS.glob("notifier*")) - generated().keys())


def unit(process: Process) -> str:
    """Return the name of a process's unit; with ``@`` where a host may run several."""
    return f"notifier-{process.name.replace('_', '-')}{'' if process.port else '@'}.service"


def _text(name: str, **more: object) -> str:
    template = _templates.get_template(f"{name}.jinja")
    return template.render(
        note=NOTE, processes=PROCESSES, malloc=MALLOC, stopping=STOPPING, unit=unit, **more
    )
