"""Export everything that is held about one person, as one JSON document, piece by piece.

A person may have hundreds of thousands of deliveries: rows are read in pages and written as they
come, so that an export takes no more memory than a page.
"""

from collections.abc import Iterable, Iterator, Mapping

import orjson
from django.http import HttpRequest
from rest_framework.request import Request

from apps.core import clock
from apps.delivery.operations import export as deliveries
from apps.inbox import presenters as inbox
from apps.preferences import export as directory
from apps.preferences.erasure import mark
from apps.preferences.models import Recipient
from apps.publishers import audit
from apps.publishers import personal as trail
from apps.schedules import personal as schedules
from apps.topics import export as topics

#: Rows that one piece of the document has.
AT_ONCE = 100


def record(request: Request | HttpRequest | None, row: Recipient) -> None:
    """Write the event of an export to the audit trail, without the person's name."""
    audit.record(request, "export", "recipient", mark(row.user_id))


def document(row: Recipient) -> Iterator[bytes]:
    """Yield the JSON document of a person, in pieces."""
    yield b'{"exported_at":' + orjson.dumps(clock.moment())
    yield b',"recipient":' + orjson.dumps(directory.person(row))
    for name, rows in _sections(row):
        yield b"," + orjson.dumps(name) + b":["
        yield from _list(rows)
        yield b"]"
    yield b"}\n"


def _sections(row: Recipient) -> Iterator[tuple[str, Iterable[Mapping[str, object]]]]:
    yield from directory.sections(row)
    yield "subscriptions", topics.subscriptions(row.pk)
    yield "schedules", schedules.export(row.user_id)
    yield "inbox", inbox.exported(row.pk)
    yield "deliveries", deliveries.deliveries(row.pk)
    yield "answers", deliveries.answers(row.pk)
    yield "audit", trail.export(row.user_id)


def _list(rows: Iterable[Mapping[str, object]]) -> Iterator[bytes]:
    """Yield the rows of a list, ``AT_ONCE`` in a piece."""
    between, piece = b"", []
    for one in rows:
        piece.append(orjson.dumps(one))
        if len(piece) == AT_ONCE:
            yield between + b",".join(piece)
            between, piece = b",", []
    if piece:
        yield between + b",".join(piece)
