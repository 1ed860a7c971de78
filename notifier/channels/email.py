"""Email: addresses by RFC 5321, the title as subject, actions as links."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain, count

import idna

from notifier.domain import links
from notifier.domain.characters import any_visible
from notifier.domain.messages import Content, has_visible_text
from notifier.domain.personal_links import MARK, PersonalLinks
from notifier.transport.mail import CONTROL

LONGEST = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
LONGEST_LOCAL = 64  # RFC 5321 4.5.3.1.1
SUBJECT_LIMIT = 998  # RFC 5322 2.1.1: the longest line
SUBJECT_FROM_BODY = 78  # RFC 5322 2.1.1: the longest line that every reader shows
#: A dot-atom of ASCII (RFC 5321 4.1.2). Quoted and international local parts are left out:
#: SendGrid and most mail servers refuse them.
LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
#: Line ends other than LF, as browsers and other systems write them.
LINE_END = re.compile(r"\r\n?")
#: Domains that ignore dots in a local part: https://support.google.com/mail/answer/7436150
GMAIL = ("gmail.com", "googlemail.com")
WHOLE_PAGE = re.compile(r"\s*<(!doctype|html)\b", re.IGNORECASE)
#: The end of the visible part of a whole page.
END_OF_BODY = re.compile(r"</body\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rendered:
    """An email's parts: subject, plain text and HTML."""

    subject: str
    text: str
    html: str

    @property
    def has_marks(self) -> bool:
        """True if a recipient's own links are still to be filled in."""
        return MARK in self.html or MARK in self.text or MARK in self.subject

    def fill(self, links: PersonalLinks) -> "Rendered":
        """Return the mail with these links in place of their marks."""
        return Rendered(links.fill(self.subject), links.fill(self.text), links.fill(self.html))


def mailbox(address: str) -> str:
    """Return the mailbox that most servers deliver an address to, the key of its rate limits.

    It is the address without its ``+tag`` (RFC 5233), and at Gmail without dots. Nothing is sent or
    suppressed by it: people use tags to tell senders apart.
    """
    local, _, domain = address.lower().rpartition("@")
    name = local.partition("+")[0] or local
    if domain in GMAIL:
        return f"{name.replace('.', '')}@{GMAIL[0]}"
    return f"{name}@{domain}"


class Email:
    """The email channel."""

    name = "email"

    def parse(self, address: str, platform: str = "") -> str:
        local, _, domain = address.rpartition("@")
        if not domain.isprintable():  # IDNA would drop some invisible characters
            raise ValueError("An email address has printable characters only.")
        if not LOCAL.fullmatch(local) or len(local) > LONGEST_LOCAL:
            raise ValueError(
                "An email address is name@domain, with 1 to 64 ASCII letters, digits and "
                "dots between them before the @, without a display name: ada@example.com."
            )
        try:
            # Domains ignore case and are compared; the local part is up to its server.
            domain = idna.encode(domain, uts46=True).decode().lower()
        except idna.IDNAError:
            domain = ""
        top = domain.rpartition(".")[2]
        if "." not in domain or not top or top.isdigit():  # 192.0.2.1 is no domain
            raise ValueError("After the @ of an email address stands a domain: example.com.")
        parsed = f"{local}@{domain}"
        if len(parsed) > LONGEST:
            raise ValueError(f"An email address has at most {LONGEST} characters.")
        return parsed

    def fold(self, address: str) -> str:
        """Return the address in lower case.

        RFC 5321 leaves the case of a local part to its server, so mail is sent to it as written;
        but no server in use gives two people local parts that differ in case alone.
        """
        return address.lower()

    def mask(self, address: str) -> str:
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}•••@{domain}"

    def check(self, content: Content) -> None:
        if not has_visible_text(content):
            raise ValueError(
                "content.title or content.body with something to see is needed for an email."
            )
        if CONTROL.search(content.title):
            raise ValueError("content.title becomes the subject: it must be one line.")
        if len(content.title) > SUBJECT_LIMIT:
            raise ValueError(f"content.title is a subject: at most {SUBJECT_LIMIT} characters.")
        for label, url in content.actions.items():
            if not links.may_be_followed(url):
                raise ValueError(f'content.actions: "{label}" is no URL for people to follow.')


def render(content: Content) -> Rendered:
    """Render subject, plain text and HTML, none of them blank for content that ``check`` accepts.

    A title or body without visible characters counts as missing. Only ``content.html`` becomes
    markup. A title that ``check`` accepts is the subject unchanged; in a subject made of the body's
    first line or of a name in the catalogue, characters that no header can have become spaces.
    """
    title = content.title if any_visible(content.title) else _first_line(content.body)
    subject = CONTROL.sub(" ", title)
    body = LINE_END.sub("\n", content.body if any_visible(content.body) else content.title)
    actions = [one for one in content.actions.items() if links.may_be_followed(one[1])]
    text = "\n\n".join([body, *(f"{label}: {url}" for label, url in actions)])
    if any_visible(content.html):
        return Rendered(subject, text, _page(content.html))
    paragraphs = [html.escape(part).replace("\n", "<br>") for part in body.split("\n\n")]
    paragraphs += [
        f'<a href="{html.escape(url)}">{html.escape(label)}</a>' for label, url in actions
    ]
    page = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return Rendered(subject, text, _page(page))


def one_click(links: PersonalLinks | None) -> dict[str, str]:
    """Return the headers by which a mail program offers to leave with one click (RFC 8058)."""
    if links is None or not links.refusable:
        return {}
    return {
        "List-Unsubscribe": f"<{links.unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def with_links(content: Content, links: Mapping[str, str], wanted: str) -> Content:
    """Return a mail's content with links, by label, below it, unless both parts have ``wanted``.

    They are actions in the text, and in the HTML that is made from it; HTML of the publisher's own
    gets them at its end.
    """
    in_text = wanted in content.body or wanted in content.actions.values()
    if not in_text:
        more = {_free(label, url, content.actions): url for label, url in links.items()}
        content = replace(content, actions={**content.actions, **more})
    if not any_visible(content.html) or wanted in content.html:
        return content
    listed = " · ".join(
        f'<a href="{html.escape(url)}">{html.escape(label)}</a>' for label, url in links.items()
    )
    footer = f'<p style="font-size:small">{listed}</p>'
    ends = [end.start() for end in END_OF_BODY.finditer(content.html)]
    at = ends[-1] if ends else len(content.html)
    return replace(content, html=f"{content.html[:at]}{footer}{content.html[at:]}")


def _free(label: str, url: str, actions: Mapping[str, str]) -> str:
    """Return the label, numbered if an action that leads elsewhere has it."""
    numbered = (f"{label} ({number})" for number in count(2))
    return next(one for one in chain([label], numbered) if actions.get(one, url) == url)


def _first_line(body: str) -> str:
    """Return the first line with a visible character, stripped."""
    seen = next((line for line in body.splitlines() if any_visible(line)), "")
    return seen.strip()[:SUBJECT_FROM_BODY]


def _page(markup: str) -> str:
    """Return ``markup`` as a whole page, which it may be already."""
    if WHOLE_PAGE.match(markup):
        return markup
    return f"<!doctype html><html><body>{markup}</body></html>"
