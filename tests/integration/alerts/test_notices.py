"""Operators are told of an alert when it begins, seldom while it lasts, and at its end."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from standardwebhooks import Webhook

from apps.alerts import evaluation
from apps.alerts.conditions import table
from apps.alerts.conditions.findings import Finding, Unknown
from apps.alerts.models import Alert, Silence, Turn
from apps.core import clock
from tests.integration.alerts.conftest import SECRET
from tests.support.publishers.people import recipient

HOUR = 3600
OTP = {"channels": ["sms"], "priority": "high", "content": {"body": "123456"}}


def events(mailbox) -> list[str]:
    return [subject.rpartition("(")[2] for subject in mailbox.subjects]


def silence(name: str) -> None:
    until = clock.moment() + timedelta(days=1)
    Silence.objects.create(name=name, until=until, reason="A carrier moves.")


@pytest.fixture
def waiting(shop, execute):
    """A one-time password that no worker sends, due for a quarter of a minute.

    Its queue may be at the broker from another test, and has nobody: that is an alert, too.
    """
    silence("NotifierQueueUnattended")
    recipient("ada", sms="+436601234567")
    shop.post("notifications", {"user_id": "ada", **OTP})
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '15 seconds'")


@pytest.fixture
def fires(waiting, evaluate, passes):
    """The alert of it has begun."""

    def run() -> None:
        evaluate()
        passes(61)
        evaluate()

    return run


def test_a_one_time_password_without_a_worker_is_told_of_by_mail_and_by_signed_webhook(
    fires, mailbox, receiver, firing, settings
):
    fires()
    assert firing() == {"NotifierHighBacklog sms"}
    [mail], [text] = mailbox.mails, mailbox.texts
    said = "Urgent deliveries wait on sms"
    assert mail["Subject"] == f"[Notifier {settings.INSTALLATION}] {said} (began)"
    assert mail["From"] == "alerts@example.com"
    assert mailbox.recipients == [["ops@example.com", "night@example.com"]]
    assert f"BEGAN: {said} (NotifierHighBacklog, page)" in text
    assert "The oldest has been due for" in text
    assert "docs/operations/alerts.md#notifierbacklog" in text
    [(headers, body)] = receiver.requests
    verified = Webhook(SECRET).verify(body, headers)
    [alert] = verified["data"]["alerts"]
    assert verified["type"] == "alerts"
    assert (alert["event"], alert["name"], alert["about"]) == (
        "began",
        "NotifierHighBacklog",
        "sms",
    )


def test_nothing_of_a_person_leaves_in_an_alert(fires, mailbox, receiver):
    fires()
    said = mailbox.mails[0].as_string() + receiver.requests[0][1].decode()
    assert not [word for word in ("ada", "43660", "123456") if word in said]


def test_what_waits_for_a_moment_is_no_alert(waiting, evaluate, passes, mailbox, work, firing):
    evaluate()
    passes(30)
    evaluate()
    assert not firing() and not mailbox.mails


def test_an_alert_that_lasts_is_told_of_again_after_four_hours_and_not_before(
    fires, evaluate, passes, mailbox, receiver
):
    fires()
    passes(4 * HOUR - 60)
    evaluate()
    assert len(mailbox.mails) == len(receiver.requests) == 1
    passes(60)
    evaluate()
    assert [subject.rpartition("(")[2] for subject in mailbox.subjects] == ["began)", "goes on)"]
    evaluate()
    assert len(mailbox.mails) == len(receiver.requests) == 2


def test_an_alert_ends_once_its_condition_was_clear_for_two_minutes(
    fires, evaluate, passes, mailbox, receiver, firing, execute
):
    fires()
    execute("DELETE FROM delivery_chunk")
    evaluate()
    passes(60)
    evaluate()
    assert firing() and len(mailbox.mails) == 1
    passes(61)
    evaluate()
    evaluate()
    assert not firing()
    assert "(ended)" in mailbox.subjects[1] and len(mailbox.mails) == 2
    [_, (_, body)] = receiver.requests
    [alert] = json.loads(body)["data"]["alerts"]
    assert alert["event"] == "ended" and alert["ended_at"]


def test_what_comes_back_within_two_minutes_is_the_same_alert(
    fires, evaluate, passes, mailbox, firing, execute
):
    fires()
    execute("UPDATE delivery_chunk SET ready_at = now()")
    evaluate()
    passes(60)
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '15 seconds'")
    evaluate()
    passes(100)
    evaluate()
    assert firing() and len(mailbox.mails) == 1


def test_an_alert_that_comes_again_after_its_end_is_told_of_again(
    fires, evaluate, passes, mailbox, execute
):
    fires()
    execute("UPDATE delivery_chunk SET ready_at = now()")
    evaluate()
    passes(121)
    evaluate()
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '15 seconds'")
    fires()
    assert [subject.rpartition("(")[2] for subject in mailbox.subjects] == [
        *("began)", "ended)", "began)"),
    ]


def test_an_alert_that_comes_and_goes_is_three_messages_in_four_hours(
    fires, evaluate, passes, mailbox, execute
):
    for _ in range(5):
        execute("UPDATE delivery_chunk SET ready_at = now() - interval '15 seconds'")
        fires()
        execute("UPDATE delivery_chunk SET ready_at = now()")
        evaluate()
        passes(121)
        evaluate()
    assert events(mailbox) == ["began)", "ended)", "began)"], "whoever reads it takes it to go on"
    passes(4 * HOUR)
    evaluate()
    evaluate()
    assert events(mailbox)[3:] == ["ended)"]


def test_what_begins_and_ends_while_no_mail_is_taken_is_told_of_once(
    fires, evaluate, passes, mailbox, receiver, execute
):
    mailbox.refuses = True
    fires()
    execute("DELETE FROM delivery_chunk")
    evaluate()
    passes(121)
    evaluate()
    mailbox.refuses = False
    evaluate()
    evaluate()
    assert events(mailbox) == ["began and ended)"]
    assert len(receiver.requests) == 2, "which was told of both"


def test_what_begins_and_ends_in_a_silence_is_never_told_of(
    fires, evaluate, passes, mailbox, execute
):
    silence("NotifierHighBacklog")
    fires()
    execute("DELETE FROM delivery_chunk")
    evaluate()
    passes(121)
    evaluate()
    Silence.objects.filter(name="NotifierHighBacklog").update(until=clock.moment())
    evaluate()
    assert not mailbox.mails


def test_a_condition_has_to_last_anew_after_a_pause_of_evaluation(
    waiting, evaluate, passes, firing
):
    """Nobody knows whether it held meanwhile."""
    evaluate()
    passes(2 * HOUR)
    Alert.objects.update(evaluated_at=clock.moment() - timedelta(hours=2))
    evaluate()
    assert not firing()
    passes(61)
    evaluate()
    assert firing()


def test_what_cannot_be_known_leaves_an_alert_as_it_is(
    fires, evaluate, passes, firing, monkeypatch, execute
):
    fires()
    execute("DELETE FROM delivery_chunk")
    for unknown in (_nobody_knows, _nobody_knows_of_sms):
        monkeypatch.setitem(table.CONDITIONS, "NotifierHighBacklog", table.Condition(unknown))
        evaluate()
        passes(121)
        evaluate()
        assert firing() == {"NotifierHighBacklog sms"}


def _nobody_knows():
    raise Unknown


def _nobody_knows_of_sms():
    yield Finding("sms", "", known=False)


def test_a_row_of_a_rule_that_is_not_known_here_stays_while_another_version_may_know_it(evaluate):
    now = clock.moment()
    for about, age in (("new", 1), ("old", 25)):
        since = now - timedelta(hours=age)
        Alert.objects.create(name="NotifierOfTomorrow", about=about, since=since, began_at=since)
    evaluate()
    assert [row.about for row in Alert.objects.filter(name="NotifierOfTomorrow")] == ["new"]


def test_a_process_that_takes_over_repeats_nothing_and_goes_on(
    fires, evaluate, passes, mailbox, execute
):
    fires()
    evaluate("housekeeping 2")
    assert len(mailbox.mails) == 1
    execute("DELETE FROM delivery_chunk")
    evaluate("housekeeping 2")
    passes(121)
    evaluate("beat 3")
    assert "(ended)" in mailbox.subjects[-1] and len(mailbox.mails) == 2


def test_two_evaluators_at_once_send_once(waiting, evaluate, passes, mailbox, receiver):
    evaluate()
    passes(61)
    table.forget()
    Turn.objects.all().delete()
    begin = threading.Barrier(4)
    ran = []

    def run(number: int) -> None:
        from django.db import connection

        begin.wait()
        ran.append(evaluation.run(f"beat {number}"))
        connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ran) == [False, False, False, True]
    assert len(mailbox.mails) == len(receiver.requests) == 1


def test_alerts_that_begin_together_are_one_mail(fires, shop, mailbox, execute):
    recipient("bob", email="bob@example.com")
    shop.post("notifications", {"user_id": "bob", **OTP, "channels": ["email"]})
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '15 seconds'")
    fires()
    assert "2 alerts began" in mailbox.subjects[0] and len(mailbox.mails) == 1
    assert "wait on sms" in mailbox.texts[0] and "wait on email" in mailbox.texts[0]


def test_a_mail_that_is_refused_is_tried_again_and_the_webhook_is_not_repeated(
    fires, evaluate, mailbox, receiver
):
    mailbox.refuses = True
    fires()
    assert not mailbox.mails and len(receiver.requests) == 1
    mailbox.refuses = False
    evaluate()
    assert len(mailbox.mails) == len(receiver.requests) == 1


def test_a_webhook_that_fails_is_called_again_with_the_same_id(fires, evaluate, receiver):
    receiver.status = 500
    fires()
    receiver.status = 200
    evaluate()
    evaluate()
    ids = [headers["webhook-id"] for headers, _ in receiver.requests]
    assert len(ids) == 2 and len(set(ids)) == 1


def test_a_silenced_alert_is_shown_and_told_to_nobody_until_the_silence_ends(
    fires, evaluate, mailbox, firing
):
    silence("NotifierHighBacklog")
    fires()
    assert firing() and not mailbox.mails
    Silence.objects.filter(name="NotifierHighBacklog").update(until=clock.moment())
    evaluate()
    assert "(began)" in mailbox.subjects[0]


def test_the_heartbeat_is_called_while_alerts_are_evaluated_and_sent(
    fires, evaluate, mailbox, settings, receiver, monkeypatch
):
    settings.ALERTS = replace(settings.ALERTS, heartbeat_url=receiver.url, webhook_url="")
    monkeypatch.setattr(evaluation, "_pinged", float("-inf"))
    mailbox.refuses = True
    fires()
    evaluate()
    assert len(receiver.requests) == 1, "only before there was a mail that cannot be sent"
    mailbox.refuses = False
    monkeypatch.setattr(evaluation, "_pinged", float("-inf"))
    evaluate()
    assert len(receiver.requests) == 2
    evaluate()
    assert len(receiver.requests) == 2, "a minute has not passed"


def test_a_heartbeat_that_is_refused_is_in_the_log(
    evaluate, settings, receiver, monkeypatch, caplog
):
    settings.ALERTS = replace(settings.ALERTS, heartbeat_url=receiver.url, webhook_url="")
    monkeypatch.setattr(evaluation, "_pinged", float("-inf"))
    receiver.status = 404
    evaluate()
    assert "the heartbeat URL answers 404" in caplog.text


def test_the_command_lists_what_fires(fires, mailbox, capsys):
    call_command("alerts")
    assert capsys.readouterr().out == "No alert fires.\n"
    fires()
    call_command("alerts")
    assert "NotifierHighBacklog" in capsys.readouterr().out


def test_the_command_sends_a_test_to_everybody(mailbox, receiver, capsys):
    call_command("alerts", "--test")
    assert capsys.readouterr().out == "mail: sent\nwebhook: sent\n"
    assert "is a test" in mailbox.subjects[0]
    assert Webhook(SECRET).verify(receiver.requests[0][1], receiver.requests[0][0])
    assert not Alert.objects.exists()


def test_the_command_says_what_could_not_be_sent(mailbox, receiver, capsys):
    mailbox.refuses = True
    with pytest.raises(SystemExit):
        call_command("alerts", "--test")
    assert capsys.readouterr().out == "mail: not sent, see the log\nwebhook: sent\n"


@pytest.mark.django_db
def test_the_command_says_that_nobody_is_told(capsys):
    with pytest.raises(SystemExit):
        call_command("alerts", "--test")
    assert "NOTIFIER_ALERT_EMAILS" in capsys.readouterr().out
