"""Each alert fires for what it is for, is silent for its neighbour, and says what to do."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.dashboards import DASHBOARDS
from deploy.grafana.document import document
from stack.debian import PROMETHEUS
from tests.support.pages import ROOT
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
