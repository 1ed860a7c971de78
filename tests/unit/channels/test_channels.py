"""Channels: canonical addresses, and limits of content."""

import pytest

from notifier import channels
from notifier.channels import Channel, email, push, sms
from notifier.domain.messages import Content

ALL = {
    "push": "notifier.channels.push.Push",
    "sms": "notifier.channels.sms.Sms",
    "email": "notifier.channels.email.Email",
    "webhook": "notifier.channels.webhook.Webhook",
    "inbox": "notifier.channels.inbox.Inbox",
}
APNS = "0123456789abcdef" * 4
FCM = "dQw4w9WgXcQ:APA91bHun4MxP5egoKMwt2KZFBaFUH"


@pytest.fixture
def loaded() -> dict[str, Channel]:
    return channels.load(ALL)


def test_channels_are_loaded_by_path_and_know_their_names(loaded: dict[str, Channel]) -> None:
    assert [channel.name for channel in loaded.values()] == list(ALL)


def test_an_entry_under_another_name_than_its_channel_is_refused() -> None:
    with pytest.raises(ValueError, match='whose name is "sms"'):
        channels.load({"text": ALL["sms"]})


@pytest.mark.parametrize(
    ("channel", "platform", "written", "parsed"),
    [
        ("sms", "", "+4915112345678", "+4915112345678"),
        ("sms", "", "+49 (151) 123-456 78", "+4915112345678"),
        ("sms", "", "+15005550006", "+15005550006"),
        ("email", "", "Ada.Lovelace+x@Example.COM", "Ada.Lovelace+x@example.com"),
        ("email", "", "ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("push", "ios", APNS.upper(), APNS),
        ("push", "android", FCM, FCM),
        ("push", "web", FCM, FCM),
        ("webhook", "", "https://Example.com:443", "https://example.com/"),
        ("webhook", "", "https://example.com:8443/a?b=c", "https://example.com:8443/a?b=c"),
        ("webhook", "", "https://bücher.example/ä", "https://xn--bcher-kva.example/ä"),
        ("webhook", "", "https://[2001:DB8::1]/", "https://[2001:db8::1]/"),
        ("webhook", "", "https://[2001:db8:0:0::1]/", "https://[2001:db8::1]/"),
        ("webhook", "", "HTTPS://EXAMPLE.com/A", "https://example.com/A"),
        ("inbox", "", "a.b", "a.b"),
        ("inbox", "", "a-b", "a-b"),
    ],
)
def test_an_address_is_normalised(
    loaded: dict[str, Channel], channel: str, platform: str, written: str, parsed: str
) -> None:
    assert loaded[channel].parse(written, platform) == parsed
    assert loaded[channel].parse(parsed, platform) == parsed


@pytest.mark.parametrize(
    ("channel", "platform", "address"),
    [
        ("sms", "", ""),
        ("sms", "", "015112345678"),
        ("sms", "", "+1234"),
        ("sms", "", "+999123456789"),
        ("sms", "", "+4915112345678 ext. 9"),
        ("sms", "", "+4915112345678\r\nFrom: x"),
        ("sms", "", "004915112345678"),
        ("sms", "", " +4915112345679"),
        ("sms", "", "+4915112345678 "),
        ("sms", "", "\uff0b4915112345678"),
        ("sms", "", "+1 800 FLOWERS"),
        ("sms", "", "tel:+4915112345678"),
        ("sms", "", "My number is +4915112345678."),
        ("sms", "", "+49151123\u200b45678"),
        ("email", "", ""),
        ("email", "", "ada@example.com "),
        ("email", "", " eve@example.com"),
        ("email", "", "ada@example.com."),
        ("email", "", "ada.@example.com"),
        ("email", "", "ada@exam\u00adple.com"),
        ("email", "", "ada\uff20example.com"),
        ("email", "", "ada"),
        ("email", "", "@example.com"),
        ("email", "", "ada@"),
        ("email", "", "ada@localhost"),
        ("email", "", "ada@example..com"),
        ("email", "", "a..da@example.com"),
        ("email", "", "Ada <ada@example.com>"),
        ("email", "", "ada@example.com, eve@example.com"),
        ("email", "", "ada@example.com\r\nBcc: eve@example.com"),
        ("email", "", "ada@example.com\n"),
        ("email", "", "ada\r\nBcc: eve@example.com"),
        ("email", "", "ada\x00@example.com"),
        ("email", "", f"{'a' * 65}@example.com"),
        ("email", "", f"a@{'b.' * 130}com"),
        ("push", "ios", "xyz"),
        ("push", "ios", APNS[:-1]),
        ("push", "ios", f"{APNS}/../x"),
        ("push", "android", "short"),
        ("push", "android", "a" * 4097),
        ("push", "web", f"{FCM}\n"),
        ("push", "", FCM),
        ("push", "windows", FCM),
        ("webhook", "", "example.com"),
        ("webhook", "", "http://example.com/"),
        ("webhook", "", "ftp://example.com/"),
        ("webhook", "", "https:///path"),
        ("webhook", "", "https://user:pass@example.com/"),
        ("webhook", "", "https://@example.com/"),
        ("webhook", "", "https://example.com/#part"),
        ("webhook", "", "https://example.com/#"),
        ("webhook", "", "https://example.com:99999/"),
        ("webhook", "", "https://exa mple.com/"),
        ("webhook", "", "https://example.com\\@evil.example/"),
        ("webhook", "", "https://example.com/\r\nHost: x"),
        ("webhook", "", "https://[::1"),
        ("webhook", "", "https://[fe80::1%25eth0]/"),
        ("webhook", "", "https://example.com./"),
        ("webhook", "", "https://example..com/"),
        ("webhook", "", "https://ex%61mple.com/"),
        ("webhook", "", "https://example.com:0/"),
        ("webhook", "", f"https://example.com/{'a' * 2048}"),
        ("inbox", "", ""),
        ("inbox", "", "a\nb"),
        ("inbox", "", "a" * 201),
        ("inbox", "", "ada "),
    ],
)
def test_a_bad_address_is_refused_with_a_sentence_that_does_not_quote_it(
    loaded: dict[str, Channel], channel: str, platform: str, address: str
) -> None:
    with pytest.raises(ValueError, match=r"\.$") as caught:
        loaded[channel].parse(address, platform)
    assert len(address) < 13 or address not in str(caught.value)


def test_plain_http_is_taken_only_where_the_channel_allows_it() -> None:
    from notifier.channels.webhook import Webhook

    assert Webhook(allow_http=True).parse("http://example.com/") == "http://example.com/"


@pytest.mark.parametrize(
    ("channel", "address", "masked"),
    [
        ("sms", "+4915112345678", "+49•••••••••78"),
        ("email", "ada@example.com", "a•••@example.com"),
        ("push", APNS, "0123•••cdef"),
        ("webhook", "https://example.com/hook?token=1", "https://example.com/•••"),
        ("inbox", "ada", "ada"),
    ],
)
def test_a_masked_address_shows_whose_it_may_be_and_no_more(
    loaded: dict[str, Channel], channel: str, address: str, masked: str
) -> None:
    assert loaded[channel].mask(address) == masked


@pytest.mark.parametrize(
    ("channel", "content", "named"),
    [
        ("push", Content(), "content.title"),
        ("push", Content("t", "x" * 4000), "content is too large"),
        ("push", Content("t", data={"a": {"b": '"' * 1500}}), "content is too large"),
        ("push", Content("t", data={"from": "x"}), 'content.data: the key "from"'),
        ("push", Content("t", data={"google.x": "x"}), 'content.data: the key "google.x"'),
        ("push", Content("t", data={"google_maps_url": "x"}), "Give it another name"),
        ("push", Content("t", data={"googleMapsUrl": "x"}), "begin with google or gcm"),
        ("push", Content("t", data={"gcm_id": "x"}), 'content.data: the key "gcm_id"'),
        ("push", Content("t", data={"gcm.notification.title": "x"}), "reserved by FCM"),
        ("push", Content("t", data={"message_type": "x"}), "reserved by FCM"),
        ("push", Content("t", data={"collapse_key": "x"}), "reserved by FCM"),
        ("push", Content("t", data={"From": "x"}), "reserved by FCM"),
        ("push", Content("t", data={"topic": "x"}), "Notifier sets it"),
        ("push", Content("t", data={"delivery_id": "x"}), 'content.data: the key "delivery_id"'),
        ("sms", Content(), "content.title"),
        ("sms", Content("t", "x" * 1600), "content.body"),
        ("email", Content(), "content.title"),
        ("email", Content("a\r\nBcc: eve@example.com", "b"), "content.title"),
        ("email", Content("x" * 999, "b"), "content.title"),
        ("email", Content("t", "b", actions={"Go": "javascript:alert(1)"}), "content.actions"),
        ("webhook", Content("t", "x" * 18_000), "content is too large"),
        ("inbox", Content(), "content.title"),
    ],
)
def test_content_a_channel_cannot_carry_is_refused_by_field(
    loaded: dict[str, Channel], channel: str, content: Content, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        loaded[channel].check(content)


@pytest.mark.parametrize("channel", list(ALL))
def test_ordinary_content_is_carried_by_every_channel(
    loaded: dict[str, Channel], channel: str
) -> None:
    content = Content(
        "Grüße\u2028🎉", "line\nline", {"a": {"b": 1}}, {"Open": "https://example.com/"}
    )
    loaded[channel].check(content)


def test_an_sms_is_title_body_and_actions_on_lines_of_their_own() -> None:
    content = Content("T", "B", actions={"Open": "https://example.com/"})
    assert sms.text(content) == "T\nB\nOpen: https://example.com/"


def test_push_data_becomes_strings() -> None:
    content = Content(data={"a": "x", "b": 1, "c": {"d": None}}, actions={"Open": "https://e.x/"})
    assert push.strings(content) == {
        "a": "x",
        "b": "1",
        "c": '{"d":null}',
        "actions": '{"Open":"https://e.x/"}',
    }


def test_nothing_in_content_becomes_markup_in_an_email() -> None:
    content = Content(
        "<b>", "<script>alert(1)</script>\r\n\r\nnext", actions={'"><i>': 'https://e.x/"onclick="'}
    )
    page = email.render(content).html
    assert "<script" not in page
    assert "<i>" not in page
    assert 'onclick="' not in page
    assert "<p>next</p>" in page


def test_the_subject_is_the_title_or_the_first_line_on_one_line() -> None:
    assert email.render(Content("a\r\nBcc: b", "x")).subject == "a  Bcc: b"
    assert email.render(Content("", "first\nsecond")).subject == "first"


@pytest.mark.parametrize(
    "separator", [c for c in map(chr, range(0x10000)) if len(f"a{c}b".splitlines()) > 1]
)
def test_a_subject_has_the_titles_line_separators_but_no_control_characters(
    separator: str,
) -> None:
    shown = " " if separator.isascii() else separator
    assert email.render(Content(f"Sale{separator}now", "b")).subject == f"Sale{shown}now"
    assert email.render(Content("", f"Sale{separator}now")).subject == "Sale"


def test_a_body_keeps_all_but_how_its_lines_end() -> None:
    rendered = email.render(Content("t", "a\r\nb\rc\u2028d\fe\x85\n"))
    assert rendered.text == "a\nb\nc\u2028d\fe\x85\n"


def test_html_of_its_own_is_shown_in_an_email_and_the_body_where_it_cannot() -> None:
    rendered = email.render(Content("Hi", "plain", html="<p>rich</p>"))
    assert rendered.text == "plain"
    assert rendered.html == "<!doctype html><html><body><p>rich</p></body></html>"
    whole = "\n<!DOCTYPE html>\n<html><body>rich</body></html>"
    assert email.render(Content("Hi", "plain", html=whole)).html == whole


def test_a_link_that_is_not_http_is_left_out_of_an_email() -> None:
    rendered = email.render(Content("t", "b", actions={"Go": "javascript:alert(1)"}))
    assert "javascript" not in rendered.html + rendered.text


@pytest.mark.parametrize(
    ("channel", "written", "folded"),
    [
        ("email", "Ada.Lovelace+X@example.com", "ada.lovelace+x@example.com"),
        ("sms", "+4915112345678", "+4915112345678"),
        ("push", FCM, FCM),
        ("webhook", "https://example.com/Hook", "https://example.com/Hook"),
        ("inbox", "Ada", "Ada"),
    ],
)
def test_an_address_is_compared_folded_where_case_means_nothing(
    loaded: dict[str, Channel], channel: str, written: str, folded: str
) -> None:
    assert loaded[channel].fold(written) == folded


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Ada+News@example.com", "ada@example.com"),
        ("a.da@example.com", "a.da@example.com"),
        ("A.da+x@gmail.com", "ada@gmail.com"),
        ("ada@googlemail.com", "ada@gmail.com"),
        ("+news@example.com", "+news@example.com"),
    ],
)
def test_a_mailbox_is_an_address_without_what_its_server_ignores(
    address: str, mailbox: str
) -> None:
    assert email.mailbox(address) == mailbox
