"""Answers to STOP, START and HELP, where an operator wrote some."""

from dataclasses import replace

import redis

from apps.delivery.replies import answers
from apps.preferences.models import Recipient
from tests.support.deliveries.signed_replies import PHONE
from tests.support.publishers.lookups import REDIS_URL

ANSWERS = {
    "en": {"stop": {"answer": "No more."}, "start": {"answer": "Hi again."}},
    "de": {"stop": {"answer": "Schluss."}, "help": {"answer": "Hilfe: 0660"}},
}


def test_without_a_file_nothing_is_answered(phone, send):
    assert [phone.write(word) for word in ("HELP", "STOP", "START")] == [None, None, None]


def test_what_changed_something_is_answered_and_help_always(phone, send, keywords):
    keywords(ANSWERS)
    said = [phone.write(word) for word in ("STOP", "STOP", "START", "START", "hilfe", "hilfe")]
    assert said == ["No more.", None, "Hi again.", None, "Hilfe: 0660", "Hilfe: 0660"]


def test_a_machine_that_asks_for_help_is_not_answered_for_ever(phone, send, keywords):
    keywords(ANSWERS)
    said = [phone.write("hilfe") for _ in range(6)]
    assert said == ["Hilfe: 0660"] * 3 + [None] * 3
    assert phone.write("STOP") == "No more.", "what was not answered yet is"
    another = replace(phone, number="+4366012345679")
    assert another.write("hilfe") == "Hilfe: 0660"


def test_a_machine_that_stops_and_starts_is_not_answered_for_ever(phone, send, keywords):
    keywords(ANSWERS)
    said = [phone.write(word) for _ in range(5) for word in ("STOP", "START")]
    assert said == ["No more.", "Hi again."] * 3 + [None] * 4


def test_a_report_that_is_repeated_gets_the_same_answer_and_counts_once(phone, send, keywords):
    keywords(ANSWERS)
    first = phone.request("hilfe")
    assert [phone.post(first) for _ in range(5)] == ["Hilfe: 0660"] * 5
    assert [phone.write("hilfe") for _ in range(3)] == ["Hilfe: 0660"] * 2 + [None]
    assert phone.post(first) == "Hilfe: 0660"


def test_an_hour_later_it_is_answered_again(phone, send, keywords):
    keywords(ANSWERS)
    assert [phone.write("hilfe") for _ in range(4)][-1] is None
    with redis.Redis.from_url(REDIS_URL) as counted:
        [key] = counted.scan_iter("notifier:answers:*")
        for answered, at in counted.zrange(key, 0, -1, withscores=True):
            counted.zadd(key, {answered: at - answers.WINDOW})
    assert phone.write("hilfe") == "Hilfe: 0660"


def test_without_redis_help_is_not_answered_and_a_stop_is(phone, send, keywords, monkeypatch):
    keywords(ANSWERS)
    monkeypatch.setattr(answers, "_take", lambda keys, arguments: None)
    assert (phone.write("hilfe"), phone.write("STOP")) == (None, "No more.")


def test_an_answer_is_in_the_persons_language(phone, send, keywords):
    keywords(ANSWERS)
    Recipient.objects.filter(user_id="ada").update(locale="de-AT")
    assert phone.write("STOP") == "Schluss."
    assert phone.write("START") == "Hi again."


def test_what_advanced_opt_out_has_answered_is_not_answered_again(phone, send, keywords):
    keywords(ANSWERS)
    for word in ("STOP", "START", "HELP"):
        assert phone.write(word, OptOutType=word) is None


def test_a_start_is_not_answered_while_something_else_stops_the_number(
    phone, backup, shop, keywords
):
    keywords(ANSWERS)
    for one in (phone, backup):
        one.write("STOP")
    assert phone.write("START") is None, "the other sender's STOP stands"
    assert backup.write("START") == "Hi again."
    phone.write("STOP")
    body = {"channel": "sms", "address": PHONE, "reason": "manual"}
    shop.post("suppressions", body, status=200)
    assert phone.write("START") is None, "the number is suppressed by hand"
