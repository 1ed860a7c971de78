"""Links that content may have."""

import pytest

from notifier.domain import links


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com/orders/7?a=1#b", "http://localhost:8000", "HTTPS://EXAMPLE.COM"),
        *("https://müller.example/käse", "https://[2001:db8::1]/", "https://u@example.com/"),
        *("tel:+4366012345678", "sms:+4366012345678?body=hi", "mailto:ada@example.com?subject=x"),
        *("myapp://orders/7", "com.example.shop:/orders/7", "whatsapp://send?text=hi", "geo:47,16"),
        *("market://details?id=com.example.shop", "http://localhost:1/"),
        "https://example.com/".ljust(2000, "a"),
    ],
)
def test_pages_apps_phones_and_mailboxes_are_followed(url: str) -> None:
    links.check(url)
    assert links.may_be_followed(url)


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "vbscript:x", "data:text/html,x"),
        *("file:///etc/passwd", "ftp://example.com/", "FTP://example.com/", "blob:https://x/1"),
        *("view-source:javascript:x", "intent://x#Intent;end", "ms-msdt:/id", "about:blank"),
        *("java\tscript:x", " javascript:x", "\x01javascript:x", "javascript&colon;alert(1)"),
        *("ｊavascript:x", "C:\\x", "c:/x", "//example.com/", "/orders/7", "example.com", "x", ""),
        *("https:", "https://", "https:///path", "https:example.com", "http://[::1", "tel:"),
        *("https://example.com:port/", "https://example.com:99999/", "https://a b.example/"),
        *("https://example.com/\n", "https://example.com/\u202efdp.exe", "https://x/\u200b"),
        *('https://x.example/"onclick="', "https://x.example/<b>", "https://x.example\\@y.example"),
        *("https://example.com:0/", "https://example.com/".ljust(2001, "a")),
    ],
)
def test_what_would_run_or_read_or_lead_nowhere_is_not(url: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        links.check(url)
    assert not links.may_be_followed(url)
