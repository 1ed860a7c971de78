"""The publisher and the key that authenticated a request.

DRF's type hints know only Django's users and tokens in ``request.user`` and ``request.auth``;
``PublisherAuthentication`` sets them to snapshots.
"""

from typing import cast

from rest_framework.request import Request

from apps.publishers.selectors import KeySnapshot, PublisherSnapshot


def publisher_of(request: Request) -> PublisherSnapshot:
    """Return the publisher of an authenticated request."""
    return cast(PublisherSnapshot, request.user)


def key_of(request: Request) -> KeySnapshot:
    """Return the key or token of an authenticated request."""
    return cast(KeySnapshot, request.auth)
