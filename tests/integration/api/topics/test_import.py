"""``manage.py import_subscriptions``, with files of up to millions of lines."""

import io
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.preferences.models import Contact, Recipient
from apps.topics.models import Subscription
from apps.topics.selectors import get_topic
from apps.topics.subscriptions import csv_import
from tests.support.publishers.api_client import Api

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def news(api: Api) -> None:
    api.post("topics", {"name": "news"}, status=201)


def run(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_subscriptions", "news", str(path), *options, stdout=out)
    return out.getvalue()


def rejected_by(path: Path, *options: str) -> dict[int, str]:
    """The rejected lines with their reasons. The command must fail."""
    with pytest.raises(CommandError, match=r"lines were not imported; .*\.rejected says why\."):
        run(path, *options)
    rejected = Path(f"{path}.rejected").read_text()
    return {int(line): why for line, why in (one.split("\t", 1) for one in rejected.splitlines())}


def test_csv_subscribes_recipients_and_endpoints(api: Api, tmp_path: Path):
    api.put("recipients/ada", {}, status=201)
    file = tmp_path / "people.csv"
    file.write_text(
        "user_id,channels,channel,address,platform\n"
        "ada,push|inbox,,,\n"
        ",,email,news@example.com,\n"
        f",,push,{'f' * 60},android\n"
    )
    assert "3 lines: 3 imported, 0 already there, 0 rejected; 4 subscriptions" in run(file)
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
    assert "2 lines: 2 imported, 0 already there, 0 rejected; 2 subscriptions" in run(file)


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
    rejected = rejected_by(file)
    assert list(rejected) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert "'eve'" in rejected[3]
    assert "not UTF-8" in rejected[7]
    assert "nonsense" not in str(rejected)
    assert Subscription.objects.count() == 2


def test_bad_json_lines_are_reported_with_their_numbers(api: Api, tmp_path: Path):
    file = tmp_path / "people.jsonl"
    file.write_text(
        '{\n[]\n{"user_id": 7, "channel": "push"}\n{"user": "ada"}\n'
        '{"user_id": "ada", "channels": "push"}\n'
        '{"channel": "email", "address": "a@example.com", "platform": "ios"}\n'
    )
    assert list(rejected_by(file)) == [1, 2, 3, 4, 5, 6]


def test_recipients_are_created_where_it_is_asked_for(api: Api, tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_text("user_id,channels\nada,push\nbob,push\nada,email\n")
    assert list(rejected_by(file)) == [2, 3, 4]
    assert Recipient.objects.count() == 0
    run(file, "--create-recipients")
    assert Recipient.objects.count() == 2
    assert Contact.objects.filter(channel="inbox").count() == 2
    assert Subscription.objects.count() == 3


def test_an_import_that_was_interrupted_is_started_again(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(csv_import, "BATCH", 10)
    file = tmp_path / "people.csv"
    lines = [f"user-{number},push" for number in range(35)]
    file.write_text("\n".join(["user_id,channels", *lines]))
    with file.open() as opened:
        batches = csv_import.run(
            get_topic("news"), csv_import.read_csv(opened), create_recipients=True
        )
        next(batches)
        next(batches)
    assert Subscription.objects.count() == 20
    Subscription.objects.filter(recipient__user_id="user-3").update(state="unsubscribed")
    assert "35 lines: 16 imported, 19 already there, 0 rejected" in run(file, "--create-recipients")
    assert Subscription.objects.filter(state="active").count() == 35


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "user,channel\n", "not user"),
        ("a.csv", "channel,platform\n", "user_id or address"),
        ("a.csv", "", "user_id or address"),
        ("a.csv", "user_id,user_id\n", "twice"),
        ("a.csv", "user_id;channels,app\n", "more than one"),
        ("a.csv", '"user_id,channels\nada,push\n', "quote"),
        ("a.csv", "u\0s\0e\0r\0", "--encoding"),
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


def test_one_stray_quote_costs_its_line_and_no_other(api: Api, tmp_path: Path):
    lines = [f"user-{number},push" for number in range(2_000)]
    lines[999] = '"' + lines[999]
    file = tmp_path / "people.csv"
    file.write_text("\n".join(["user_id,channels", *lines]) + "\n")
    assert list(rejected_by(file, "--create-recipients")) == [1_001]
    assert Subscription.objects.count() == 1_999


@pytest.mark.parametrize(
    "odd",
    [
        *('"eve,push', 'eve",push', 'e"v"e,push', '"eve"x,push', '"eve,"push', '""eve,push', '"'),
        *(
            "eve",
            "eve,push,",
            "eve;push",
            "eve,",
            ",push",
            "eve,push\0",
            "1.2E+11,push",
            "=A1,push",
        ),
        *("'eve,push", "#NAME?,push", '"=""eve""",push', "x" * 40_000, " eve,push", "eve ,push"),
        *("eve,push|", "eve,fax", "\x85eve,push", "\ufffdeve,push", '"e\nve",push'),
    ],
)
def test_an_odd_line_is_named_and_the_others_are_imported(api: Api, tmp_path: Path, odd: str):
    file = tmp_path / "people.csv"
    file.write_text(f"user_id,channels\nada,push\n{odd}\nbob,push\n")
    rejected = rejected_by(file, "--create-recipients")
    assert list(rejected) == ([3, 4] if "\n" in odd else [3])
    assert all(reason.endswith(".") or '"""' in reason for reason in rejected.values())
    known = Recipient.objects.values_list("user_id", flat=True)
    assert sorted(known) == ["ada", "bob"]


PEOPLE = [("user_id", "channels"), ("müller", "push"), ('a "b"', "push"), ("ada", "push|sms")]


def written(separator: str, end: str) -> str:
    return "".join(
        separator.join('"' + f.replace('"', '""') + '"' if '"' in f else f for f in row) + end
        for row in PEOPLE
    )


@pytest.mark.parametrize(
    ("separator", "end", "encoding", "options"),
    [
        (",", "\n", "utf-8", ()),
        (";", "\r\n", "utf-8-sig", ()),  # Excel's "CSV UTF-8"
        ("\t", "\r\n", "utf-16", ()),  # Excel's "Unicode text"
        ("\t", "\r\n", "utf-16-be", ("--encoding=utf-16-be",)),
        (";", "\r\n", "cp1252", ("--encoding=cp1252",)),  # old Excel
        (",", "\r", "mac-roman", ("--encoding=mac-roman",)),  # older Excel
    ],
)
def test_a_file_is_read_as_spreadsheets_write_it(
    api: Api, tmp_path: Path, separator: str, end: str, encoding: str, options: tuple[str, ...]
):
    file = tmp_path / "people.csv"
    file.write_bytes(written(separator, end).encode(encoding))
    assert "3 lines: 3 imported, 0 already there, 0 rejected; 4 subscriptions" in run(
        file, "--create-recipients", *options
    )
    known = Recipient.objects.values_list("user_id", flat=True)
    assert sorted(known) == ['a "b"', "ada", "müller"]


def test_bytes_of_another_encoding_are_named_and_not_guessed(api: Api, tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_bytes(written(";", "\r\n").encode("cp1252"))
    rejected = rejected_by(file, "--create-recipients")
    assert list(rejected) == [2]
    assert "--encoding" in rejected[2]


@pytest.mark.parametrize(
    "header",
    [
        *("user_id,channels", '"user_id","channels"', " User_ID , Channels ", "USER ID,CHANNELS"),
        *("sep=,\nuser_id,channels", "\ufeffuser_id,channels"),
    ],
)
def test_a_header_is_known_however_it_is_written(api: Api, tmp_path: Path, header: str):
    file = tmp_path / "people.csv"
    file.write_text(f"{header}\nada,push\n\n   \nada,push\n")
    assert "2 lines: 1 imported, 1 already there, 0 rejected" in run(file, "--create-recipients")
    assert "2 lines: 0 imported, 2 already there, 0 rejected" in run(file)


def test_columns_without_a_name_have_no_values(api: Api, tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_text("user_id;channels;;\nada;push;;\nbob;push;;x\n")
    assert list(rejected_by(file, "--create-recipients")) == [3]


def test_a_line_of_many_bounds_the_memory(api: Api, tmp_path: Path):
    file = tmp_path / "people.jsonl"
    with file.open("w") as opened:
        opened.write("x" * 50_000_000 + '\n{"user_id": "ada", "channels": ["push"]}\n')
    tracemalloc.start()
    assert list(rejected_by(file, "--create-recipients")) == [1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert Subscription.objects.count() == 1


#: Runs a script and says how much memory it had at most, and CPU in all. (What a parent is told
#: of its child counts the copy of the parent that the child was at first.)
AND_ITS_PEAK = """
import atexit, os, runpy, sys
atexit.register(lambda: print(open("/proc/self/status").read(), "CPU:", sum(os.times()[:2])))
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.django_db(transaction=True)
def test_100_000_lines_from_standard_input_take_under_30_s_of_cpu_in_flat_memory(
    transactional_db: None, api: Api, tmp_path: Path
):
    url = urlsplit(os.environ["DATABASE_URL"])
    test_database = urlunsplit(url._replace(path="/" + connection.settings_dict["NAME"]))
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
    assert process.returncode == 0
    assert "100,000 lines: 100,000 imported, 0 already there, 0 rejected" in out
    assert "lines/s" in out
    assert Subscription.objects.filter(state="active").count() == 100_000
    assert float(out.rpartition("CPU:")[2]) < 30
    # Django alone takes about 120 MB.
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", out)
    assert int(peak) / 1024 < 200
