"""Confirmation of subscriptions by the owner of the address, by program or on a page."""

import math
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi import ProblemDetails
from apps.api.problems import CONTENT_TYPE, Problem, http_response, not_allowed
from apps.core import clock
from apps.preferences.pages.languages import language
from apps.preferences.pages.rendering import page
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint
from apps.publishers.scopes import Scope
from apps.topics import selectors
from apps.topics.api import serializers
from apps.topics.api.confirmation_serializers import ConfirmationIn, ConfirmedOut
from apps.topics.confirmation import requests, tokens
from apps.topics.confirmation.tokens import Ended, Expired, NotConfirmed, Target
from apps.topics.models import SubscriptionState

TAG = "Confirmation"
_STATUS = {Expired: 410, Ended: 409}
#: The first part of the keys of a page's texts.
_REFUSALS = {Expired: "confirm.expired", Ended: "confirm.ended"}


class ConfirmationList(Endpoint):
    """Confirmation by program. The token is the only credential."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []

    @extend_schema(
        operation_id="confirm",
        tags=[TAG],
        auth=[],
        request=ConfirmationIn,
        responses={
            200: ConfirmedOut,
            (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "nothing left to confirm"),
            (410, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "its time is over"),
        },
        examples=[OpenApiExample("a token", {"token": "123-456.1vMqDe.c3n…"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Confirm a subscription with the token that was sent to its address.

        Needs no API key. A token can be used again while it is valid; the subscription is active
        afterwards in either case.
        """
        token = self.body(request, ConfirmationIn)["token"]
        try:
            target = tokens.confirm(token)
        except Expired as error:
            raise Problem("expired-confirmation", error.args[0]) from None
        except Ended as error:
            raise Problem("conflict", error.args[0]) from None
        except NotConfirmed as error:
            raise Problem("invalid-confirmation", error.args[0]) from None
        return Response(
            {"topic": target.topic, "channel": target.channel, "state": SubscriptionState.ACTIVE}
        )


@method_decorator(csrf_exempt, name="dispatch")  # no other site knows the token
class ConfirmationPage(View):
    """Confirmation by hand: the link shows a page, and its button confirms.

    Opening the link does not confirm, since mail scanners and previews open links. Only the
    receiver of a webhook may confirm that way, with ``?confirm=1``, as with AWS SNS.
    """

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            target = tokens.resolve(token)
            machine = target.by_machine and request.GET.get("confirm") == "1"
            if machine and request.method == "GET":
                target = tokens.confirm(token)
        except NotConfirmed as error:
            return _refused(request, error)
        return _confirmed(request, target) if target.confirmed else _question(request, target)

    def http_method_not_allowed(
        self, request: HttpRequest, *_: object, **__: object
    ) -> HttpResponse:
        methods = cast(Any, self)._allowed_methods()  # Django's type hints leave it out
        return http_response(not_allowed(request.method, methods))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return _confirmed(request, tokens.confirm(token))
        except NotConfirmed as error:
            return _refused(request, error)


class SubscriptionConfirmation(Endpoint):
    """The confirmation of one subscription."""

    required_scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @extend_schema(
        operation_id="send_confirmation",
        tags=[TAG],
        request=None,
        responses={
            202: serializers.SubscriptionRefOut,
            (409, CONTENT_TYPE): OpenApiResponse(ProblemDetails, "nobody is left to ask"),
        },
    )
    def post(self, request: Request, name: str, subscription_id: int) -> Response:
        """Send a subscription's confirmation again, to its addresses that have not confirmed.

        429 if its address has had its confirmations of the day, or this subscription had one just
        now; `Retry-After` says when the next may be sent.
        """
        topic = selectors.owned_topic(name, publisher_of(request).id)
        row = selectors.subscriptions(topic.id).filter(pk=subscription_id).first()
        if row is None:
            raise Problem("not-found", f"{name!r} has no subscription {subscription_id}.")
        if not requests.is_open(row):
            raise Problem(
                "conflict", f"The subscription is {row.state}: there is nothing to confirm."
            )
        try:
            with transaction.atomic():
                requests.ask_again(row)
                audit.record(
                    request, "send_confirmation", "subscription", name, after={"id": row.pk}
                )
        except requests.NoAddress:
            raise Problem(
                "conflict",
                f"The subscriber has no address on {row.channel}. Register one, then ask again.",
            ) from None
        except requests.TooSoon as error:
            seconds = math.ceil((error.args[0] - clock.moment()).total_seconds())
            raise Problem(
                "rate-limited",
                f"Its address has had enough confirmations. Ask again in {max(seconds, 1)} s.",
                headers={"Retry-After": str(max(seconds, 1))},
            ) from None
        shown = {"id": row.pk, "channel": row.channel, "state": row.state}
        return Response(shown, status=202)


def _question(request: HttpRequest, target: Target) -> HttpResponse:
    text = language(target.locale, request)
    return page(
        request,
        text,
        text("confirm.title", list=target.title),
        text(
            "confirm.text",
            list=target.title,
            publisher=target.publisher,
            channel=text.channel(target.channel),
        ),
        ask=text("confirm.button"),
    )


def _confirmed(request: HttpRequest, target: Target) -> HttpResponse:
    text = language(target.locale, request)
    return page(
        request,
        text,
        text("confirmed.title"),
        text(
            "confirmed.text",
            list=target.title,
            publisher=target.publisher,
            channel=text.channel(target.channel),
        ),
    )


def _refused(request: HttpRequest, error: NotConfirmed) -> HttpResponse:
    text = language("", request)
    refusal = _REFUSALS.get(type(error), "confirm.forged")
    return page(
        request,
        text,
        text(f"{refusal}.title"),
        text(f"{refusal}.text", hours=str(settings.CONFIRMATION_HOURS)),
        status=_STATUS.get(type(error), 400),
    )
