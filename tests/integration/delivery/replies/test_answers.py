"""Answers to STOP, START and HELP, where an operator wrote some."""

from apps.preferences.models import Recipient

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
