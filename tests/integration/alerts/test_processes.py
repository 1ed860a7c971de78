"""Processes of the Procfile report themselves, evaluate, and say when others are gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta

import psutil
import psycopg2
import pytest

from apps.alerts.models import Alert, Presence, Turn
from apps.core import clock
from stack.backends.postgres import Postgres
from stack.state_directory import fresh
from stack.supervision.process import ROOT
from stack.supervision.processes import Procfile, Worker
from tests.integration.alerts.conftest import SECRET, database_url
from tests.support.fakes.alert_receivers import http_receiver, mail_server
from tests.support.publishers.people import recipient
from tests.support.waiting import until

OTP = {"channels": ["sms"], "priority": "high", "content": {"body": "123456"}}


@pytest.fixture
def start(tmp_path, transactional_db) -> Iterator:
    """Start processes by their names, which mail and post alerts."""
    started: list[Worker] = []
    with mail_server() as (mailbox, port), http_receiver() as receiver:

        def run(name: str, **env: str) -> Worker:
            (tmp_path / name).mkdir(exist_ok=True)
            told = {
                "DATABASE_URL": database_url(),
                "NOTIFIER_QUEUE_PREFIX": "notifier.alerts",
                "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
                "NOTIFIER_ALERT_EMAILS": "ops@example.com",
                "NOTIFIER_ALERT_SMTP_HOST": "127.0.0.1",
                "NOTIFIER_ALERT_SMTP_PORT": str(port),
                "NOTIFIER_ALERT_SMTP_TLS": "none",
                "NOTIFIER_ALERT_FROM_EMAIL": "alerts@example.com",
                "NOTIFIER_ALERT_WEBHOOK_URL": receiver.url,
                "NOTIFIER_ALERT_WEBHOOK_SECRET": SECRET,
            }
            worker = Procfile({**os.environ, **told, **env}, tmp_path / name).process(name, name)
            started.append(worker)
            worker.start()
            return worker

        run.mailbox, run.receiver = mailbox, receiver  # type: ignore[attr-defined]
        yield run
        for worker in started:
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
            worker.stop()


def begun(name: str, about: str) -> bool:
    """Return whether the alert has begun and is mailed; let what it waits for pass."""
    alerts = Alert.objects.filter(name=name, about=about)
    alerts.filter(began_at=None).update(since=clock.moment() - timedelta(minutes=3))
    return alerts.filter(began_at__isnull=False, ended_at=None, mailed="began").exists()


def test_housekeeping_tells_of_a_password_that_waits_and_of_a_beat_that_is_gone(start, shop):
    """All by itself: no beat asks it to, and no other process runs."""
    beat = start("beat")
    until(lambda: Presence.objects.filter(process="beat", worked_at__isnull=False).exists())
    os.kill(beat.pid, signal.SIGKILL)
    Presence.objects.update(seen_at=clock.moment() - timedelta(minutes=2))
    Turn.objects.update(leased_until=clock.moment())
    recipient("ada", sms="+436601234567")
    shop.post("notifications", {"user_id": "ada", **OTP})
    start("housekeeping")
    until(lambda: begun("NotifierHighBacklog", "sms") and begun("NotifierProcessGone", "beat"))
    assert Turn.objects.get().holder.startswith("housekeeping ")
    told = " ".join(start.mailbox.texts)
    assert told.count("BEGAN: Urgent deliveries wait on sms") == 1
    assert told.count("BEGAN: There is no beat any more") == 1
    assert start.receiver.requests


def test_a_database_that_does_not_answer_is_told_of_once_and_at_its_end(start):
    """What evaluates cannot keep a row of it."""
    with fresh("away") as state, Postgres(state) as postgres:
        migrate(postgres.url)
        start("housekeeping", DATABASE_URL=postgres.url)
        until(lambda: reports(postgres.url))
        mails = start.mailbox.mails
        before = len(mails)
        postgres.stop()
        until(lambda: len(mails) > before)
        assert "The database does not answer (began)" in start.mailbox.subjects[-1]
        postgres.start()
        until(lambda: len(mails) > before + 1)
        assert "The database does not answer (ended)" in start.mailbox.subjects[-1]


def test_a_database_that_takes_connections_and_says_nothing_is_told_of(start):
    """Nothing fails then: a process waits for its answer for ever."""
    with fresh("hanging") as state, Postgres(state) as postgres:
        migrate(postgres.url)
        start("housekeeping", DATABASE_URL=postgres.url)
        until(lambda: reports(postgres.url))
        before = len(start.mailbox.mails)
        stopped = stop_in_its_tracks(postgres.pid)
        try:
            until(lambda: len(start.mailbox.mails) > before)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        assert "The database does not answer (began)" in start.mailbox.subjects[-1]
        until(lambda: len(start.mailbox.mails) > before + 1)
        assert "The database does not answer (ended)" in start.mailbox.subjects[-1]


def stop_in_its_tracks(pid: int) -> list[int]:
    """Stop a process, then its children, which it cannot replace; return their pids."""
    os.kill(pid, signal.SIGSTOP)
    children = [child.pid for child in psutil.Process(pid).children(recursive=True)]
    for child in children:
        os.kill(child, signal.SIGSTOP)
    return [*children, pid]


def migrate(url: str) -> None:
    env = {**os.environ, "DATABASE_URL": url}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=env, check=True)


def reports(url: str) -> bool:
    """Return whether a process has reported itself there."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {Presence._meta.db_table})")
        return bool(cursor.fetchone()[0])
