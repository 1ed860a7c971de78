"""Import subscriptions from files of millions of lines, batch by batch, in constant memory.

Every line is imported, was there before, or is rejected with its number and the reason. Each batch
is one transaction, and subscribing again changes nothing: an interrupted import is simply run
again.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TextIO

from apps.preferences.api import app_ids
from apps.preferences.channels import INBOX, PUSH, check_destination, get_channel
from apps.preferences.contacts import services as contact_services
from apps.preferences.contacts.services import Address, Person
from apps.topics.selectors import TopicSnapshot
from apps.topics.subscriptions import csv_lines, services
from apps.topics.subscriptions.services import Subscriber
from notifier.channels import Channel
from notifier.domain.ids import user_ids
from notifier.transport import strict_json

#: Lines per transaction. Larger batches were no faster, and hold their locks for longer.
BATCH = 5_000
FIELDS = ("user_id", "channels", "channel", "address", "platform", "app")
#: Cells that a spreadsheet may write in place of a value: a shortened number, an error, a formula,
#: or a text behind its apostrophe for texts.
_SPOILT = re.compile(
    r"[+-]?\d+([.,]\d+)?E[+-]\d+|#(NAME\?|REF!|VALUE!|NUM!|NULL!|DIV/0!|N/A)|[='].*", re.DOTALL
)


class Rejected(NamedTuple):
    """A line that was not imported, counted from 1, and why."""

    line: int
    reason: str


class Progress(NamedTuple):
    """The result of one batch of ``lines``.

    A line counts as ``imported``, as ``present`` (all its subscriptions were there before) or as
    ``rejected``. ``subscriptions`` is the number of subscriptions of all lines not rejected.
    """

    lines: int
    imported: int
    present: int
    subscriptions: int
    rejected: list[Rejected]


class ImportLine(NamedTuple):
    """A valid line: a recipient on channels, or a bare endpoint (of the topic's publisher)."""

    line: int
    user_id: str
    channels: tuple[str, ...]
    address: Address | None


def read_csv(file: TextIO) -> Iterator[ImportLine | Rejected]:
    """Yield the lines below a header of ``FIELDS``, without blank ones.

    Columns are separated by comma, semicolon or tab, whichever the header uses, and channels within
    a field by ``|``. Raises ``ValueError`` for a header with other columns.
    """
    lines = csv_lines.lines(file)
    header, separator = _header(lines)
    for line in lines:
        if line.error:
            yield Rejected(line.number, line.error)
        elif line.text.strip():
            yield _judged(line.number, partial(_row, line.text, separator, header))


def read_jsonl(file: TextIO) -> Iterator[ImportLine | Rejected]:
    """Yield the lines of a file with one JSON object per line, without blank ones.

    An object has some of ``FIELDS``; ``channels`` is a list.
    """
    for line in csv_lines.lines(file):
        if line.error:
            yield Rejected(line.number, line.error)
        elif line.text.strip():
            yield _judged(line.number, partial(_object, line.text))


def run(
    topic: TopicSnapshot, lines: Iterable[ImportLine | Rejected], *, create_recipients: bool
) -> Iterator[Progress]:
    """Import ``lines``, yielding the result of each batch."""
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH)):
        entries = [line for line in batch if isinstance(line, ImportLine)]
        rejected = [line for line in batch if isinstance(line, Rejected)]
        named = [entry for entry in entries if entry.address is None]
        if create_recipients and named:
            people = {entry.user_id for entry in named}
            contact_services.upsert_recipients([Person(user_id) for user_id in people])
        found = services.subscribe_recipients(
            topic,
            [Subscriber(entry.user_id, channel) for entry in named for channel in entry.channels],
        )
        rejected += [
            Rejected(entry.line, f"There is no recipient {entry.user_id!r}.")
            for entry in named
            if Subscriber(entry.user_id, entry.channels[0]) not in found
        ]
        addresses = {
            entry.line: replace(entry.address, publisher_id=topic.publisher_id)
            for entry in entries
            if entry.address is not None
        }
        endpoints = services.subscribe_endpoints(topic, set(addresses.values()))
        rejected.sort()
        begun: set[Address | Subscriber]
        begun = {pair for pair, one in found.items() if one.begun}
        begun |= {address for address, one in endpoints.items() if one.begun}
        imported = 0
        for entry in entries:  # of two equal lines, the second counts as present
            wanted: set[Address | Subscriber]
            wanted = {addresses[entry.line]} if entry.address else _subscribers(entry)
            imported += not begun.isdisjoint(wanted)
            begun -= wanted
        present = len(batch) - imported - len(rejected)
        yield Progress(len(batch), imported, present, len(found) + len(endpoints), rejected)


def _subscribers(entry: ImportLine) -> set[Address | Subscriber]:
    return {Subscriber(entry.user_id, channel) for channel in entry.channels}


def _header(lines: Iterator[csv_lines.Line]) -> tuple[list[str], str]:
    """Return the columns and their separator; a column without a name has no values either.

    Raises ``ValueError`` for an invalid header.
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


def _judged(line: int, read: Callable[[], Mapping[str, Any]]) -> ImportLine | Rejected:
    try:
        return _entry(line, read())
    except ValueError as error:
        return Rejected(line, str(error))


def _entry(line: int, fields: Mapping[str, Any]) -> ImportLine:
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise ValueError(f"There is no field {unknown[0]!r}. Known are: {', '.join(FIELDS)}.")
    if ("user_id" in fields) == ("address" in fields):
        raise ValueError("Give user_id and channels, or address and channel: one of the two.")
    if "address" in fields:
        return ImportLine(line, "", (), _endpoint(fields))
    channels = fields.get("channels") or [fields.get("channel")]
    if not isinstance(channels, list):
        raise ValueError("channels is a list of names.")
    for channel in channels:
        _known(channel)
    once = tuple(dict.fromkeys(channels))
    return ImportLine(line, user_ids.check(_text(fields, "user_id")), once, None)


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


def _known(channel: Any) -> Channel:
    try:
        return get_channel(channel)
    except (KeyError, TypeError):
        raise ValueError(f"There is no channel {channel!r}.") from None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is text.")
    return value
