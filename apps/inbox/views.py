"""A person's own inbox: list, count, change and delete items."""

import logging
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import CursorPage, read_query
from apps.api.problems import Problem
from apps.inbox import changes, selectors, services
from apps.inbox.authentication import EndUserAuthentication, end_user
from apps.inbox.models import InboxItem
from apps.inbox.serializers import (
    InboxChangedOut,
    InboxChangeIn,
    InboxItemOut,
    InboxQuery,
    UnreadOut,
)
from apps.inbox.statuses import DELETED
from apps.preferences.selectors import recipient_ids
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from notifier.domain.messages import Content
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)
TAG = "Inbox"


class InboxEndpoint(Endpoint):
    """A view for the person whose token it is."""

    authentication_classes = [EndUserAuthentication]
    permission_classes = [IsAuthenticated]

    def recipient_id(self, request: Request) -> int | None:
        """Return the person's id as a recipient, ``None`` while nobody has registered them."""
        user_id = end_user(request).user_id
        return recipient_ids([user_id]).get(user_id)


class InboxPage(CursorPage):
    """A page of items, with the number of unread items in the inbox."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["required"] = [*page["required"], "unread"]
        page["properties"]["unread"] = {
            "type": "integer",
            "description": "unread items in the whole inbox, whatever the filters",
        }
        return page


class InboxView(InboxEndpoint, ListEndpoint):
    """The items of the inbox."""

    pagination_class = InboxPage
    ordering = "-id"

    @extend_schema(
        operation_id="list_inbox",
        tags=[TAG],
        parameters=[InboxQuery],
        responses=InboxItemOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List your inbox, newest first, without expired items."""
        query = read_query(request, InboxQuery)
        recipient_id = self.recipient_id(request)
        filters = {name: query[name] for name in ("status", "severity", "source") if name in query}
        page = self.paginate(
            request,
            selectors.items(recipient_id, **filters),
            InboxItemOut,
            query=query,
            prepare=lambda rows: [_shown(row) for row in rows],
        )
        return Response({**page.data, "unread": selectors.unread(recipient_id)})


class InboxStatus(InboxEndpoint):
    """The status of items."""

    @extend_schema(
        operation_id="change_inbox",
        tags=[TAG],
        request=InboxChangeIn,
        responses=InboxChangedOut,
        examples=[
            OpenApiExample("two were read", {"ids": [41, 42], "status": "read"}, request_only=True),
            OpenApiExample("all of them", {"all": True, "status": "read"}, request_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        """Mark items read, unread or acknowledged, or delete them: up to 1,000, or all.

        An id that is not in your inbox does not affect the others; it is listed as unknown.
        """
        wanted = self.body(request, InboxChangeIn)
        recipient_id = self.recipient_id(request)
        if "ids" in wanted:
            changed, unknown = changes.change(recipient_id, wanted["ids"], wanted["status"])
        else:
            changed, unknown = changes.change_all(recipient_id, wanted["status"]), []
        return Response({"changed": changed, "unknown": unknown})


class InboxUnread(InboxEndpoint):
    """The number of unread items."""

    @extend_schema(operation_id="count_unread", tags=[TAG], responses=UnreadOut)
    def get(self, request: Request) -> Response:
        """Count the items that you have not read."""
        return Response({"unread": selectors.unread(self.recipient_id(request))})


class InboxItemView(InboxEndpoint):
    """One item."""

    @extend_schema(operation_id="delete_inbox_item", tags=[TAG], responses={204: None})
    def delete(self, request: Request, item_id: int) -> Response:
        """Delete an item and its content."""
        changed, _ = changes.change(self.recipient_id(request), [item_id], DELETED)
        if not changed:
            raise Problem("not-found", f"There is no item {item_id} in your inbox (any more).")
        return Response(status=204)


_COLUMNS = InboxItemOut().fields.keys() - set(services.SEALED)


def _shown(row: InboxItem) -> dict[str, object]:
    content = _content(row)
    return {
        **{name: getattr(row, name) for name in _COLUMNS},
        **{name: getattr(content, name) for name in services.SEALED},
    }


def _content(row: InboxItem) -> Content:
    """Return the item's content, empty if it cannot be decrypted or is invalid.

    The other items of the page can still be read then.
    """
    try:
        return services.unseal(row.delivery_id, bytes(row.content))
    except DecryptionError as error:
        log.error("inbox item %d cannot be read: %s", row.pk, error)
    except (TypeError, ValueError) as error:
        log.error("inbox item %d cannot be read: %s", row.pk, type(error).__name__)
    return Content()
