# Generated from _async by `python packages/python/unasync.py`: edit that.
"""A list of an inbox's items, with what the service said beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

from notifier_client.rows import InboxItem
from notifier_client.rows.base import read


class InboxItems(Iterator[InboxItem]):
    """Items of an inbox, newest first.

    The rest is of the moment at which the first page was read, with the first item that is asked
    for: ``last_event_id`` is what ``stream`` goes on from, and is told all that changes while
    further pages are read; ``unread`` and ``unseen`` count items on all pages.
    """

    def __init__(self, pages: Iterator[Mapping[str, Any]]) -> None:
        self.last_event_id = ""
        self.unread = 0
        self.unseen = 0
        self._items = self._read(pages)

    def __next__(self) -> InboxItem:
        return next(self._items)

    def _read(self, pages: Iterator[Mapping[str, Any]]) -> Iterator[InboxItem]:
        for page in pages:
            if not self.last_event_id:
                self.last_event_id = page["last_event_id"]
                self.unread, self.unseen = page["unread"], page["unseen"]
            for answer in page["data"]:
                yield read(InboxItem, answer)
