"""Visible and invisible characters."""

import pytest

from notifier.domain.characters import all_visible, any_visible
from notifier.domain.messages import Content, has_visible_text


@pytest.mark.parametrize("text", ["ada", "Ada Lovelace", "Ünïcode", "日本語", "👍", "a.b-c_d"])
def test_text_of_visible_characters_is_visible(text: str) -> None:
    assert all_visible(text)
    assert any_visible(text)


@pytest.mark.parametrize("text", ["a\u200b", "a\n", " a", "a ", "a\ufe0f", "\u2800a", "a\u3164b"])
def test_one_invisible_character_or_outer_space_is_too_many(text: str) -> None:
    assert not all_visible(text)
    assert any_visible(text)


@pytest.mark.parametrize(
    "text", ["", " ", "\t\n", "\u200b", "\u2800", "\u3164\ufe0f", "\u00a0 \u202e"]
)
def test_text_of_spaces_and_invisible_characters_shows_nothing(text: str) -> None:
    assert not any_visible(text)


def test_content_is_visible_by_its_title_or_its_body() -> None:
    assert has_visible_text(Content(title="Order 7"))
    assert has_visible_text(Content(body="It is on its way."))
    assert not has_visible_text(Content(title=" ", body="\u200b"))
