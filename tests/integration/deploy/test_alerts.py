"""Each alert fires for what it is for, is silent for its neighbour, and says what to do."""

import math
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.alerts.rules import (
    OF_OURS_ALONE,
    OF_PROMETHEUS_ALONE,
    OPEN_SHARE,
    OPEN_WITHIN,
)
from apps.alerts.rules import (
    RULES as ALERTS,
)
from deploy.grafana.dashboards import DASHBOARDS
from deploy.grafana.document import document
from stack.debian import PROMETHEUS
from tests.support.pages import ROOT, table_of
from tests.support.programs import need

HERE = ROOT / "deploy" / "prometheus"
RULES, TESTS = HERE / "rules.yml", HERE / "rules_test.yml"
METRIC = re.compile(r"\bnotifier_\w+")
SEVERITIES = {"page", "ticket"}


def rules(kind: str) -> list[dict[str, Any]]:
    """Return the rules of a kind: alert or record."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def promtool(*arguments: str | Path) -> str:
    need(PROMETHEUS)
    done = subprocess.run(["promtool", *arguments], cwd=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules():
    promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_each_alert_fires_for_what_it_is_for_and_for_nothing_beside_it():
    promtool("test", "rules", TESTS)


def test_each_alert_has_an_input_for_which_it_fires_and_one_for_which_it_does_not():
    found = defaultdict(set)
    for case in yaml.safe_load(TESTS.read_text())["tests"]:
        for test in case["alert_rule_test"]:
            found[test["alertname"]].add(bool(test.get("exp_alerts")))
    assert found == {rule["alert"]: {True, False} for rule in rules("alert")}


@pytest.mark.parametrize("rule", rules("alert"), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_leads_to_what_to_do(rule):
    assert rule["labels"]["severity"] in SEVERITIES
    said = rule["annotations"]
    assert said.keys() == {"summary", "description", "runbook_url"}
    page, _, anchor = said["runbook_url"].partition("#")
    text = (ROOT / page).read_text()
    headings = {name.lower(): name for name in re.findall(r"^### (\w+)$", text, re.M)}
    assert anchor in headings
    section = text.partition(f"### {headings[anchor]}\n")[2].partition("\n#")[0]
    assert f"`{rule['alert']}`" in section or rule["alert"] == headings[anchor]
    assert "**Do**" in section and "**Look**" in section


def test_rules_and_dashboards_name_metrics_that_there_are():
    source = "".join(path.read_text() for path in (ROOT / "apps").rglob("*.py"))
    there = set(re.findall(r'"(notifier_\w+)"', source))
    used = [rule["expr"] for kind in ("alert", "record") for rule in rules(kind)]
    used += [
        target["expr"]
        for dashboard in DASHBOARDS
        for panel in document(dashboard)["panels"]
        for target in panel["targets"]
    ]
    named = {re.sub(r"_(bucket|count|sum)$", "", name) for name in METRIC.findall(" ".join(used))}
    assert named - there == set()


#: Numbers that only Prometheus compares with: it keeps samples for longer, and tells by counters
#: that Redis is away, which the service asks itself.
OF_PROMETHEUS = {"NotifierProviderFailingSlowly": {0.01}, "NotifierRedisDown": {0, 1}}
#: Rules whose time is in the expression: a share of the samples of so many seconds.
TIME_IN_EXPRESSION = {"NotifierBreakerOpen": OPEN_SHARE * OPEN_WITHIN}
COMPARED = re.compile(r"(?:[<>]=?|==)\s*(?:bool\s+\d+\)\[\S+\] > )?([\d.]+(?:\s*\*\s*\d+)?)")


def limits(expression: str) -> set[float]:
    """Return the numbers that an expression compares with."""
    return {
        math.prod(float(factor) for factor in found.split("*"))
        for found in COMPARED.findall(expression)
    }


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]] if duration else 0


def test_each_rule_of_prometheus_has_an_equal_in_the_service_or_a_reason():
    names = {rule["alert"] for rule in rules("alert")}
    assert names == (ALERTS.keys() - OF_OURS_ALONE) | OF_PROMETHEUS_ALONE.keys()
    assert not OF_PROMETHEUS_ALONE.keys() & ALERTS.keys()


def test_the_documents_say_why_a_rule_has_no_equal():
    shown = dict(table_of(ROOT / "docs/operations/alerts.md", "Without Prometheus"))
    assert shown == {name: why.replace("`", "") for name, why in OF_PROMETHEUS_ALONE.items()}


@pytest.mark.parametrize(
    "rule",
    [rule for rule in rules("alert") if rule["alert"] in ALERTS],
    ids=lambda rule: rule["alert"],
)
def test_a_rule_has_the_thresholds_times_and_section_of_the_service(rule):
    ours = ALERTS[rule["alert"]]
    assert rule["labels"]["severity"] == ours.severity
    assert rule["annotations"]["runbook_url"] == ours.runbook
    lasts = TIME_IN_EXPRESSION.get(ours.name) or seconds(rule.get("for", ""))
    assert lasts == ours.lasts
    assert limits(rule["expr"]) - OF_PROMETHEUS.get(ours.name, set()) == ours.limits


@pytest.mark.parametrize("name", sorted(OF_OURS_ALONE))
def test_an_alert_that_prometheus_has_not_leads_to_what_to_do(name):
    section = (ROOT / "docs/operations/alerts.md").read_text().partition(f"### {name}\n")[2]
    assert "**Do**" in section.partition("\n#")[0]
