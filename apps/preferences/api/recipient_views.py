"""Recipients, with their devices, contacts and preferences."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import PageQuery
from apps.api.problems import Problem
from apps.preferences import profiles, selectors
from apps.preferences.api import contact_serializers
from apps.preferences.api import recipient_serializers as serializers
from apps.preferences.api.contact_views import CONTACT, DEVICE
from apps.preferences.api.shapes import PostedRecipient
from apps.preferences.consent.services import WouldLiftRefusal
from apps.preferences.contacts import registration
from apps.preferences.contacts.limits import TooManyContacts, too_many
from apps.preferences.contacts.registration import BulkRegistered
from apps.preferences.digests import choices
from apps.preferences.frequency import caps
from apps.preferences.models import Recipient
from apps.preferences.selectors import find_recipient, within_limit
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)
TAG = "Recipients"
READ, WRITE = Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE

EXAMPLE = {
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "name": "Ada",
    "attributes": {"city": "Vienna"},
    "devices": [DEVICE],
    "contacts": [CONTACT],
    "preferences": [{"channel": "sms", "category": "marketing", "allowed": False}],
    "frequency_caps": [{"channel": "push", "limit": 5, "per": "day"}],
    "digests": [{"category": "comments", "cadence": "daily"}],
}


class RecipientList(ListEndpoint):
    """All recipients."""

    required_scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_recipients",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.RecipientSummaryOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List recipients, oldest first."""
        return self.paginate(
            request,
            selectors.present(Recipient.objects.all()).defer("name", "attributes"),
            serializers.RecipientSummaryOut,
        )


class RecipientDetail(Endpoint):
    """One recipient, by the company's own `user_id`."""

    required_scopes = {"GET": READ, "PUT": WRITE}

    @extend_schema(operation_id="read_recipient", tags=[TAG], responses=serializers.RecipientOut)
    def get(self, request: Request, user_id: str) -> Response:
        """Read a recipient with devices and contacts, addresses masked."""
        return Response(_recipient(selectors.get_recipient(user_id)))

    @extend_schema(
        operation_id="upsert_recipient",
        tags=[TAG],
        request=serializers.RecipientIn,
        responses={200: serializers.RecipientWrittenOut, 201: serializers.RecipientWrittenOut},
        examples=[OpenApiExample("a recipient", EXAMPLE, request_only=True)],
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Create or change a recipient.

        What is left out stays as it is; `attributes` are replaced as a whole. `email`, `phone` and
        the `contacts` of a channel replace the contacts on that channel; devices and preferences
        are added, and so are `frequency_caps`, of which the lower one holds, and `digests`, where
        the person has not chosen.
        Every recipient has an inbox. 201 when created, 200 when changed.
        """
        person: PostedRecipient = self.body(request, serializers.RecipientIn)
        selectors.check_named(user_id)
        topics = registration.known_topics(publisher_of(request).id, person["preferences"])
        with transaction.atomic():
            before = find_recipient(user_id)
            try:
                done = registration.register({user_id: person}, topics)[user_id]
            except WouldLiftRefusal as error:
                [scope] = error.found.values()
                wanted = person["preferences"]
                raise registration.refusal_problem(scope, wanted, topics, "/preferences") from None
            except TooManyContacts as error:
                raise too_many(user_id, error.found[user_id], "/contacts") from None
            _audit_written(request, user_id, person, before)
        written = _recipient(selectors.get_recipient(user_id))
        return Response({**written, "secrets": done.secrets}, status=201 if done.created else 200)


class RecipientBulk(RecipientDetail):
    """Many recipients. GET and PUT are for the recipient whose ``user_id`` is "bulk"."""

    required_scopes = {**RecipientDetail.required_scopes, "POST": WRITE}
    max_body = 16 * 1024 * 1024

    @extend_schema(exclude=True)
    def get(self, request: Request, user_id: str = "bulk") -> Response:
        return super().get(request, user_id)

    @extend_schema(exclude=True, request=serializers.RecipientIn)
    def put(self, request: Request, user_id: str = "bulk") -> Response:
        return super().put(request, user_id)

    @extend_schema(
        operation_id="upsert_recipients",
        tags=[TAG],
        request=serializers.BulkRecipientsIn,
        responses=serializers.RecipientResultsOut,
        examples=[
            OpenApiExample(
                "two recipients",
                {"recipients": [{"user_id": "ada", **EXAMPLE}, {"user_id": "bob"}]},
                request_only=True,
            ),
            OpenApiExample(
                "a result each",
                {
                    "results": [
                        {"index": 0, "status": "created", "user_id": "ada", "secrets": []},
                        {"index": 1, "status": "updated", "user_id": "bob", "secrets": []},
                    ]
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create or change up to 1,000 recipients, with a result each.

        An invalid item does not affect the others: its result carries its problem.
        """
        items = self.body(request, serializers.BulkRecipientsIn)["recipients"]
        with transaction.atomic():
            results = registration.register_many(publisher_of(request).id, items)
            created = [done.registered.created for done in _done(results)]
            if created:
                after = {"created": sum(created), "updated": len(created) - sum(created)}
                audit.record(request, "upsert", "recipient", "", after=after)
        return Response({"results": [_result(*numbered) for numbered in enumerate(results)]})


def _audit_written(
    request: Request, user_id: str, person: PostedRecipient, before: Recipient | None
) -> None:
    """Write the audit event of one recipient: the changed fields, and counts of what came along."""
    fields: Mapping[str, Any] = person
    said = {name: fields[name] for name in ("locale", "time_zone") if fields[name] is not None}
    number: dict[str, int | list[str]] = {
        f"{name}_written": len(fields[name])
        for name in ("devices", "contacts", "preferences", "frequency_caps", "digests")
        if fields[name]
    }
    for name in ("name", "attributes"):  # that they were written, and not what they say
        if name in fields:
            number[f"{name}_written"] = 1
    if person["replaced"]:
        number["channels_replaced"] = sorted(person["replaced"])
    if before is None:
        audit.record(request, "create", "recipient", user_id, after={**said, **number})
    else:
        was = {name: getattr(before, name) for name in said}
        audit.record(request, "update", "recipient", user_id, before=was, after={**said, **number})


def _done(
    results: Sequence[BulkRegistered | Problem],
) -> list[BulkRegistered]:
    return [result for result in results if not isinstance(result, Problem)]


def _recipient(recipient: Recipient) -> dict[str, object]:
    return {
        **serializers.RecipientSummaryOut(recipient).data,
        **_profile(recipient),
        "devices": contact_serializers.DeviceOut.many_init(
            within_limit(selectors.devices(recipient.pk))
        ).data,
        "contacts": contact_serializers.ContactOut.many_init(
            within_limit(selectors.contacts(recipient.pk))
        ).data,
        "frequency_caps": caps.shown(recipient.pk),
        "digests": choices.shown(recipient.pk),
    }


def _profile(recipient: Recipient) -> dict[str, object]:
    """Return a recipient's name and attributes, ``None`` for both if they cannot be decrypted."""
    try:
        opened = profiles.of_row(recipient).open()
    except DecryptionError as error:
        log.error("the profile of a recipient cannot be read: %s", error)
        return {"name": None, "attributes": None}
    return {"name": opened.name, "attributes": opened.attributes}


def _result(index: int, result: BulkRegistered | Problem) -> dict[str, object]:
    if isinstance(result, Problem):
        return {"index": index, "status": "error", "problem": result.body()}
    done = result.registered
    return {
        "index": index,
        "status": "created" if done.created else "updated",
        "user_id": result.user_id,
        "secrets": done.secrets,
    }
