"""Only the account's own messages are taken, each once, and what they answer is the provider's."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.delivery.models import Reply
from apps.preferences.models import DirectoryChange, OptOut, Suppression

SID = "SM" + "5" * 32


def nothing_happened():
    return not any(table.objects.exists() for table in (Reply, OptOut, Suppression))


def test_nobody_but_the_provider_can_stop_a_number(phone):
    good = phone.request("STOP")
    for forged in (
        {**good, "headers": {}},
        {**good, "headers": {"X-Twilio-Signature": "ÄÖ"}},
        {**good, "data": good["data"].replace("12345678", "12345679")},
        {**good, "path": "/v1/replies/twilio?a=1"},
        phone.request("STOP", token="another's"),
    ):
        answer = APIClient(enforce_csrf_checks=True).post(**forged)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/invalid-signature")
        assert answer["content-type"] == "application/problem+json"
    assert APIClient().get("/v1/replies/twilio").status_code == 405
    assert nothing_happened()
    phone.post(good)
    assert not nothing_happened()
    scraped = APIClient().get("/metrics").content.decode()
    for kind in ("refused", "stop"):
        assert f'notifier_replies_total{{kind="{kind}",provider="twilio"}}' in scraped


@pytest.mark.parametrize("fields", [{"AccountSid": "AC" + "0" * 32}, {"MessageSid": "x"}])
def test_a_message_of_another_account_or_without_an_id_is_refused(phone, fields):
    answer = APIClient().post(**phone.request("STOP", **fields))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-request")
    assert nothing_happened()


def test_replies_are_taken_only_where_an_account_is_and_in_bounds(phone, settings):
    for provider in ("sendgrid", "nobody", "%00", "x" * 300):
        good = phone.request("STOP")
        answer = APIClient().post(**{**good, "path": f"/v1/replies/{provider}"})
        assert answer.status_code == 404
    assert APIClient().post(**phone.request("x" * 65_536)).status_code == 413
    assert nothing_happened()


@pytest.mark.parametrize("number", ["12345", "whatsapp:+4366012345678", "Mum", ""])
def test_what_comes_from_no_phone_is_ignored(phone, number):
    assert phone.write("STOP", From=number) is None
    assert nothing_happened()


def test_a_message_that_is_repeated_is_taken_once(phone, send, keywords):
    keywords({"en": {"stop": {"answer": "No more."}, "start": {"answer": "Welcome back."}}})
    stop, start = phone.request("STOP"), phone.request("START")
    assert [phone.post(stop), phone.post(stop)] == ["No more."] * 2
    assert send() == ("suppressed", "opted_out")
    assert [phone.post(start), phone.post(start)] == ["Welcome back."] * 2
    assert phone.post(stop) == "No more."  # somebody replays it, who has seen it
    assert send() == ("accepted", "")
    assert Reply.objects.count() == 2
    phone.write("stop")
    phone.post(start)
    assert send() == ("suppressed", "opted_out")


def test_a_message_that_is_reported_several_times_at_once_is_taken_once(phone, db):
    request = phone.request("STOP", MessageSid=SID)

    def post(_):
        try:
            return phone.post(request)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(post, range(8))) == {None}
    assert [(row.kind, row.applied) for row in Reply.objects.all()] == [("stop", True)]
    assert DirectoryChange.objects.filter(change="stopped").count() == 1


def test_a_number_is_the_same_however_it_is_spelled(phone, send):
    phone.write("STOP", From="+43 (660) 123-456-78")
    assert send() == ("suppressed", "opted_out")


def test_its_text_is_kept_nowhere_and_its_number_masked(phone):
    phone.write("my code is 4711")
    [row] = Reply.objects.all()
    assert (row.kind, row.masked, row.sender) == ("other", "+43•••••••••78", phone.sender)
    assert "4711" not in str(Reply.objects.values()) and "12345" not in str(Reply.objects.values())
