"""Quiet hours of a recipient, read and written by the company's services and by the person."""

import json
from collections.abc import Callable

import pytest

from apps.publishers.models import AuditEvent
from tests.integration.api.inbox.conftest import inbox, trusted
from tests.support.deliveries.quiet_hours import around_now
from tests.support.publishers.api_client import Api

__all__ = ["inbox", "trusted"]  # fixtures
pytestmark = pytest.mark.django_db

NIGHTS = {"windows": [{"days": ["mon", "fri"], "from": "22:00", "to": "07:00"}]}
SHOWN = {**NIGHTS, "channels": ["push", "sms"]}


@pytest.fixture
def ada(api: Api, inbox: Callable[..., Api]) -> Api:
    api.put("recipients/ada", {"time_zone": "Europe/Vienna"}, status=201)
    return inbox("ada")


def test_who_has_none_has_the_companys(api: Api, ada: Api, settings):
    none = {"windows": [], "channels": ["push", "sms"], "source": "company"}
    shown = api.get("recipients/ada/quiet-hours")
    assert shown == {**none, "time_zone": "Europe/Vienna", "quiet_until": None}
    settings.QUIET_HOURS = json.dumps(SHOWN)
    assert ada.get("me/quiet-hours")["windows"] == NIGHTS["windows"]


def test_a_service_writes_and_removes_them(api: Api, ada: Api):
    written = api.put("recipients/ada/quiet-hours", NIGHTS)
    assert (written["windows"], written["source"]) == (NIGHTS["windows"], "own")
    assert api.get("recipients/ada/quiet-hours")["channels"] == ["push", "sms"]
    event = AuditEvent.objects.latest("id")
    assert (event.object_type, event.object_name) == ("quiet_hours", "ada")
    assert (event.before, event.after) == ({"quiet_hours": None}, {"quiet_hours": SHOWN})
    api.delete("recipients/ada/quiet-hours", status=204)
    assert api.get("recipients/ada/quiet-hours")["source"] == "company"
    api.get("recipients/bob/quiet-hours", status=404)
    api.put("recipients/bob/quiet-hours", NIGHTS, status=404)


def test_a_person_writes_and_removes_their_own(api: Api, ada: Api):
    assert ada.put("me/quiet-hours", {**NIGHTS, "channels": ["email"]})["source"] == "own"
    assert api.get("recipients/ada/quiet-hours")["channels"] == ["email"]
    assert ada.put("me/quiet-hours", {"windows": []})["windows"] == []
    assert ada.get("me/quiet-hours")["source"] == "own", "none, whatever the company's are"
    event = AuditEvent.objects.latest("id")
    assert (event.actor_kind, event.actor) == ("person", "ada")
    ada.delete("me/quiet-hours", status=204)
    assert ada.get("me/quiet-hours")["source"] == "company"


def test_nobody_has_registered_the_person_yet(inbox: Callable[..., Api]):
    inbox("bob").get("me/quiet-hours", status=404)
    inbox("bob").put("me/quiet-hours", NIGHTS, status=404)


def test_it_says_until_when_it_is_quiet(api: Api, ada: Api):
    api.put("recipients/ada", {"time_zone": "Etc/UTC"})
    schedule = around_now()
    shown = ada.put("me/quiet-hours", schedule)
    assert f"T{schedule['windows'][0]['to']}:00Z" in shown["quiet_until"]


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({}, "/windows"),
        ({"windows": [{"days": ["mon"], "from": "22:00"}]}, "/windows/0/to"),
        ({"windows": [{"days": ["mon"], "from": "7:00", "to": "8:00"}]}, "/windows/0/from"),
        ({"windows": [{"days": ["monday"], "from": "07:00", "to": "08:00"}]}, "/windows/0/days"),
        ({"windows": [{"days": [], "from": "07:00", "to": "08:00"}]}, "/windows/0/days"),
        ({"windows": [], "channels": ["inbox"]}, "/channels"),
        ({"windows": [], "time_zone": "UTC"}, "/time_zone"),
        ({"windows": [{**NIGHTS["windows"][0], "until": "x"}]}, "/windows/0/until"),
    ],
)
def test_what_cannot_be_used_is_refused_where_it_is_wrong(api: Api, ada: Api, body, pointer):
    for problem in (
        ada.put("me/quiet-hours", body, status=400),
        api.put("recipients/ada/quiet-hours", body, status=400),
    ):
        [error] = problem["errors"]
        assert error["pointer"].startswith(pointer)
