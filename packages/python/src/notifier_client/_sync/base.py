# Generated from _async by `python packages/python/unasync.py`: edit that.
"""Helpers that the parts of the client share: pages, bulk calls, paths."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from notifier_client._sync.transport import Transport
from notifier_client.errors import from_problem
from notifier_client.rows.base import Row, read

#: Most items that the API takes in one call.
BULK = 1_000
PAGE = 200


class Calls:
    """The base of the client's parts: lists and bulk calls over one transport."""

    _http: Transport

    def _pages(self, row: type[Row], path: str, **filters: Any) -> Iterator[Row]:
        for page in self._answers(path, **filters):
            for answer in page["data"]:
                yield read(row, answer)

    def _answers(self, path: str, **filters: Any) -> Iterator[Mapping[str, Any]]:
        query: dict[str, Any] = {k: v for k, v in filters.items() if v is not None}
        query["limit"] = PAGE
        while True:
            page = (self._http.request("GET", path, query=query)).body
            yield page
            if not page["next"]:
                return
            query["cursor"] = page["next"]

    def _bulk(
        self, row: type[Row], path: str, name: str, items: Iterable[dict[str, Any]]
    ) -> list[Row]:
        results: list[Row] = []
        for start, part in slices(items):
            answer = self._http.request("POST", path, {name: part})
            for result in answer.body["results"]:
                shifted = {**result, "index": start + result["index"]}
                results.append(read(row, with_problem(shifted)))
        return results


def slices(items: Iterable[Any]) -> list[tuple[int, list[Any]]]:
    """Split ``items`` into parts for one call each, with the index of each part's first item."""
    waiting = list(items)
    return [(start, waiting[start : start + BULK]) for start in range(0, len(waiting), BULK)]


def new_key() -> str:
    """Return a new Idempotency-Key."""
    return str(uuid.uuid4())


def segment(text: str) -> str:
    """Quote ``text`` as one segment of a path."""
    return quote(text, safe="")


def with_problem(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``result`` with its problem, if it has one, turned into an error."""
    if "problem" not in result:
        return result
    problem = result["problem"]
    return {**result, "problem": from_problem(problem["status"], problem)}
