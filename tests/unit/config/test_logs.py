"""A line of the log, in each format, and what it must not quote."""

import json
import logging
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, OperationalError
from django.test import RequestFactory

from apps.core import request_ids
from apps.core.processes.kind import kind_of
from config.logs.filters import About, NoPaths, NoQuotes, no_uri
from config.logs.formats import JsonFormatter, TextFormatter
from notifier.providers.base import log_bug

ADA = "ada@example.com"


def line(formatter, *args, **extra):
    """Return what the formatter makes of a record that a handler of ours has filtered."""
    record = logging.getLogger("some.where").makeRecord(
        "some.where", logging.ERROR, __file__, 1, "it failed %d times", (2,), *args, extra=extra
    )
    About().filter(record)
    return formatter.format(record)


def raised(error):
    try:
        raise error
    except type(error):
        return sys.exc_info()


@pytest.fixture
def request_at_hand():
    token = request_ids.current.set(request_ids.RequestIds("asked-1", "4b" * 16))
    yield
    request_ids.current.reset(token)


def test_json_is_an_object_a_line_with_its_time_in_utc(request_at_hand):
    text = line(JsonFormatter(), None, notification_id="n1", delivery_id="dlv_x_1")
    assert "\n" not in text
    found = json.loads(text)
    at = datetime.fromisoformat(found.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - at) < timedelta(seconds=30)
    assert isinstance(found.pop("pid"), int)
    assert found.pop("process")
    assert found == {
        "level": "ERROR",
        "logger": "some.where",
        "message": "it failed 2 times",
        "request_id": "asked-1",
        "trace_id": "4b" * 16,
        "notification_id": "n1",
        "delivery_id": "dlv_x_1",
    }


def test_what_has_no_value_is_left_out():
    found = json.loads(line(JsonFormatter(), None))
    assert not {"request_id", "trace_id", "exception", "notification_id"} & found.keys()


def test_attributes_that_libraries_add_are_left_out():
    assert ADA not in line(JsonFormatter(), None, request=ADA, data={"args": ADA})


def test_a_line_for_people_ends_with_its_request(request_at_hand):
    assert line(TextFormatter(), None).endswith(" some.where: it failed 2 times [asked-1]")


def test_an_exception_is_a_field_of_its_own():
    found = json.loads(line(JsonFormatter(), raised(KeyError("x"))))
    assert found["message"] == "it failed 2 times"
    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert "in raised\n" in found["exception"]
    assert found["exception"].endswith("\nKeyError")


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_an_exceptions_text_that_may_quote_a_value_is_left_out(formatter):
    try:
        try:
            raise IntegrityError(f"duplicate key\nDETAIL: Key (user_id)=({ADA}) exists")
        except IntegrityError as error:
            raise ValueError(f"invalid literal: {ADA}") from error
    except ValueError:
        text = line(formatter, sys.exc_info())
    assert ADA not in text
    assert text.index("django.db.utils.IntegrityError") < text.index("direct cause")
    assert text.index("direct cause") < text.index("ValueError")


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_of_a_group_of_exceptions_each_is_told(formatter):
    group = ExceptionGroup(f"for {ADA}", [ZeroDivisionError(ADA), OSError("no route")])
    text = line(formatter, raised(group))
    assert ADA not in text
    assert "ZeroDivisionError" in text and "OSError: no route" in text


def test_an_exception_that_is_its_own_cause_is_told_once():
    error = KeyError("x")
    error.__cause__ = error
    assert line(TextFormatter(), raised(error)).count("Traceback") == 1


def test_a_bug_in_a_provider_is_told_with_its_place(caplog):
    log_bug("provider fcm", raised(ValueError(ADA))[1], {"delivery_id": "dlv_x_1"})
    [record] = caplog.records
    text = TextFormatter().format(record)
    found = json.loads(JsonFormatter().format(record))
    assert found["message"] == "provider fcm: ValueError"
    assert "in raised\n" in text and "in raised\n" in found["exception"]
    assert ADA not in text + str(found)


def test_of_a_server_that_does_not_answer_the_first_line_is_told():
    error = OperationalError("connection refused\nDETAIL: and more")
    text = line(TextFormatter(), raised(error))
    assert text.endswith("django.db.utils.OperationalError: connection refused")


