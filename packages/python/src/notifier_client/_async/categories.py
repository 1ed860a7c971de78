"""The company's catalogue of categories."""

from collections.abc import AsyncIterator
from typing import Any

from notifier_client._async.base import AsyncCalls, segment
from notifier_client.rows import Category
from notifier_client.rows.base import read, write


class AsyncCategories(AsyncCalls):
    """Methods for categories, by which people choose what they get."""

    async def put_category(self, name: str, **fields: Any) -> Category:
        """Create or change a category; what is left out stays unchanged.

        ``fields``: ``kind``, ``default_locale``, ``display_name``, ``description``, ``defaults``,
        ``position``, ``frequency_caps`` and ``digest``, as ``Category`` has them.

        await client.put_category("offers", kind="promotional", display_name={"en": "Offers"},
                                  defaults={"sms": False})
        """
        if "frequency_caps" in fields:
            caps = [write(cap, "channel", "limit", "per") for cap in fields["frequency_caps"]]
            fields["frequency_caps"] = caps
        return read(Category, (await self._http.request("PUT", _category(name), fields)).body)

    async def get_category(self, name: str) -> Category:
        """Return a category."""
        return read(Category, (await self._http.request("GET", _category(name))).body)

    def list_categories(self) -> AsyncIterator[Category]:
        """List the catalogue, oldest first."""
        return self._pages(Category, "/v1/categories")

    async def delete_category(self, name: str) -> None:
        """Delete a category that no topic and no template names."""
        await self._http.request("DELETE", _category(name), repeatable=False)


def _category(name: str) -> str:
    return f"/v1/categories/{segment(name)}"
