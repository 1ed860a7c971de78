"""OpenAPI parameters, error responses and examples of the endpoints that publish."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.serializers import BaseSerializer

from apps.api.openapi import ProblemDetails
from apps.api.problems import CONTENT_TYPE
from apps.delivery.api.notification_views import NOTIFICATIONS

F = TypeVar("F", bound=Callable[..., Any])

#: Error responses of the endpoints that publish.
REFUSALS = {
    (409, CONTENT_TYPE): OpenApiResponse(
        ProblemDetails, "the first request with the Idempotency-Key is still under way"
    ),
    (422, CONTENT_TYPE): OpenApiResponse(
        ProblemDetails,
        "the Idempotency-Key was used for another request, or a requested channel has no provider",
    ),
    (503, CONTENT_TYPE): OpenApiResponse(
        ProblemDetails,
        "the backlog of these channels is too large, or the database does not answer",
    ),
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Publish at most once under this key: for "
    f"{settings.IDEMPOTENCY_HOURS} hours, the same request with the same key gets the first answer "
    "again. `X-Idempotency-Key` is accepted as well.",
)
OTP = OpenApiExample(
    "One-time password",
    {
        "user_id": "ada",
        "priority": "high",
        "channels": ["sms"],
        "content": {"body": "Your code is 123 456."},
        "expires_at": "2030-01-01T00:05:00Z",
    },
    request_only=True,
)
IN_ORDER = OpenApiExample(
    "In order, and once",
    {
        "user_id": "ada",
        "content": {"title": "Order 7", "body": "It is packed."},
        "ordering_key": "order-7",
        "deduplicate_seconds": 600,
    },
    request_only=True,
)
NOT_REACHED = OpenApiExample(
    "To whom an earlier one did not reach",
    {
        "audience": {"not_reached_by": "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab"},
        "channels": ["email"],
        "content": {"title": "Shipped", "body": "Order 7 is on its way."},
    },
    request_only=True,
)
BATCH = OpenApiExample(
    "Two notifications",
    {
        "notifications": [
            {"user_id": "ada", "content": {"title": "Order 7", "body": "It is on its way."}},
            {"user_id": "bob", "content": {"title": "Order 8", "body": "It is packed."}},
        ]
    },
    request_only=True,
)
NEWS = OpenApiExample(
    "News", {"content": {"title": "Shipped", "body": "Order 7 is on its way."}}, request_only=True
)


def publishes(
    operation_id: str,
    body: type[BaseSerializer[Any]],
    answer: type[BaseSerializer[Any]],
    *examples: OpenApiExample,
) -> Callable[[F], F]:
    """Describe an operation that publishes, for a view's ``post``."""
    return extend_schema(
        operation_id=operation_id,
        request=body,
        responses={202: answer, **REFUSALS},
        parameters=[IDEMPOTENCY_KEY],
        examples=list(examples),
        tags=[NOTIFICATIONS],
    )
