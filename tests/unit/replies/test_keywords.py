"""The words by which people stop and resume text messages, and what they are answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.replies import Kind
from notifier.replies.keywords import Keywords, fold

WORDS = Keywords()


def kind(text, words=WORDS):
    found = words.find(text)
    return found and found.kind


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        (
            Kind.STOP,
            "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT ARRET ARRETE ARRETT "
            "stopp Abmelden arrêt ARRÊTER désabonner alto baja parar ferma afmelden sair",
        ),
        (Kind.START, "START YES UNSTOP starten début iniciar"),
        (Kind.HELP, "HELP INFO Hilfe aide ayuda aiuto"),
    ],
)
def test_carriers_words_are_known_in_the_languages_they_ask_for(said, texts):
    assert {word: kind(word) for word in texts.split()} == dict.fromkeys(texts.split(), said)


@pytest.mark.parametrize(
    "text",
    [
        *("stop", "Stop.", " STOP \n", "“stop”", "S.T.O.P.", "st op", "STOP!!!", "Stop 🙏"),
        *(
            "ＳＴＯＰ",
            "s\u200bt\u200bop",
            "\ufeffSTOP",
            "ＳtoＰ\u00a0",
            "opt-out",
            "Opt out",
            "stop all",
        ),
        *("ЅТОР", "SТОP", "ΣΤΟΡ".replace("Σ", "S")),  # Cyrillic and Greek letters
    ],
)
def test_a_word_is_known_however_a_phone_writes_it(text):
    assert kind(text) is Kind.STOP


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "🛑", "…", "\0", "stop please", "please stop", "don't stop", "nonstop", "STOPS"),
        *("yes please", "help me", "5", "STOP" * 50, "stop" + " " * 200 + "x", "стоп", "不要"),
    ],
)
def test_any_other_text_is_not_a_word(text):
    assert kind(text) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_look_up_and_spelling_makes_no_difference(text):
    assert kind(text) is kind(f"  {text}  ") or len(text) > 56
    assert fold(fold(text)) == fold(text)


def test_a_file_changes_the_words_of_a_language_and_adds_languages():
    words = Keywords(
        {
            "de": {"stop": {"words": ["RAUS"]}},
            "ru": {"stop": {"words": ["СТОП"]}, "start": {"words": ["СТАРТ"]}},
        }
    )
    assert kind("raus", words) is Kind.STOP and kind("abmelden", words) is None
    assert kind("стоп", words) is Kind.STOP and kind("старт", words) is Kind.START
    assert kind("hilfe", words) is Kind.HELP


def test_what_carriers_ask_of_every_sender_cannot_be_taken_away():
    nothing = {kind: {"words": []} for kind in ("stop", "start", "help")}
    words = Keywords({"en": nothing})
    assert [kind(word, words) for word in ("STOP", "START", "HELP", "QUIT", "YES")] == [
        *(Kind.STOP, Kind.START, Kind.HELP, None, None)
    ]


def test_an_answer_is_in_the_language_of_the_word_then_in_the_persons():
    words = Keywords(
        {
            "en": {"stop": {"answer": "No more."}},
            "de": {"stop": {"answer": "Schluss."}},
            "pt-BR": {"stop": {"answer": "Chega."}},
        }
    )

    def answer(text, locale):
        return words.answer(Kind.STOP, words.find(text), locale)

    assert answer("abmelden", "en") == "Schluss."
    assert answer("STOP", "de-AT") == "Schluss."
    assert answer("STOP", "pt-BR") == "Chega."
    assert answer("STOP", "") == answer("STOP", "fr") == answer("arrêt", "") == "No more."
    assert answer("FIN", "de") == "Schluss."  # a French and a Spanish word, without answers
    assert not words.answers(Kind.HELP)
    assert words.answer(Kind.HELP, None, "en") == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"en": []}, "has to be a language with an object of kinds"),
        ({"": {}}, "has to be a language"),
        ({"en": {"stopp": {}}}, "there are stop, start, help"),
        ({"en": {"stop": ["STOP"]}}, "an object of words and answer"),
        ({"en": {"stop": {"word": []}}}, "an object of words and answer"),
        ({"en": {"stop": {"words": "STOP"}}}, "a list of texts"),
        ({"en": {"stop": {"words": ["…"]}}}, "a word has letters or digits"),
        ({"en": {"stop": {"words": ["x" * 41]}}}, "at most 40 characters"),
        ({"en": {"stop": {"words": ["yes"]}}}, "YES is both a word for stop and one for start"),
        ({"en": {"help": {"answer": " "}}}, "a text of at most 1600 characters"),
        ({"en": {"help": {"answer": "x" * 1601}}}, "a text of at most 1600 characters"),
        ({"en": {"help": {"answer": "a\x07"}}}, "control character"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence(wrong, said):
    with pytest.raises(ValueError, match=said) as error:
        Keywords(wrong)
    assert str(error.value).endswith(".")
