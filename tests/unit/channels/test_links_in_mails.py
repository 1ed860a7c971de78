"""Links to leave in mails: marks, footers and headers."""

import pytest

from notifier.channels import email
from notifier.domain.links import may_be_followed
from notifier.domain.messages import Content
from notifier.domain.personal_links import (
    MARKS,
    PREFERENCES_MARK,
    UNSUBSCRIBE_MARK,
    PersonalLinks,
)

LINKS = PersonalLinks("https://n.example/u/1", "https://n.example/p/1", refusable=True)
FOOTER = {"Leave": UNSUBSCRIBE_MARK, "Choose": PREFERENCES_MARK}


def footed(content: Content) -> email.Rendered:
    return email.render(email.with_links(content, FOOTER, UNSUBSCRIBE_MARK)).fill(LINKS)


def test_a_mail_without_a_link_to_leave_gets_one_in_both_parts():
    mail = footed(Content("Sale", "Half price.", actions={"See": "https://shop.example"}))
    assert mail.text == (
        "Half price.\n\nSee: https://shop.example\n\n"
        "Leave: https://n.example/u/1\n\nChoose: https://n.example/p/1"
    )
    assert mail.html.endswith(
        '<p><a href="https://n.example/u/1">Leave</a></p>'
        '<p><a href="https://n.example/p/1">Choose</a></p></body></html>'
    )


@pytest.mark.parametrize(
    ("page", "end"),
    [
        ("<p>rich</p>", "</p></body></html>"),
        ("<html><body><p>rich</p></body></html>", "</p></body></html>"),
        ("<!DOCTYPE html><HTML><BODY>rich</BODY>\n</HTML>\n", "</p></BODY>\n</HTML>\n"),
        ("<html><body>rich", "</p>"),
    ],
)
def test_html_of_the_publishers_own_gets_it_at_its_end(page, end):
    mail = footed(Content("Sale", "Half price.", html=page))
    assert mail.html.endswith(f'<a href="https://n.example/p/1">Choose</a>{end}')
    assert mail.html.count("https://n.example/u/1") == mail.text.count("https://n.example/u/1") == 1


def test_a_part_that_has_a_link_to_leave_gets_no_other():
    in_html = Content("S", "Half price.", html=f'<p><a href="{UNSUBSCRIBE_MARK}">go</a></p>')
    assert footed(in_html).html.count("https://n.example/u/1") == 1
    assert footed(in_html).text.count("https://n.example/u/1") == 1
    in_text = Content("S", f"To leave: {UNSUBSCRIBE_MARK}")
    assert footed(in_text).text == "To leave: https://n.example/u/1"


def test_an_action_of_the_publishers_own_is_kept_where_it_has_the_same_label():
    mail = footed(Content("S", "b", actions={"Leave": "https://shop.example/leave"}))
    assert "Leave: https://shop.example/leave" in mail.text
    assert "Leave (2): https://n.example/u/1" in mail.text, "and ours is there as well"
    assert '<a href="https://n.example/u/1">Leave (2)</a>' in mail.html


def test_a_page_of_many_spaces_costs_no_time():
    page = "<html><body>" + " " * 60_000 + "x"
    assert footed(Content("S", "b", html=page)).html.endswith("</p>")


def test_only_what_can_be_refused_has_the_headers():
    assert email.one_click(LINKS) == {
        "List-Unsubscribe": "<https://n.example/u/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert email.one_click(LINKS._replace(refusable=False)) == email.one_click(None) == {}


def test_marks_are_urls_that_nothing_has_to_escape():
    for mark in MARKS.values():
        assert may_be_followed(mark)
        assert mark.replace("://", "").replace("/", "").replace(".", "").isalnum()


def test_links_are_filled_in_wherever_a_json_value_has_their_marks():
    value = {"a": [UNSUBSCRIBE_MARK, 1, None], "b": f"see {PREFERENCES_MARK}", "c": True}
    assert LINKS.fill_all(value) == {
        "a": ["https://n.example/u/1", 1, None],
        "b": "see https://n.example/p/1",
        "c": True,
    }
