"""Files of millions: ``manage.py import_subscriptions``."""

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.preferences.models import Contact, Recipient
from apps.topics import importing
from apps.topics.models import Subscription
from apps.topics.selectors import get_topic
from tests.integration.api.conftest import Api

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def news(api: Api) -> None:
    api.post("topics", {"name": "news"}, status=201)


def run(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_subscriptions", "news", str(path), *options, stdout=out)
    return out.getvalue()


def test_csv_subscribes_recipients_and_endpoints(api: Api, tmp_path: Path):
    api.put("recipients/ada", {}, status=201)
    file = tmp_path / "people.csv"
    file.write_text(
        "user_id,channels,channel,address,platform\n"
        "ada,push|inbox,,,\n"
        ",,email,news@example.com,\n"
        f",,push,{'f' * 60},android\n"
    )
    assert "3 lines, 4 subscriptions, 0 rejected" in run(file)
    rows = api.get("topics/news/subscriptions")["data"]
    assert sorted(row["channel"] for row in rows) == ["email", "inbox", "push", "push"]
    assert not Path(f"{file}.rejected").exists()


def test_json_lines_work_the_same(api: Api, tmp_path: Path):
    api.put("recipients/ada", {}, status=201)
    file = tmp_path / "people.jsonl"
    file.write_text(
        '{"user_id": "ada", "channels": ["push"]}\n\n'
        '{"channel": "sms", "address": "+4915112345678"}'
    )
    assert "2 lines, 2 subscriptions" in run(file)


def test_bad_lines_are_reported_with_their_numbers_and_cost_nobody_else(api: Api, tmp_path: Path):
    api.put("recipients/ada", {}, status=201)
    file = tmp_path / "people.csv"
    file.write_bytes(
        b"user_id,channels,channel,address\n"
        b"ada,push,,\n"
        b"eve,push,,\n"
        b"ada,fax,,\n"
        b"ada,push\n"
        b",,email,nonsense\n"
        b"\xff,push,,\n"
        b"a\x01b,push,,\n"
        b",,,\n"
        b",,inbox,ada\n"
        b"ada,inbox,,\n"
    )
    assert "8 lines were not imported" in run(file)
    rejected = Path(f"{file}.rejected").read_text()
    assert [line.split("\t")[0] for line in rejected.splitlines()] == list("3456789") + ["10"]
    assert "'eve'" in rejected
    assert "nonsense" not in rejected
    assert Subscription.objects.count() == 2


def test_bad_json_lines_are_reported_with_their_numbers(api: Api, tmp_path: Path):
    file = tmp_path / "people.jsonl"
    file.write_text(
        '{\n[]\n{"user_id": 7, "channel": "push"}\n{"user": "ada"}\n'
        '{"user_id": "ada", "channels": "push"}\n'
        '{"channel": "email", "address": "a@example.com", "platform": "ios"}\n'
    )
    run(file)
    rejected = Path(f"{file}.rejected").read_text().splitlines()
    assert [line.split("\t")[0] for line in rejected] == list("123456")


def test_recipients_are_created_where_it_is_asked_for(api: Api, tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_text("user_id,channels\nada,push\nbob,push\nada,email\n")
    assert "3 lines were not imported" in run(file)
    assert Recipient.objects.count() == 0
    run(file, "--create-recipients")
    assert Recipient.objects.count() == 2
    assert Contact.objects.filter(channel="inbox").count() == 2
    assert Subscription.objects.count() == 3


def test_an_import_that_was_interrupted_is_started_again(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importing, "BATCH", 10)
    file = tmp_path / "people.csv"
    lines = [f"user-{number},push" for number in range(35)]
    file.write_text("\n".join(["user_id,channels", *lines]))
    with file.open() as opened:
        batches = importing.run(
            get_topic("news"), importing.read_csv(opened), create_recipients=True
        )
        next(batches)
        next(batches)
    assert Subscription.objects.count() == 20
    Subscription.objects.filter(recipient__user_id="user-3").update(state="unsubscribed")
    assert "35 lines, 35 subscriptions" in run(file, "--create-recipients")
    assert Subscription.objects.filter(state="active").count() == 35


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "user,channel\n", "not user"),
        ("a.csv", "channel,platform\n", "user_id or address"),
        ("a.csv", "", "user_id or address"),
        ("a.txt", "", "--format"),
    ],
)
def test_a_file_that_is_none_is_said(tmp_path: Path, name: str, text: str, message: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(CommandError, match=message):
        run(tmp_path / name)


def test_a_missing_file_or_topic_is_said(tmp_path: Path):
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "none.csv")
    with pytest.raises(CommandError, match="no topic 'olds'"):
        call_command("import_subscriptions", "olds", "x.csv")


#: Runs a script and says how much memory it had at most. (What a parent is told of its child counts
#: the copy of the parent that the child was at first.)
AND_ITS_PEAK = """
import atexit, os, runpy, sys
atexit.register(lambda: print(open("/proc/self/status").read()))
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.django_db(transaction=True)
def test_100_000_lines_from_standard_input_take_under_30_s_in_flat_memory(
    transactional_db: None, api: Api, tmp_path: Path
):
    url = urlsplit(os.environ["DATABASE_URL"])
    test_database = urlunsplit(url._replace(path="/" + connection.settings_dict["NAME"]))
    started = time.monotonic()
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", AND_ITS_PEAK, str(ROOT / "manage.py")),
            *("import_subscriptions", "news", "-", "--format=csv", "--create-recipients"),
        ],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # The time is its own, without coverage, which the tests above measure.
        env={**os.environ, "DATABASE_URL": test_database, "COVERAGE_PROCESS_CONFIG": ""},
    )
    lines = (f"user-{number},push\n" for number in range(100_000))
    out, _ = process.communicate("user_id,channels\n" + "".join(lines))
    took = time.monotonic() - started
    assert process.returncode == 0
    assert "100,000 lines, 100,000 subscriptions, 0 rejected" in out
    assert "lines/s" in out
    assert Subscription.objects.filter(state="active").count() == 100_000
    assert took < 30
    # Django alone takes about 120 MB.
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", out)
    assert int(peak) / 1024 < 200
