"""Translations: every text of a content, its errors, and the choice of a locale."""

import pytest

from notifier.domain.messages import Content
from notifier.templates import (
    TemplateError,
    Translation,
    lookup,
)


def test_a_translation_fills_every_text():
    translation = Translation(
        title=" Order {{ id }}\n",
        body="It is {{ state }}.",
        html="<p>{{ state }}</p>",
        data={"order": {"id": "{{ id }}", "n": 1}, "tags": ["{{ state }}", None]},
        actions={"Track {{ id }}": "https://shop.example/{{ id|urlencode }}"},
    )
    assert translation.render({"id": "A 1", "state": "<sent>"}) == Content(
        title="Order A 1",
        body="It is <sent>.",
        html="<p>&lt;sent&gt;</p>",
        data={"order": {"id": "A 1", "n": 1}, "tags": ["<sent>", None]},
        actions={"Track {{ id }}": "https://shop.example/A%201"},
    )
    assert translation.names() == {"id", "state"}


@pytest.mark.parametrize(
    ("translation", "field"),
    [
        (Translation(title="{{ x }}"), "title"),
        (Translation(body="a", actions={"Open/it": "{{ x }}"}), "actions/Open~1it"),
        (Translation(data={"a": {"b~": ["{{ y }}"]}}), "data/a/b~0/0"),
        (Translation(html="{{ y }}"), "html"),
        (Translation(body="{{ long }}{{ long }}"), ""),
    ],
)
def test_an_error_names_the_text(translation, field):
    with pytest.raises(TemplateError) as caught:
        translation.render({"x": "Hello\r\nBcc: eve@example.com", "long": "x" * 40_000})
    assert caught.value.field == field


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1e"])
def test_a_title_is_one_line_whatever_a_variable_brings(ending):
    with pytest.raises(TemplateError, match="one line"):
        Translation(title="Hi {{ x }}").render({"x": f"a{ending}b"})


@pytest.mark.parametrize("text", ["\u2028", "\u2029", "\x85"])
def test_what_a_posted_title_may_have_a_variable_may_bring(text):
    assert Translation(title="Hi {{ x }}").render({"x": f"a{text}b"}).title == f"Hi a{text}b"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a b", "http://", "x", "", "ftp://a.example"]
)
def test_an_action_is_a_link_whatever_a_variable_brings(url):
    with pytest.raises(TemplateError, match="URL"):
        Translation(actions={"Open": "{{ x }}"}).render({"x": url})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *[("de-AT", "de-AT"), ("DE-at", "de-AT"), ("de-CH", "de"), ("de-CH-1996", "de")],
        *[("zh-Hant-TW", "zh-Hant"), ("zh-x-private", "en"), ("fr", "en"), ("", "en")],
    ],
)
def test_the_next_wider_locale_is_found(wanted, found):
    assert lookup(wanted, "en", ["en", "de", "de-AT", "zh-Hant"]) == found
