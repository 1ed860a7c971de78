"""``links`` in templates: what is found, and what may not be done with one."""

import pytest

from notifier.domain.personal_links import MARKS
from notifier.templates import LINKS, TemplateError, Translation

UNSUBSCRIBE = "{{ links.unsubscribe }}"


@pytest.mark.parametrize(
    "translation",
    [
        Translation(body=f"Leave: {UNSUBSCRIBE}"),
        Translation(body="x", html=f'<a href="{UNSUBSCRIBE}">Leave</a>'),
        Translation(body="x", actions={"Leave": UNSUBSCRIBE}),
        Translation(body="x", html='<a href="{{ links.unsubscribe|safe }}">Leave</a>'),
        Translation(body="x", data={"links": [UNSUBSCRIBE]}),
        Translation(body="{% if links.preferences %}{{ links.preferences }}{% endif %}"),
        Translation(body="{% for one in items %}" + UNSUBSCRIBE + "{% endfor %}"),
    ],
)
def test_a_link_may_be_printed_anywhere_and_tested(translation):
    assert translation.mentions_links()
    translation.check_links()


@pytest.mark.parametrize(
    "body",
    [
        "{{ links.unsubscribe|upper }}",
        "{{ links.unsubscribe|truncate(20) }}",
        "{{ 'x' ~ links.unsubscribe }}",
        "{% set url = links.unsubscribe %}{{ url }}",
        "{{ links.unsubscribe if x else '' }}",
        "{{ links }}",
        "{% for link in links %}{{ link }}{% endfor %}",
        "{{ links['unsubscribe'] }}",
    ],
)
def test_a_filter_that_would_see_a_mark_is_refused(body):
    with pytest.raises(TemplateError, match="written as it is") as refused:
        Translation(body=body).check_links()
    assert refused.value.field == "body"


def test_texts_without_links_are_found_to_have_none():
    for body in ("links.unsubscribe", "{{ order.links }}", "{{ unsubscribe }}", "{{ broken links"):
        assert not Translation(body=body).mentions_links()


def test_recipients_share_a_text_with_links():
    translation = Translation(body=f"Leave: {UNSUBSCRIBE}")
    assert translation.names() == {LINKS}
    assert translation.render({LINKS: MARKS}).body == f"Leave: {MARKS['unsubscribe']}"
