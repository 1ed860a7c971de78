"""Helm renders the chart, and Kubernetes' own schemas take what comes of it."""

import io
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.processes.table import PROCESSES
from stack.deployment.files import CHART
from stack.supervision.process import ROOT
from tests.referees.conftest import run

pytestmark = pytest.mark.referee

#: Where the packages are installed that the chart is judged by.
PACKAGES = ROOT / ".notifier" / "charts"
REQUIRED = ("--set", "image.repository=registry.example.com/notifier")
REQUIRED += ("--set", "publicUrl=https://notifier.example.com")
#: Every value that adds or changes something.
EVERYTHING = """
image: {repository: registry.example.com/notifier, tag: "1"}
imagePullSecrets: [{name: registry}]
publicUrl: https://notifier.example.com
allowedHosts: [internal.example.com]
trustedProxies: [10.0.0.0/8]
settings: {NOTIFIER_DATABASE_POOL: 8}
existingFiles: [notifier-apns]
keda: {prometheus: "http://prometheus:9090"}
podMonitor: {enabled: true}
ingress: {enabled: true, className: nginx, tls: [{hosts: [notifier.example.com], secretName: tls}]}
processes:
  web: {autoscaling: {enabled: true}}
  push: {autoscaling: {enabled: true}, nodeSelector: {disk: fast}, env: {WORKER_THREADS: 8}}
  flower: {enabled: true}
  sms: {enabled: false}
"""
VALIDATE = """
import sys, yaml, kubernetes_validate
for manifest in yaml.safe_load_all(sys.stdin):
    if manifest["kind"] not in ("PodMonitor", "ScaledObject"):  # others' own kinds
        for version in ("1.26", "1.37"):
            kubernetes_validate.validate(manifest, version, strict=True)
"""


@pytest.fixture(scope="module")
def helm() -> Path:
    """Helm, out of the zip file in the archive in the package that brings it."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pinned = str(Path(__file__).with_name("charts.txt"))
    run(
        [
            *pip,
            "--require-hashes",
            "--no-deps",
            "--upgrade",
            "--target",
            str(PACKAGES),
            "-r",
            pinned,
        ],
        env={},
    )
    program = PACKAGES / "helm"
    [archive] = PACKAGES.glob("aws_cdk/*/_jsii/*.tgz")
    with tarfile.open(archive) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            program.write_bytes(files.read("helm/helm"))
    program.chmod(0o755)
    return program


def template(helm: Path, *values: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [helm, "template", "notifier", CHART, *values]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def manifests(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    run([sys.executable, "-c", VALIDATE], env={"PYTHONPATH": str(PACKAGES)}, stdin=done.stdout)
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def test_helm_finds_nothing_wrong(helm):
    assert "0 chart(s) failed" in run([str(helm), "lint", str(CHART), *REQUIRED], env={})


def test_each_process_but_flower_is_a_deployment_with_probes_and_a_budget(helm):
    found = manifests(template(helm, *REQUIRED))
    names = sorted(f"notifier-{one.name.replace('_', '-')}" for one in PROCESSES[:-1])
    kinds = {kind: [] for kind in ("Deployment", "PodDisruptionBudget", "Job")}
    for one in found:
        kinds.setdefault(one["kind"], []).append(one["metadata"]["name"])
    assert sorted(kinds["Deployment"]) == sorted(kinds["PodDisruptionBudget"]) == names
    assert kinds["Job"] == ["notifier-migrate"]
    for one in found:
        if one["kind"] == "Deployment":
            [container] = one["spec"]["template"]["spec"]["containers"]
            probes = {
                container[f"{when}Probe"]["httpGet"]["path"] for when in ("startup", "liveness")
            }
            assert probes == {"/healthz"}
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_with_every_value_set_it_is_valid_too(helm):
    found = manifests(template(helm, "--values", "-", stdin=EVERYTHING))
    kinds = Counter(one["kind"] for one in found)
    assert kinds["HorizontalPodAutoscaler"] == kinds["ScaledObject"] == kinds["Ingress"] == 1
    assert kinds["Deployment"] == len(PROCESSES) - 1  # with flower, and without sms
    [ingress] = [one for one in found if one["kind"] == "Ingress"]
    paths = {path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert paths == {"/v1/inbox/stream", "/v1", "/problems", "/static"}


def test_migrate_runs_before_an_upgrade(helm):
    [job] = [one for one in manifests(template(helm, *REQUIRED)) if one["kind"] == "Job"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), "image.repository"),
        (REQUIRED[:2], "publicUrl"),
        ((*REQUIRED, "--set", "processes.pushes.replicas=2"), "there is no such process"),
        ((*REQUIRED, "--set", "processes.beat.autoscaling.enabled=true"), "nothing says how many"),
        ((*REQUIRED, "--set", "processes.push.autoscaling.enabled=true"), "keda.prometheus"),
    ],
)
def test_a_value_that_is_missing_or_wrong_is_named(helm, values, said):
    done = template(helm, *values)
    assert done.returncode != 0 and said in done.stderr
