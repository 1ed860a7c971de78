"""Clients with keys that other keys make and replace."""

from datetime import datetime

from apps.publishers.models import ApiKey
from tests.support.publishers.api_client import Api


def with_key(api: Api, key: str) -> Api:
    """A client of the same publisher with this key."""
    return Api(api.name, key, api._capture)


def refused(api: Api, key: str) -> str:
    """The ``type`` of the problem with which a request with this key is refused."""
    problem = with_key(api, key).get("topics", status=401)
    return problem["type"].removeprefix("/problems/")


def prefix_of(api: Api) -> str:
    """The public part of the client's key."""
    return api.key.split("_")[1]


def made_by(api: Api, *scopes: str, **fields: object) -> Api:
    """A client with a key that this client makes."""
    wanted = {"scopes": list(scopes or ["keys:write", "topics:read"]), **fields}
    return with_key(api, api.post("api-keys", wanted, status=201)["key"])


def rotated(api: Api, by: Api | None = None, grace: int = 3600) -> Api:
    """A client with the key that replaces this client's; ``by`` asks for it (itself)."""
    asking = by or api
    answer = asking.post(f"api-keys/{prefix_of(api)}/rotate", {"grace_seconds": grace}, status=201)
    return with_key(api, answer["key"])


def end_of(api: Api) -> datetime | None:
    """Return the time at which the client's key expires."""
    return ApiKey.objects.get(prefix=prefix_of(api)).expires_at
