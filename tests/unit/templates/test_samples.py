"""Sample variables are such that a template can be rendered with them."""

import pytest

from notifier.templates import Translation, sample_variables


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hello", {}),
        ("Hello {{ name }}", {"name": "name"}),
        (
            "{{ order.id }} for {{ order.buyer.name }}",
            {"order": {"id": "id", "buyer": {"name": "name"}}},
        ),
        ("{{ order['id'] }}", {"order": {"id": "id"}}),
        ("{{ lines[0] }}", {"lines": ["lines"]}),
        (
            "{% for one in lines %}{{ one.what }}: {{ one.price|round(2) }}{% endfor %}",
            {"lines": [{"price": 7, "what": "what"}]},
        ),
        ("{% for one in lines|sort %}{{ loop.index }} {{ one }}{% endfor %}", {"lines": ["lines"]}),
        (
            "{% for name, price in prices|items %}{{ name }}: {{ price }}{% endfor %}",
            {"prices": {"example": "example"}},
        ),
        ("{% if count > 1 %}{{ count }} replies{% endif %}", {"count": 7}),
        ("{{ price * 2 }}", {"price": 7}),
        ("{% if kind == 'new' %}{{ text }}{% endif %}", {"kind": "kind", "text": "text"}),
        ("{% set total = price %}{{ total }}", {"price": "price"}),
        ("{{ recipient.name }} {{ links.unsubscribe }} {{ day }}", {"day": "day"}),
    ],
)
def test_variables_are_made_up_from_how_a_text_uses_them(source: str, expected: dict):
    translation = Translation(body=source)
    found = sample_variables([translation])
    assert found == expected
    recipient = {"name": "Ada", "user_id": "ada", "locale": "en", "attributes": {}}
    links = {"unsubscribe": "https://example.com", "preferences": "https://example.com"}
    translation.render({**found, "recipient": recipient, "links": links})


def test_all_texts_of_all_translations_count():
    texts = [
        Translation(title="{{ a }}", body="{{ b }}", html="{{ c }}"),
        Translation(data={"x": ["{{ d }}"]}, actions={"Go": "https://example.com/{{ e }}"}),
    ]
    assert list(sample_variables(texts)) == ["a", "b", "c", "d", "e"]


def test_a_text_that_cannot_be_read_adds_nothing():
    assert sample_variables([Translation(title="{{ a", body="{{ b }}")]) == {"b": "b"}