def test_a_requests_path_is_replaced_by_its_route():
    request = RequestFactory().get("/v1/recipients/ädä")
    escaped = request.path.encode("unicode_escape").decode()
    record = logging.makeLogRecord(
        {"msg": "%s: %s", "args": ("Internal Server Error", escaped), "request": request}
    )
    NoPaths().filter(record)
    assert record.getMessage() == "Internal Server Error: ?"


def test_a_tasks_exception_is_named_by_its_class():
    error = raised(ValueError(ADA))
    said = "Task %(name)s raised: %(exc)s"
    record = logging.makeLogRecord(
        {"msg": said, "args": {"name": "x", "exc": repr(error[1])}, "exc_info": error}
    )
    NoQuotes().filter(record)
    assert record.getMessage() == "Task x raised: ValueError"


def test_of_what_asyncio_says_of_a_failed_task_the_first_line_stays():
    said = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{ADA}')>"
    record = logging.makeLogRecord({"name": "asyncio", "msg": said})
    NoQuotes().filter(record)
    assert record.getMessage() == "Task exception was never retrieved"


def test_a_request_without_an_answer_is_not_quoted():
    record = logging.makeLogRecord(
        {"msg": "Error handling request %s %s", "args": ("PUT", "/v1/recipients/ada")}
    )
    no_uri(record)
    assert record.getMessage() == "Error handling request PUT ?"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("/v/bin/gunicorn config.wsgi --workers 2", "web"),
        ("/v/site-packages/gunicorn/__main__.py config.wsgi", "web"),
        ("/p/config/web/stream.py --port 1", "stream"),
        ("/v/bin/celery -A config worker -n push_high.2@%h -Q deliver.push.high", "push_high"),
        ("/v/bin/celery -A config worker -n sms@%h", "sms"),
        ("/v/bin/celery --quiet -A config beat --loglevel INFO", "beat"),
        ("/v/bin/celery -A config flower --port=5555", "flower"),
        ("manage.py migrate", "manage"),
    ],
)
def test_a_process_is_called_as_in_the_procfile(command, kind):
    assert kind_of(command.split()) == kind


@pytest.mark.parametrize(
    "sent", ["", "x" * 129, "a b", "ada@example.com", 'a"b', "a\nb", "é", "../x y"]
)
def test_a_request_id_that_is_not_well_formed_is_replaced(sent):
    made = request_ids.read(sent, "").request_id
    assert made != sent
    assert request_ids.WELL_FORMED.fullmatch(made)


def test_a_request_id_that_is_well_formed_is_kept():
    for sent in ("1", "x" * 128, "0f8fad5b-d9cb-469f-a165-70867728950e", "a.b_c-D9"):
        assert request_ids.read(sent, "").request_id == sent


@pytest.mark.parametrize(
    ("sent", "trace_id"),
    [
        (f"00-{'4b' * 16}-{'00f0' * 4}-01", "4b" * 16),
        (f"01-{'4b' * 16}-{'00f0' * 4}-01-more", "4b" * 16),
        (f"01-{'4b' * 16}-{'00f0' * 4}-01", "4b" * 16),
        (f"ff-{'4b' * 16}-{'00f0' * 4}-01", ""),
        (f"00-{'4b' * 16}-{'00f0' * 4}-01-more", ""),
        (f"01-{'4b' * 16}-{'00f0' * 4}-01more", ""),
        (f"00-{'4b' * 16}-{'00f0' * 4}-0", ""),
        (f"00-{'4b' * 16}-{'00f0' * 4}-0x", ""),
        (f"00-{'4b' * 16}-{'00f0' * 4}-01\n", ""),
        (f"00-{'4b' * 16}-{'00f0' * 4}-", ""),
        (f"00-{'4b' * 16}-{'0' * 16}-01", ""),
        (f"00-{'0' * 32}-{'00f0' * 4}-01", ""),
        (f"00-{'4B' * 16}-{'00f0' * 4}-01", ""),
        ("ada@example.com", ""),
        ("", ""),
    ],
)
def test_a_trace_is_read_from_a_valid_traceparent(sent, trace_id):
    assert request_ids.read("x", sent).trace_id == trace_id
