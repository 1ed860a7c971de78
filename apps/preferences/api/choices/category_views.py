"""The company's catalogue of categories."""

from collections.abc import Mapping

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.pagination import PageQuery
from apps.api.problems import CONTENT_TYPE, Problem
from apps.preferences.api.choices import category_serializers as serializers
from apps.preferences.api.fields import CategoryField
from apps.preferences.categories import services
from apps.preferences.models import Category
from apps.publishers import audit
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope
from notifier.domain.categories import fold

TAG = "Categories"
READ, WRITE = Scope.CATEGORIES_READ, Scope.CATEGORIES_WRITE

OFFERS = {
    "kind": "promotional",
    "default_locale": "en",
    "display_name": {"en": "Offers", "de": "Angebote"},
    "description": {"en": "What is cheaper this week.", "de": "Was diese Woche billiger ist."},
    "defaults": {"sms": False},
    "position": 20,
    "frequency_caps": [{"channel": "email", "limit": 2, "per": "week"}],
}


class CategoryList(ListEndpoint):
    """The catalogue, which is the whole installation's."""

    required_scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_categories",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.CategoryOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the categories, oldest first."""
        return self.paginate(request, Category.objects.all(), serializers.CategoryOut)


class CategoryDetail(Endpoint):
    """One category."""

    required_scopes = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}
    slashes = True  # topics may always have named their category so

    @extend_schema(operation_id="read_category", tags=[TAG], responses=serializers.CategoryOut)
    def get(self, request: Request, name: str) -> Response:
        """Read a category. Its name is the same in any case."""
        return Response(_shown(_existing(name)))

    @extend_schema(
        operation_id="put_category",
        tags=[TAG],
        request=serializers.CategoryIn,
        responses={200: serializers.CategoryOut, 201: serializers.CategoryOut},
        examples=[OpenApiExample("offers", OFFERS, request_only=True)],
    )
    def put(self, request: Request, name: str) -> Response:
        """Create or change a category. What is left out stays as it is.

        The catalogue is the whole installation's. Texts need one in the default locale. 201 when
        created, 200 when changed; what was accepted before keeps the kind that it had.
        """
        name = _valid(name)
        fields = self.body(request, serializers.CategoryIn)
        with transaction.atomic():
            row, before = services.put_category(name, fields)
            audit.record(
                request,
                "create" if before is None else "update",
                "category",
                name,
                before=before,
                after=serializers.written(row),
            )
        return Response(_shown(row), status=201 if before is None else 200)

    @extend_schema(
        operation_id="delete_category",
        tags=[TAG],
        responses={
            204: None,
            (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "something is in the category"),
        },
    )
    def delete(self, request: Request, name: str) -> Response:
        """Delete a category that no topic and no template names.

        Nor is a critical one deleted: give it another kind first. What people refused under that
        name stays refused.
        """
        with transaction.atomic():
            row = _existing(name, lock=True)
            try:
                services.delete_category(row)
            except services.CategoryKept as error:
                raise Problem("conflict", str(error)) from None
            audit.record(request, "delete", "category", row.name, before=serializers.written(row))
        return Response(status=204)


def _existing(name: str, *, lock: bool = False) -> Category:
    rows = Category.objects.select_for_update() if lock else Category.objects.all()
    row = rows.filter(name=fold(name)).first()
    if row is None:
        raise Problem(
            "not-found", f"There is no category {name!r}. PUT /v1/categories/… creates one."
        )
    return row


def _valid(name: str) -> str:
    """Return the name folded. Raises ``ValidationError`` for one that cannot be a category's."""
    folded: str = CategoryField().run_validation(name)
    return folded


def _shown(row: Category) -> Mapping[str, object]:
    return serializers.CategoryOut(row).data
