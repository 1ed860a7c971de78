"""Subscriptions from files of millions: a batch at a time, in memory that does not grow.

Every line is imported, was there before, or is rejected with its number and the reason.
Each batch is one transaction, and subscribing again changes nothing: an import that was
interrupted is started again from the top.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TextIO

from apps.preferences.api import app_ids
from apps.preferences.channels import INBOX, PUSH, check_destination, get_channel
from apps.preferences.contacts import services as preferences
from apps.preferences.contacts.services import Address, Person
from apps.topics.selectors import TopicSnapshot
from apps.topics.subscriptions import csv_lines, services
from notifier.domain import user_ids
from notifier.transport import strict_json

#: Rows a transaction. Larger ones were no faster and hold their locks longer.
BATCH = 5_000
FIELDS = ("user_id", "channels", "channel", "address", "platform", "app")
#: What a spreadsheet writes instead of a value: a number it shortened, an error, a formula, or a
#: text behind its mark for texts.
_SPOILT = re.compile(
    r"[+-]?\d+([.,]\d+)?E[+-]\d+|#(NAME\?|REF!|VALUE!|NUM!|NULL!|DIV/0!|N/A)|[='].*", re.DOTALL
)


class Rejected(NamedTuple):
    """A line that was not imported, counted from 1, and why."""

    line: int
    reason: str


class Progress(NamedTuple):
    """What one batch came to: ``lines`` are those ``imported``, those ``present`` (all that they
    wish for was there) and the ``rejected`` ones. ``subscriptions`` counts what all wish for that
    are not rejected."""

    lines: int
    imported: int
    present: int
    subscriptions: int
    rejected: list[Rejected]


class Wish(NamedTuple):
    """One line: a recipient on channels, or a bare endpoint, whose publisher the topic tells."""

    line: int
    user_id: str
    channels: tuple[str, ...]
    address: Address | None


def read_csv(file: TextIO) -> Iterator[Wish | Rejected]:
    """Lines below a header of ``FIELDS``; several channels are separated by ``|``. Blank ones are
    left out. Columns are separated as the header's are, by comma, semicolon or tab.

    Raises ``ValueError`` for a header with other columns.
    """
    lines = csv_lines.lines(file)
    header, separator = _header(lines)
    for line in lines:
        if line.error:
            yield Rejected(line.number, line.error)
        elif line.text.strip():
            yield _judged(line.number, partial(_row, line.text, separator, header))


def read_jsonl(file: TextIO) -> Iterator[Wish | Rejected]:
    """One JSON object a line, with some of ``FIELDS``; ``channels`` is a list. Blank ones are left
    out."""
    for line in csv_lines.lines(file):
        if line.error:
            yield Rejected(line.number, line.error)
        elif line.text.strip():
            yield _judged(line.number, partial(_object, line.text))


def run(
    topic: TopicSnapshot, lines: Iterable[Wish | Rejected], *, create_recipients: bool
) -> Iterator[Progress]:
    """Import ``lines``, telling what each batch came to."""
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH)):
        wishes = [line for line in batch if isinstance(line, Wish)]
        rejected = [line for line in batch if isinstance(line, Rejected)]
        named = [wish for wish in wishes if wish.address is None]
        if create_recipients and named:
            people = {wish.user_id for wish in named}
            preferences.upsert_recipients([Person(user_id) for user_id in people])
        found = services.subscribe_recipients(
            topic, [(wish.user_id, channel) for wish in named for channel in wish.channels]
        )
        rejected += [
            Rejected(wish.line, f"There is no recipient {wish.user_id!r}.")
            for wish in named
            if (wish.user_id, wish.channels[0]) not in found
        ]
        addresses = {
            wish.line: replace(wish.address, publisher_id=topic.publisher_id)
            for wish in wishes
            if wish.address is not None
        }
        endpoints = services.subscribe_endpoints(topic, set(addresses.values()))
        rejected.sort()
        begun = {pair for pair, one in found.items() if one.begun}
        begun |= {address for address, one in endpoints.items() if one.begun}
        imported = 0
        for wish in wishes:  # of two lines that wish for the same, the second finds it there
            wanted = {addresses[wish.line]} if wish.address else _pairs(wish)
            imported += not begun.isdisjoint(wanted)
            begun -= wanted
        present = len(batch) - imported - len(rejected)
        yield Progress(len(batch), imported, present, len(found) + len(endpoints), rejected)


def _pairs(wish: Wish) -> set[Any]:
    return {(wish.user_id, channel) for channel in wish.channels}


def _header(lines: Iterator[csv_lines.Line]) -> tuple[list[str], str]:
    """The columns and what separates them; a column may have neither name nor values.

    Raises ``ValueError``.
    """
    first = next(lines, csv_lines.Line(1, ""))
    separator = csv_lines.hint(first.text)
    if separator:
        first = next(lines, csv_lines.Line(2, ""))
    if first.error:
        raise ValueError(f"Line {first.number}: {first.error}")
    separator = separator or csv_lines.separator_of(first.text)
    named = csv_lines.fields(first.text, separator)
    header = ["_".join(name.lower().split()) for name in named]
    unknown = [name for name in header if name and name not in FIELDS]
    if unknown or not {"user_id", "address"} & set(header):
        raise ValueError(
            f"The first line names the columns, some of {', '.join(FIELDS)}"
            + (f"; not {', '.join(unknown)}." if unknown else ", user_id or address among them.")
        )
    twice = [name for name in FIELDS if header.count(name) > 1]
    if twice:
        raise ValueError(f"The first line names the column {twice[0]} twice.")
    return header, separator


def _row(text: str, separator: str, header: list[str]) -> dict[str, Any]:
    values = csv_lines.fields(text, separator)
    if len(values) != len(header):
        raise ValueError(f"{len(values)} columns, where the header has {len(header)}.")
    fields: dict[str, Any] = {}
    for name, value in zip(header, values, strict=True):
        if value and not name:
            raise ValueError("There is a value in a column without a name.")
        if _SPOILT.fullmatch(value):
            raise ValueError(
                f"{name} has what a spreadsheet made of a value (a shortened number, a formula, "
                "an error). Format the column as text and export it again."
            )
        if value:
            fields[name] = value
    if "channels" in fields:
        fields["channels"] = fields["channels"].split("|")
    return fields


def _object(text: str) -> dict[str, Any]:
    try:
        fields = strict_json.loads(text.encode())
    except strict_json.MalformedJson:
        raise ValueError("Not JSON.") from None
    if not isinstance(fields, dict):
        raise ValueError("Not a JSON object.")
    return fields


def _judged(line: int, read: Callable[[], Mapping[str, Any]]) -> Wish | Rejected:
    try:
        return _wish(line, read())
    except ValueError as error:
        return Rejected(line, str(error))


def _wish(line: int, fields: Mapping[str, Any]) -> Wish:
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise ValueError(f"There is no field {unknown[0]!r}. Known are: {', '.join(FIELDS)}.")
    if ("user_id" in fields) == ("address" in fields):
        raise ValueError("Give user_id and channels, or address and channel: one of the two.")
    if "address" in fields:
        return Wish(line, "", (), _endpoint(fields))
    channels = fields.get("channels") or [fields.get("channel")]
    if not isinstance(channels, list):
        raise ValueError("channels is a list of names.")
    for channel in channels:
        _known(channel)
    once = tuple(dict.fromkeys(channels))
    return Wish(line, user_ids.check(_text(fields, "user_id")), once, None)


def _endpoint(fields: Mapping[str, Any]) -> Address:
    channel = fields.get("channel", "")
    if channel == INBOX:
        raise ValueError("An inbox belongs to a recipient: give user_id and channels.")
    platform, app = _text(fields, "platform"), app_ids.check(_text(fields, "app"))
    if (platform or app) and channel != PUSH:
        raise ValueError("platform and app go with a device token on push.")
    address = _known(channel).parse(_text(fields, "address"), platform)
    check_destination(channel, address)
    return Address(None, channel, address, platform=platform, app=app)


def _known(channel: Any) -> Any:
    try:
        return get_channel(channel)
    except (KeyError, TypeError):
        raise ValueError(f"There is no channel {channel!r}.") from None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is text.")
    return value
