"""Whatever a page of the admin is asked or sent, it is answered, and never by an error of ours."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from apps.bulk.models import ActionKind
from apps.preferences.models import Category, Preference
from config import urls  # noqa: F401  # registers every app's admin
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop

#: What a browser never sends: NUL, too long, another type, a number beyond any column's, a moment
#: that is none, and a list.
VALUES = ("\0", "x" * 10_000, "é\u202e[]", "-1", "9" * 30, "2026-02-30T25:61", ["1", "2"])
#: Names of fields that a page may not have shown.
HIDDEN = ("action", "_selected_action", "index", "select_across", "user_id", "base", "_continue")
#: Names of parameters that a page may not link to.
PARAMETERS = ("q", "o", "p", "all", "before", "after", "_changelist_filters", "_to_field", "kind")
#: Names of parameters in the links of a page.
LINKED = re.compile(r"[?&;](\w+)=")
#: Keys of rows that no row has.
KEYS = ("x_00", "9" * 30)
#: Fields that say how many rows of a formset are sent.
TOTAL = re.compile("-TOTAL_FORMS$")
#: They end the session of whoever posts the others, or are for those who have none yet.
LEAVING = {"logout", "login", "log_in_code"}
#: Parts of paths that are no keys.
WORDS = {"verb", "action"}


class Forms(HTMLParser):
    """The names and values of what a page's forms would send, and the names of their buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self.buttons: list[str] = []
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        name = named.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in named:
            self.fields[self._select] = named.get("value", "")
        if name and (tag == "button" or named.get("type") == "submit"):
            self.buttons.append(name)
        elif name not in ("", "csrfmiddlewaretoken") and tag in ("input", "textarea", "select"):
            self.fields.setdefault(name, named.get("value", ""))


@pytest.fixture
def rows(shop: Shop, work: Any) -> None:
    """Rows in the tables that operators change."""
    ada = recipient("ada", email="ada@example.com", sms="+12025550123")
    topic = shop.topic("news")
    subscribe(topic, ada, "inbox")
    Category.objects.create(name="offers")
    Preference.objects.create(recipient=ada, channel="sms", allowed=False)
    Group.objects.create(name="readers")
    every = IntervalSchedule.objects.create(every=1, period="days")
    CrontabSchedule.objects.create()
    PeriodicTask.objects.create(name="mine", task="delivery.purge", interval=every, enabled=False)
    text = {"channel": "inbox", "locale": "en", "title": "Hello", "body": ""}
    shop.post(
        "templates", {"name": "hello", "default_locale": "en", "contents": [text]}, status=201
    )
    recurs = {"name": "weekly", "cron": "0 9 * * mon", "time_zone": "Europe/Vienna"}
    news = {"content": HELLO}
    shop.post("schedules", {**recurs, "topic": "news", "notification": news}, status=201)
    shop.post("topics/news/publish", news)
    shop.post("suppressions", {"channel": "email", "address": "bob@example.com"}, status=201)
    work()


def paths() -> Iterator[str]:
    """The path of every page of the admin, of rows that are there and of some that are not."""
    found: list[tuple[URLPattern, Any]] = [
        (pattern, None) for pattern in admin.site.get_urls() if isinstance(pattern, URLPattern)
    ]
    for model, one in admin.site._registry.items():
        found += [(pattern, (model, one)) for pattern in one.get_urls()]
    for pattern, of in found:
        if pattern.name is None or pattern.name in LEAVING:
            continue
        keys, words = list(KEYS), ["x", *(str(one) for one in ActionKind)]
        if of is not None:
            keys += [str(key) for key in of[0].objects.values_list("pk", flat=True)[:1]]
            words += [name.removeprefix("do_") for name in dir(of[1]) if name.startswith("do_")]
        names = list(pattern.pattern.converters)
        for values in product(*(words if name in WORDS else keys for name in names)):
            with suppress(NoReverseMatch):
                yield reverse(f"admin:{pattern.name}", kwargs=dict(zip(names, values, strict=True)))


def bodies(shown: Forms) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies that no browser sends, with what is odd about each."""
    fields = shown.fields
    yield "nothing", {}
    for value in VALUES if fields else VALUES[:1]:
        yield f"{value!r:.20} everywhere", dict.fromkeys({**dict.fromkeys(HIDDEN), **fields}, value)
    if not fields:
        return
    for button in shown.buttons or [""]:
        pressed = {**fields, button: "1"}
        yield f"{button}", pressed
        for name in filter(TOTAL.search, fields):
            yield f"{button}, a row more", {**pressed, name: str(int(fields[name]) + 1)}
        for group in {name.rpartition("-")[0] for name in fields} - {""}:
            kept = {name: value for name, value in pressed.items() if not in_group(name, group)}
            yield f"{button}, no {group}-", kept
    for name in fields:
        yield f"no {name}", {other: pressed[other] for other in pressed if other != name}
        yield f"a NUL in {name}", {**pressed, name: "\0"}


def in_group(name: str, group: str) -> bool:
    """Return whether the field is one of a row of a formset: ``text-0-title``."""
    return name.startswith(f"{group}-") and not name.endswith("_FORMS")


def test_no_form_that_is_written_by_hand_is_an_error_of_ours(rows, operator: Client):
    operator.raise_request_exception = False
    session = operator.cookies[settings.SESSION_COOKIE_NAME].value
    wrong, statuses = [], Counter[int]()
    for path in dict.fromkeys(paths()):
        page = operator.get(path)
        shown = Forms(page.content.decode() if page.status_code == 200 else "")
        for about, body in bodies(shown):
            with transaction.atomic():
                answer = operator.post(path, body)
                transaction.set_rollback(True)
            operator.cookies[settings.SESSION_COOKIE_NAME] = session  # as before the rollback
            statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                error = answer.exc_info[1] if answer.exc_info else ""
                wrong.append(f"POST {path}: {about}: {error!r:.200}")
            assert "/login/" not in answer.headers.get("Location", ""), path
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong)
    assert statuses[200] > 500, "forms were shown again, with their errors"


def queries(page: str, of_list: Any) -> Iterator[dict[str, Any]]:
    """Parameters that no link has: each of a list's with a NUL, and all with anything odd."""
    known = dict.fromkeys([*PARAMETERS, *Forms(page).fields, *LINKED.findall(page)])
    if of_list is not None:
        known |= dict.fromkeys(filters(of_list))
        for name in known:
            yield {name: "\0"}
    for value in VALUES:
        yield dict.fromkeys(known, value)


def filters(one: Any) -> Iterator[str]:
    """Names of the parameters by which a list is filtered."""
    for wanted in one.list_filter:
        if isinstance(wanted, str):
            yield wanted
        elif isinstance(wanted, tuple):
            yield wanted[0]
        else:
            yield getattr(wanted, "parameter_name", "x")


def test_no_parameter_that_is_written_by_hand_is_an_error_of_ours(rows, operator: Client):
    operator.raise_request_exception = False
    wrong = []
    lists = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"): one
        for model, one in admin.site._registry.items()
    }
    for path in dict.fromkeys(paths()):
        page = operator.get(path)
        if page.status_code != 200:
            continue
        for query in queries(page.content.decode(errors="replace"), lists.get(path)):
            answer = operator.get(path, query)
            if answer.status_code >= 500:
                error = answer.exc_info[1] if answer.exc_info else ""
                wrong.append(f"GET {path}: {query!r:.60}: {error!r:.200}")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong)
