# Generated from _async by `python packages/python/unasync.py`: edit that.
"""The company's catalogue of categories."""

from collections.abc import Iterator
from typing import Any

from notifier_client._sync.base import Calls, segment
from notifier_client.rows import Category
from notifier_client.rows.base import read, write


class Categories(Calls):
    """Methods for categories, by which people choose what they get."""

    def put_category(self, name: str, **fields: Any) -> Category:
        """Create or change a category; what is left out stays unchanged.

        ``fields``: ``kind``, ``default_locale``, ``display_name``, ``description``, ``defaults``,
        ``position``, ``frequency_caps`` and ``digest``, as ``Category`` has them.

        client.put_category("offers", kind="promotional", display_name={"en": "Offers"},
                                  defaults={"sms": False})
        """
        if "frequency_caps" in fields:
            caps = [write(cap, "channel", "limit", "per") for cap in fields["frequency_caps"]]
            fields["frequency_caps"] = caps
        return read(Category, (self._http.request("PUT", _category(name), fields)).body)

    def get_category(self, name: str) -> Category:
        """Return a category."""
        return read(Category, (self._http.request("GET", _category(name))).body)

    def list_categories(self) -> Iterator[Category]:
        """List the catalogue, oldest first."""
        return self._pages(Category, "/v1/categories")

    def delete_category(self, name: str) -> None:
        """Delete a category that no topic and no template names."""
        self._http.request("DELETE", _category(name), repeatable=False)


def _category(name: str) -> str:
    return f"/v1/categories/{segment(name)}"
