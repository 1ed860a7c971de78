"""This machine: room on its disks for logs and metrics, and what a process may open."""

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from apps.doctor.findings import Finding, Options, Reporter

_found = Reporter("machine")

#: The folder to which logs mostly go.
LOGS = Path("/var/log")
#: Bytes: less than a busy hour may log; and less than a process needs to start.
LITTLE, NOTHING = 1 << 30, 50 << 20
#: Descriptors of ``stream`` beside those of connections.
SPARE = 200


def check(options: Options) -> Iterator[Finding]:
    """Check disks, the directory of metrics and the limit of descriptors."""
    metrics = Path(settings.METRICS_DIR)
    if not os.access(metrics, os.W_OK | os.X_OK):
        yield _found.error(
            f"{metrics} cannot be written to, so nothing starts",
            "give it to the user of the processes, or set PROMETHEUS_MULTIPROC_DIR",
        )
    places = [place for place in (LOGS, Path(tempfile.gettempdir()), metrics) if place.exists()]
    by_disk = {place.stat().st_dev: place for place in places}
    for place in by_disk.values():
        usage = shutil.disk_usage(place)
        if usage.free < min(LITTLE, usage.total // 20):
            report = _found.error if usage.free < NOTHING else _found.warning
            yield report(
                f"the disk of {place} has {usage.free >> 20} MB left",
                "bound logs (logrotate, journald's SystemMaxUse=, Docker's max-size), or give it "
                "room",
            )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.STREAM_CONNECTIONS + SPARE
    if most not in (resource.RLIM_INFINITY, -1) and most < wanted:
        yield _found.warning(
            f"a process may open {most} descriptors, and stream up to {wanted}",
            "raise the limit (LimitNOFILE=, ulimit -n), or lower NOTIFIER_STREAM_CONNECTIONS",
        )
    yield _found.ok("disks and limits were looked at")
