"""Substitution: many similar mails as one mail, with tags where they differ.

For providers that substitute each recipient's own values. The recipient gets exactly what was
rendered: tags are random, so no text contains one, and each stands for text that was there.
"""

import html
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import escape

from notifier.channels.email import Rendered
from notifier.domain.messages import Message
from notifier.domain.personal_links import MARK, MARKS

#: Splits a text into marks and what is between them.
MARKED = re.compile(f"({'|'.join(map(re.escape, MARKS.values()))})")


class Personal(NamedTuple):
    """A message, and the values of its tags."""

    message: Message
    values: Mapping[str, str]


class Letter(NamedTuple):
    """A mail with tags, and the messages whose values replace them."""

    mail: Rendered
    people: list[Personal]


def merge(mails: Iterable[tuple[Message, Rendered]], most_bytes: int) -> list[Letter]:
    """Merge mails into as few letters as possible, each message in exactly one.

    Templates know a person's user id (and locale, which selects another text). Mails that are equal
    but for the user id share a letter that has it as a value. The others of one publisher share a
    letter that consists of tags only, where a mail's subject and texts have at most ``most_bytes``,
    the provider's limit for one recipient. The rest get a letter each. Marks of people's own links
    are tags, too.
    """
    mark = secrets.token_hex(8)
    letters: dict[tuple[int | None, Rendered], Letter] = {}
    originals: dict[str, Rendered] = {}
    for message, mail in mails:
        masked, values = _without_person(mail, message.user_id, mark)
        if message.links is not None:
            values |= _links(_marks_in(mail), message)
        key = message.publisher_id, masked
        letters.setdefault(key, Letter(masked, [])).people.append(Personal(message, values))
        originals[message.id] = mail.fill(message.links) if message.links else mail
    shared = [letter for letter in letters.values() if len(letter.people) > 1]
    single = [letter.people[0].message for letter in letters.values() if len(letter.people) == 1]
    return shared + _of_tags(single, originals, mark, most_bytes)


def shared_letter(mail: Rendered, messages: Sequence[Message]) -> Letter:
    """Return one mail as a letter to many, with their own links as values of its marks."""
    marks = _marks_in(mail)
    return Letter(mail, [Personal(one, _links(marks, one)) for one in messages])


def _marks_in(mail: Rendered) -> list[str]:
    if not mail.has_marks:
        return []
    parts = mail.subject, mail.text, mail.html
    return [mark for mark in MARKS.values() if any(mark in part for part in parts)]


def _links(marks: Sequence[str], message: Message) -> dict[str, str]:
    """Return the recipient's own links by these marks."""
    if not marks or message.links is None:
        return {}
    return {mark: message.links.fill(mark) for mark in marks}


def size(values: Mapping[str, str]) -> int:
    """Return the bytes of all tags and values."""
    return sum(len(tag.encode()) + len(value.encode()) for tag, value in values.items())


def _without_person(mail: Rendered, user_id: str, mark: str) -> tuple[Rendered, dict[str, str]]:
    """Replace a user id, in every spelling (plain, escaped), by tags; return mail and values."""
    values: dict[str, str] = {}
    if user_id:
        subject, text, markup = mail.subject, mail.text, mail.html
        spelled = {user_id, html.escape(user_id), str(escape(user_id))}
        for number, spelling in enumerate(sorted(spelled, key=lambda one: (-len(one), one))):
            if spelling in subject or spelling in text or spelling in markup:
                tag = f"-{mark}{number}-"
                values[tag] = spelling
                subject = _replaced(subject, spelling, tag)
                text, markup = _replaced(text, spelling, tag), _replaced(markup, spelling, tag)
        mail = Rendered(subject, text, markup)
    return mail, values


def _replaced(text: str, spelling: str, tag: str) -> str:
    """Replace a spelling everywhere but in marks, of which it may be a part."""
    if MARK not in text:
        return text.replace(spelling, tag)
    return "".join(
        part if part.startswith(MARK) else part.replace(spelling, tag)
        for part in MARKED.split(text)
    )


def _of_tags(
    messages: Sequence[Message], mails: Mapping[str, Rendered], mark: str, most_bytes: int
) -> list[Letter]:
    """Make one letter of tags for each publisher, and one for each message too large for that."""
    subject, text, markup = (f"-{mark}{part}-" for part in ("subject", "text", "html"))
    found: dict[int | None, Letter] = {}
    alone = []
    for message in messages:
        mail = mails[message.id]
        values = {subject: mail.subject, text: mail.text, markup: mail.html}
        if size(values) > most_bytes:
            alone.append(Letter(mail, [Personal(message, {})]))
            continue
        letter = Letter(Rendered(subject, text, markup), [])
        found.setdefault(message.publisher_id, letter).people.append(Personal(message, values))
    for key, letter in found.items():
        if len(letter.people) == 1:
            message = letter.people[0].message
            found[key] = Letter(mails[message.id], [Personal(message, {})])
    return [*found.values(), *alone]
