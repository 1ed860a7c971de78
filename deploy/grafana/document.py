"""Grafana's JSON of a dashboard: rows of panels, a panel queries with legends.

Everything else that Grafana's JSON has is the same for all of them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

#: Grafana's grid has so many columns, and a panel so many rows of it.
WIDTH, HEIGHT = 24, 8
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Query(NamedTuple):
    """A PromQL expression and the legend of its series."""

    expression: str
    legend: str = ""


class Panel(NamedTuple):
    """A chart, or a number (``kind``: stat). ``unit``: Grafana's name of it."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    kind: str = "timeseries"


class Dashboard(NamedTuple):
    """A dashboard; ``name`` is that of its file, and ``rows`` have panels of one width each.

    ``variables``: label values to choose from, each a name and Grafana's query.
    """

    name: str
    title: str
    rows: Sequence[Sequence[Panel]]
    variables: Sequence[tuple[str, str]] = ()


def document(dashboard: Dashboard) -> dict[str, Any]:
    """Return Grafana's JSON of a dashboard."""
    return {
        "uid": f"notifier-{dashboard.name}",
        "title": dashboard.title,
        "tags": ["notifier"],
        "editable": True,
        "schemaVersion": 38,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "links": [
            {"type": "dashboards", "tags": ["notifier"], "title": "Notifier", "asDropdown": True}
        ],
        "templating": {"list": list(_variables(dashboard))},
        "panels": list(_panels(dashboard)),
    }


def _variables(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    for name, query in dashboard.variables:
        yield {
            "name": name,
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }


def _panels(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    number = 0
    for row, panels in enumerate(dashboard.rows):
        width = WIDTH // len(panels)
        for column, panel in enumerate(panels):
            number += 1
            yield {
                "id": number,
                "type": panel.kind,
                "title": panel.title,
                "description": panel.description,
                "datasource": SOURCE,
                "gridPos": {"h": HEIGHT, "w": width, "x": column * width, "y": row * HEIGHT},
                "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
                "targets": [
                    {
                        "refId": chr(ord("A") + position),
                        "datasource": SOURCE,
                        "expr": query.expression,
                        "legendFormat": query.legend or "__auto",
                    }
                    for position, query in enumerate(panel.queries)
                ],
            }


def text(dashboard: Dashboard) -> str:
    """Return the content of a dashboard's file."""
    return json.dumps(document(dashboard), indent=1) + "\n"
