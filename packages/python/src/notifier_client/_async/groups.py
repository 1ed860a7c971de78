"""Groups: named sets of recipients."""

from collections.abc import AsyncIterator, Iterable

from notifier_client._async.base import AsyncCalls, segment, slices
from notifier_client.rows import Added, Group, Member, Removed
from notifier_client.rows.base import read


class AsyncGroups(AsyncCalls):
    """Methods for your groups. The client's ``notify_group`` notifies one."""

    async def put_group(self, name: str, *, display_name: str | None = None) -> Group:
        """Create a group, or change its display name; ``None`` keeps that of an existing one."""
        body = {} if display_name is None else {"display_name": display_name}
        return read(Group, (await self._http.request("PUT", _group(name), body)).body)

    async def get_group(self, name: str) -> Group:
        """Return a group of yours."""
        return read(Group, (await self._http.request("GET", _group(name))).body)

    def list_groups(self) -> AsyncIterator[Group]:
        """List your groups, oldest first."""
        return self._pages(Group, "/v1/groups")

    async def delete_group(self, name: str) -> None:
        """Delete a group; its members remain recipients."""
        await self._http.request("DELETE", _group(name), repeatable=False)

    def list_members(self, group: str) -> AsyncIterator[Member]:
        """List a group's members; pages are read while iterating."""
        return self._pages(Member, f"{_group(group)}/members")

    async def add_members(self, group: str, user_ids: Iterable[str]) -> Added:
        """Add any number of recipients; those in it already stay members.

        User ids without a recipient do not raise, but are returned as ``unknown``. Each 1,000 are
        a request: if one fails, those before it have been added.

        added = await client.add_members("on-call", ["ada", "bo"])
        """
        added, already, unknown = 0, 0, []
        for _, part in slices(user_ids):
            path = f"{_group(group)}/members"
            answer = (await self._http.request("POST", path, {"user_ids": part})).body
            added += answer["added"]
            already += answer["already"]
            unknown += answer["unknown"]
        return Added(added, already, tuple(unknown))

    async def remove_members(self, group: str, user_ids: Iterable[str]) -> Removed:
        """Remove any number of recipients from a group.

        User ids without a recipient do not raise, but are returned as ``unknown``. Each 1,000 are
        a request: if one fails, those before it have been removed.
        """
        removed, unknown = 0, []
        for _, part in slices(user_ids):
            path = f"{_group(group)}/members/remove"
            answer = (await self._http.request("POST", path, {"user_ids": part})).body
            removed += answer["removed"]
            unknown += answer["unknown"]
        return Removed(removed, tuple(unknown))


def _group(name: str) -> str:
    return f"/v1/groups/{segment(name)}"
