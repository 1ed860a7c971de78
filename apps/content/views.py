"""Templates, their versions and previews."""

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.pagination import PageQuery, read_query
from apps.api.problems import CONTENT_TYPE, Problem
from apps.content import selectors, serializers, services, validation
from apps.content.compiled_templates import compiled_template
from apps.content.models import TemplateVersion
from apps.content.preview import PreviewError, preview
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope

TAG = "Templates"

CONTENTS = [
    {
        "channel": "sms",
        "locale": "en",
        "body": "Order {{ order.id }} is on its way.",
    },
    {
        "channel": "sms",
        "locale": "de",
        "body": "Bestellung {{ order.id }} ist unterwegs.",
    },
    {
        "channel": "email",
        "locale": "en",
        "title": "Order {{ order.id }} is on its way",
        "body": "Dear {{ recipient.user_id }}, it will be there on {{ day }}.",
        "html": "<p>Dear {{ recipient.user_id }},<p>it will be there on <b>{{ day }}</b>.",
        "actions": {"Track it": "https://shop.example/orders/{{ order.id|urlencode }}"},
    },
]
EXAMPLE = {"name": "order-shipped", "default_locale": "en", "contents": CONTENTS}
PREVIEW = {
    "channel": "sms",
    "locale": "de-AT",
    "variables": {"order": {"id": "A-7"}, "day": "Friday"},
}


class TemplateList(ListEndpoint):
    """The publisher's templates."""

    required_scopes = {"GET": Scope.TEMPLATES_READ, "POST": Scope.TEMPLATES_WRITE}

    @extend_schema(
        operation_id="list_templates",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.TemplateSummaryOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List your templates in their newest version, oldest template first."""
        rows = selectors.templates(publisher_of(request).id)
        return self.paginate(
            request, rows, serializers.TemplateSummaryOut, prepare=selectors.newest_versions
        )

    @extend_schema(
        operation_id="create_template",
        tags=[TAG],
        request=serializers.TemplateIn,
        responses={
            201: serializers.TemplateOut,
            (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "the name is taken"),
        },
        examples=[OpenApiExample("a template", EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Create a template with its version 1. Its texts are validated before they are stored."""
        fields = self.body(request, serializers.TemplateIn)
        validation.check_category(fields.get("category", ""))
        validation.check_version(fields["default_locale"], fields["contents"])
        try:
            with transaction.atomic():
                version = services.create_template(publisher_of(request).id, **fields)
                _record(request, "create", version)
        except services.TemplateExists:
            raise Problem(
                "template-exists",
                f"You have a template {fields['name']!r}. Post to its /versions to change what "
                "it says, or choose another name.",
            ) from None
        return Response(serializers.TemplateOut(version).data, status=201)


class TemplateDetail(Endpoint):
    """One template."""

    required_scopes = {"GET": Scope.TEMPLATES_READ, "DELETE": Scope.TEMPLATES_WRITE}

    @extend_schema(
        operation_id="read_template",
        tags=[TAG],
        parameters=[serializers.VersionQuery],
        responses=serializers.TemplateOut,
    )
    def get(self, request: Request, name: str) -> Response:
        """Read a template of yours in its newest version, or in another one."""
        query = read_query(request, serializers.VersionQuery)
        template = selectors.own_template(publisher_of(request).id, name)
        version = selectors.own_version(template, query.get("version"))
        return Response(serializers.TemplateOut(version).data)

    @extend_schema(operation_id="delete_template", tags=[TAG], responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Delete a template of yours, and free its name.

        Notifications accepted with it before are still delivered.
        """
        template = selectors.own_template(publisher_of(request).id, name)
        with transaction.atomic():
            services.delete_template(template)
            audit.record(request, "delete", "template", name)
        return Response(status=204)


class VersionList(ListEndpoint):
    """A template's versions."""

    required_scopes = {"GET": Scope.TEMPLATES_READ, "POST": Scope.TEMPLATES_WRITE}
    ordering = "-number"

    @extend_schema(
        operation_id="list_template_versions",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.VersionOut(many=True),
    )
    def get(self, request: Request, name: str) -> Response:
        """List a template's versions, newest first."""
        template = selectors.own_template(publisher_of(request).id, name)
        return self.paginate(request, selectors.versions(template), serializers.VersionOut)

    @extend_schema(
        operation_id="add_template_version",
        tags=[TAG],
        request=serializers.VersionIn,
        responses={201: serializers.TemplateOut},
        examples=[
            OpenApiExample(
                "a version", {"default_locale": "en", "contents": CONTENTS}, request_only=True
            )
        ],
    )
    def post(self, request: Request, name: str) -> Response:
        """Store the template's next version, which is used from now on. Versions never change."""
        template = selectors.own_template(publisher_of(request).id, name)
        fields = self.body(request, serializers.VersionIn)
        validation.check_category(fields.get("category", ""))
        validation.check_version(fields["default_locale"], fields["contents"])
        with transaction.atomic():
            version = services.add_version(template, **fields)
            _record(request, "add_version", version)
        return Response(serializers.TemplateOut(version).data, status=201)


class Preview(Endpoint):
    """The preview of a template."""

    required_scopes = {"POST": Scope.TEMPLATES_READ}

    @extend_schema(
        operation_id="preview_template",
        tags=[TAG],
        request=serializers.PreviewIn,
        responses={200: serializers.ContentOut},
        examples=[OpenApiExample("a preview", PREVIEW, request_only=True)],
    )
    def post(self, request: Request, name: str) -> Response:
        """Render a template as a recipient with this locale would get it. Nothing is sent."""
        asked = self.body(request, serializers.PreviewIn)
        template = selectors.own_template(publisher_of(request).id, name)
        version = selectors.own_version(template, asked.get("version"))
        try:
            filled = preview(
                compiled_template(version.pk),
                asked["channel"],
                asked["locale"],
                asked["variables"],
            )
        except PreviewError as error:
            raise Problem(
                "invalid-request",
                str(error),
                errors=[{"pointer": error.pointer, "detail": str(error)}],
            ) from None
        return Response(filled)


def _record(request: Request, action: str, version: TemplateVersion) -> None:
    after = serializers.written(version)
    audit.record(request, action, "template", version.template.name, after=after)
