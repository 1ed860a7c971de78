"""Languages of people's pages: every one says all, and a company's own files are checked."""

import json

import pytest

from apps.preferences.pages import language_files
from apps.preferences.pages.language_files import ENGLISH, SHIPPED, placeholders

FILES = {path.stem: json.loads(path.read_text()) for path in SHIPPED.glob("*.json")}


def test_four_languages_are_shipped():
    assert set(FILES) == {"en", "de", "fr", "es"}


@pytest.mark.parametrize("locale", sorted(FILES))
def test_a_shipped_language_says_everything_with_the_same_placeholders(locale):
    english = FILES[ENGLISH]
    assert FILES[locale].keys() == english.keys()
    for key, text in FILES[locale].items():
        assert placeholders(text) == placeholders(english[key]), key
        assert text.strip() == text != "", key


@pytest.mark.parametrize("locale", sorted(FILES.keys() - {ENGLISH}))
def test_a_shipped_language_is_translated(locale):
    same = {key for key, text in FILES[locale].items() if text == FILES[ENGLISH][key]}
    assert same <= {"direction", "channel.webhook", "channel.sms"}


def test_a_company_adds_a_language_and_says_something_better(tmp_path):
    (tmp_path / "it.json").write_text(json.dumps({"language": "Italiano"}))
    (tmp_path / "de.json").write_text(json.dumps({"preferences.save": "Sichern"}))
    texts = language_files.read(str(tmp_path))
    assert texts["it"]["language"] == "Italiano"
    assert texts["it"]["preferences.save"] == "Save", "English where it says nothing"
    assert texts["de"]["preferences.save"] == "Sichern"
    assert texts["de"]["leave.button"] == "Abmelden"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("it.json", "{", "cannot be read"),
        ("it.json", "[]", "must be a JSON object of texts"),
        ("it.json", '{"a": 1}', "must be a JSON object of texts"),
        ("it.json", '{"preferences.sav": "x"}', "which no page uses"),
        ("it.json", '{"leave.title": "Ciao"}', "needs {what}"),
        ("it.json", '{"leave.title": "{what} {0}"}', "needs {what}"),
        ("it.json", '{"leave.title": "{what"}', "needs {what}"),
        ("it.json", '{"preferences.save": "{x}"}', "needs no placeholders"),
        ("Italian.json", "{}", "not named after a locale"),
    ],
)
def test_a_file_that_pages_could_not_use_is_refused(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        language_files.read(str(tmp_path))


def test_a_directory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no directory"):
        language_files.read(str(tmp_path / "none"))
