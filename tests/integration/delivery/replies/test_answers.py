"""Answers to STOP, START and HELP, where an operator wrote some."""

from apps.preferences.models import Recipient
from tests.support.deliveries.signed_replies import PHONE

ANSWERS = {
    "en": {"stop": {"answer": "No more."}, "start": {"answer": "Hi again."}},
    "de": {"stop": {"answer": "Schluss."}, "help": {"answer": "Hilfe: 0660"}},
}


def test_without_a_file_nothing_is_answered(phone, send):
    assert [phone.write(word) for word in ("HELP", "STOP", "START")] == [None, None, None]


def test_what_changed_something_is_answered_and_help_always(phone, send, keywords):
    keywords(ANSWERS)
    answers = [phone.write(word) for word in ("STOP", "STOP", "START", "START", "hilfe", "hilfe")]
    assert answers == ["No more.", None, "Hi again.", None, "Hilfe: 0660", "Hilfe: 0660"]


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
