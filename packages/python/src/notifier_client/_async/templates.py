"""Templates."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from notifier_client._async.base import AsyncCalls, segment
from notifier_client.rows import Preview, Template, TemplateContent, TemplateVersion
from notifier_client.rows.base import read


class AsyncTemplates(AsyncCalls):
    """Methods for templates: texts by channel and locale, in versions that never change."""

    async def create_template(
        self,
        name: str,
        contents: Sequence[TemplateContent],
        *,
        default_locale: str,
        display_name: str = "",
        category: str | None = None,
    ) -> Template:
        """Create a template as version 1; it is validated before it is stored.

        ``category``: of notifications that name none, to no topic that has one.

        shipped = TemplateContent(channel="push", locale="en", title="Shipped",
                                  body="Order {{ order }} is on its way.")
        await client.create_template("shipped", [shipped], default_locale="en")
        """
        body = {"name": name, "display_name": display_name, **_version(contents, default_locale)}
        if category is not None:
            body["category"] = category
        answer = await self._http.request("POST", "/v1/templates", body, repeatable=False)
        return read(Template, answer.body)

    async def add_template_version(
        self,
        name: str,
        contents: Sequence[TemplateContent],
        *,
        default_locale: str,
        category: str | None = None,
    ) -> Template:
        """Store a new version, which is used from then on.

        ``category``: that of the version before if left out.
        """
        path = f"{_template(name)}/versions"
        body = _version(contents, default_locale)
        if category is not None:
            body["category"] = category
        return read(Template, (await self._http.request("POST", path, body, repeatable=False)).body)

    async def get_template(self, name: str, *, version: int | None = None) -> Template:
        """Return a template of yours in its newest version, or in ``version``."""
        query = None if version is None else {"version": version}
        return read(Template, (await self._http.request("GET", _template(name), query=query)).body)

    def list_templates(self) -> AsyncIterator[Template]:
        """List your templates, each in its newest version."""
        return self._pages(Template, "/v1/templates")

    def list_template_versions(self, name: str) -> AsyncIterator[TemplateVersion]:
        """List a template's versions, newest first."""
        return self._pages(TemplateVersion, f"{_template(name)}/versions")

    async def delete_template(self, name: str) -> None:
        """Delete a template. Notifications published with it are still delivered."""
        await self._http.request("DELETE", _template(name), repeatable=False)

    async def preview_template(
        self,
        name: str,
        channel: str,
        variables: Mapping[str, Any],
        *,
        locale: str | None = None,
        version: int | None = None,
    ) -> Preview:
        """Render a template as a recipient with this locale would get it."""
        body: dict[str, Any] = {"channel": channel, "variables": dict(variables)}
        if locale is not None:
            body["locale"] = locale
        if version is not None:
            body["version"] = version
        path = f"{_template(name)}/preview"
        return read(Preview, (await self._http.request("POST", path, body)).body)


def _template(name: str) -> str:
    return f"/v1/templates/{segment(name)}"


def _version(contents: Sequence[TemplateContent], default_locale: str) -> dict[str, Any]:
    return {
        "default_locale": default_locale,
        "contents": [content.body_of() for content in contents],
    }
