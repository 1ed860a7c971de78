"""Email: addresses after RFC 5321, the title as subject, actions as links."""

import html
import re
from dataclasses import dataclass

import idna

from notifier.domain import links
from notifier.domain.characters import any_visible
from notifier.domain.messages import Content, has_visible_text
from notifier.transport.mail import CONTROL

LONGEST = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
LONGEST_LOCAL = 64  # RFC 5321 4.5.3.1.1
SUBJECT_LIMIT = 998  # RFC 5322 2.1.1: the longest line
SUBJECT_FROM_BODY = 78  # RFC 5322 2.1.1: the longest line that every reader shows
#: A dot-atom of ASCII (RFC 5321 4.1.2). Quoted and international local parts are left out:
#: SendGrid and most mail servers refuse them.
LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
#: As RFC 5322 2.1.1 has it, a line ends in CR LF; pages and other systems end theirs otherwise.
LINE_END = re.compile(r"\r\n?")
#: One mailbox whatever dots its name is written with: https://support.google.com/mail/answer/7436150
GMAIL = ("gmail.com", "googlemail.com")
WHOLE_PAGE = re.compile(r"\s*<(!doctype|html)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Content as a mail carries it."""

    subject: str
    text: str
    html: str


def mailbox(address: str) -> str:
    """The mailbox that an address ends up in at most servers, by which mail to it is limited:
    without its ``+tag`` (RFC 5233), and at Gmail without dots.

    Not by what anything is sent or refused: a person may use their tags to tell senders apart.
    """
    local, _, domain = address.lower().rpartition("@")
    name = local.partition("+")[0] or local
    if domain in GMAIL:
        return f"{name.replace('.', '')}@{GMAIL[0]}"
    return f"{name}@{domain}"


class Email:
    name = "email"

    def parse(self, address: str, platform: str = "") -> str:
        local, _, domain = address.rpartition("@")
        if not domain.isprintable():  # IDNA would leave out some of what cannot be seen
            raise ValueError("An email address has printable characters only.")
        if not LOCAL.fullmatch(local) or len(local) > LONGEST_LOCAL:
            raise ValueError(
                "An email address is name@domain, with 1 to 64 ASCII letters, digits and "
                "dots between them before the @, without a display name: ada@example.com."
            )
        try:
            # The domain ignores case and is compared; the local part belongs to its server.
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
        """In small letters. RFC 5321 leaves the case of a local part to its server, and so it is
        sent as written; no server in use gives two people names that differ in it alone."""
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
    """Subject, plain text and HTML, none of them blank where ``check`` took the content: a title
    or body without anything to see is as good as none. Nothing but ``content.html`` becomes markup.

    A title that ``check`` took is the subject as it is. What no header can have, in one made of a
    body's first line or of a name in the catalogue, becomes a space.
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


def _first_line(body: str) -> str:
    """The first with anything to see, without the spaces at its ends."""
    seen = next((line for line in body.splitlines() if any_visible(line)), "")
    return seen.strip()[:SUBJECT_FROM_BODY]


def _page(markup: str) -> str:
    """``markup`` as a whole page, which it may be already."""
    if WHOLE_PAGE.match(markup):
        return markup
    return f"<!doctype html><html><body>{markup}</body></html>"
