"""Recipients, where they are reached, and what they want."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.preferences import registration, selectors, serializers, services, topic_names, user_ids
from apps.preferences.models import Contact, Recipient
from apps.preferences.registration import Registered
from apps.preferences.selectors import find_recipient
from apps.preferences.services import Stored
from apps.publishers import audit
from apps.publishers.endpoint import Endpoint
from apps.publishers.pagination import CursorPage, PageQuery
from apps.publishers.problems import Problem
from apps.publishers.scopes import Scope

TAG = "Recipients"
READ, WRITE = Scope.RECIPIENTS_READ, Scope.RECIPIENTS_WRITE

EXAMPLE = {
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "devices": [{"platform": "android", "token": "fGx0…:APA91b…", "app": "com.example.shop"}],
    "contacts": [{"channel": "email", "address": "ada@example.com"}],
    "preferences": [{"channel": "sms", "category": "marketing", "allowed": False}],
}


class RecipientList(Endpoint):
    """Everybody."""

    required_scopes = {"GET": READ}
    pagination_class = CursorPage

    @extend_schema(
        operation_id="list_recipients",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.RecipientRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """List recipients, oldest first."""
        page = CursorPage()
        rows = page.paginate_queryset(Recipient.objects.all(), request)
        return page.get_paginated_response(serializers.RecipientRow(rows, many=True).data)


class RecipientDetail(Endpoint):
    """One recipient, by the company's own ``user_id``."""

    required_scopes = {"GET": READ, "PUT": WRITE}

    @extend_schema(operation_id="read_recipient", tags=[TAG], responses=serializers.RecipientOut)
    def get(self, request: Request, user_id: str) -> Response:
        """Read a recipient with devices and contacts, addresses masked."""
        return Response(_recipient(selectors.get_recipient(user_id)))

    @extend_schema(
        operation_id="upsert_recipient",
        tags=[TAG],
        request=serializers.RecipientIn,
        responses={200: serializers.RecipientWritten, 201: serializers.RecipientWritten},
        examples=[OpenApiExample("a recipient", EXAMPLE, request_only=True)],
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Create or change a recipient.

        What is left out stays as it is; devices, contacts and preferences are added to those
        there are. Everybody gets an inbox. 201 when created, 200 when changed.
        """
        person = self.body(request, serializers.RecipientIn)
        try:
            user_ids.check(user_id)
        except ValueError as error:
            raise Problem("invalid-request", str(error)) from None
        topics = registration.known_topics(request.user.id, person["preferences"])
        with transaction.atomic():
            before = find_recipient(user_id)
            done = registration.register({user_id: person}, topics)[user_id]
            _audit_written(request, user_id, person, before)
        written = _recipient(selectors.get_recipient(user_id))
        return Response({**written, "secrets": done.secrets}, status=201 if done.created else 200)


class RecipientBulk(RecipientDetail):
    """Many recipients. GET and PUT are those of the person whose ``user_id`` is "bulk"."""

    required_scopes = {**RecipientDetail.required_scopes, "POST": WRITE}
    max_body = 16 * 1024 * 1024

    @extend_schema(exclude=True)
    def get(self, request: Request, user_id: str = "bulk") -> Response:
        return super().get(request, user_id)

    @extend_schema(exclude=True)
    def put(self, request: Request, user_id: str = "bulk") -> Response:
        return super().put(request, user_id)

    @extend_schema(
        operation_id="upsert_recipients",
        tags=[TAG],
        request=serializers.BulkRecipientsIn,
        responses=serializers.RecipientResults,
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

        An item that is not valid does not cost the others: its result carries its problem.
        """
        items = self.body(request, serializers.BulkRecipientsIn)["recipients"]
        with transaction.atomic():
            results = registration.register_many(request.user.id, items)
            created = [done.created for _, done in _done(results)]
            if created:
                after = {"created": sum(created), "updated": len(created) - sum(created)}
                audit.record(request, "upsert", "recipient", "", after=after)
        return Response({"results": [_result(*numbered) for numbered in enumerate(results)]})


class DeviceList(Endpoint):
    """A recipient's devices."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_devices", tags=[TAG], responses=serializers.DeviceRow(many=True)
    )
    def get(self, request: Request, user_id: str) -> Response:
        """List a recipient's devices, tokens masked."""
        devices = selectors.devices(selectors.get_recipient(user_id).pk)
        return Response(serializers.DeviceRow(devices, many=True).data)

    @extend_schema(
        operation_id="register_device",
        tags=[TAG],
        request=serializers.DeviceIn,
        responses={200: serializers.DeviceRow, 201: serializers.DeviceRow},
        examples=[OpenApiExample("a phone", EXAMPLE["devices"][0], request_only=True)],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Register a device, or say that it is still there.

        A token that was another recipient's becomes this one's. 201 when it is new here.
        """
        device = self.body(request, serializers.DeviceIn)
        recipient = selectors.get_recipient(user_id)
        address = registration.device_address(recipient.pk, device)
        with transaction.atomic():
            stored = _write(address)
            after = {"id": stored.id, "platform": address.platform, "app": address.app}
            _audit_contact(request, "device", user_id, stored, after)
        row = serializers.DeviceRow(Contact.objects.get(pk=stored.id)).data
        return Response(row, status=201 if stored.created else 200)


class DeviceDetail(Endpoint):
    """One device."""

    required_scopes = {"DELETE": WRITE}

    @extend_schema(operation_id="remove_device", tags=[TAG], responses={204: None})
    def delete(self, request: Request, user_id: str, contact_id: int) -> Response:
        """Remove a device: nothing is sent to it any more."""
        return _remove(request, selectors.devices(_id_of(user_id)), contact_id, user_id, "device")


class ContactList(Endpoint):
    """A recipient's phone numbers, email addresses and webhooks."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_contacts", tags=[TAG], responses=serializers.ContactRow(many=True)
    )
    def get(self, request: Request, user_id: str) -> Response:
        """List a recipient's contacts, addresses masked."""
        contacts = selectors.contacts(_id_of(user_id))
        return Response(serializers.ContactRow(contacts, many=True).data)

    @extend_schema(
        operation_id="add_contact",
        tags=[TAG],
        request=serializers.ContactIn,
        responses={200: serializers.ContactMade, 201: serializers.ContactMade},
        examples=[
            OpenApiExample("an email address", EXAMPLE["contacts"][0], request_only=True),
            OpenApiExample(
                "a webhook",
                {"channel": "webhook", "address": "https://example.com/hook"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Add a contact. A webhook's signing secret is in the answer, this once.

        201 when it is new here. Adding one again makes it active again.
        """
        contact = self.body(request, serializers.ContactIn)
        address = registration.contact_address(_id_of(user_id), contact)
        with transaction.atomic():
            stored = _write(address)
            after = {"id": stored.id, "channel": address.channel}
            _audit_contact(request, "contact", user_id, stored, after)
        row = serializers.ContactRow(Contact.objects.get(pk=stored.id)).data
        secret = {"secret": stored.secret} if stored.secret else {}
        return Response({**row, **secret}, status=201 if stored.created else 200)


class ContactDetail(Endpoint):
    """One contact."""

    required_scopes = {"DELETE": WRITE}

    @extend_schema(operation_id="remove_contact", tags=[TAG], responses={204: None})
    def delete(self, request: Request, user_id: str, contact_id: int) -> Response:
        """Remove a contact: nothing is sent to it any more."""
        return _remove(request, selectors.contacts(_id_of(user_id)), contact_id, user_id, "contact")


class PreferenceList(Endpoint):
    """What a recipient wants and refused.

    The most specific wish decides: a topic beats a category, either beats none, and a channel
    beats any channel.
    """

    required_scopes = {"GET": READ, "PUT": WRITE, "PATCH": WRITE}

    @extend_schema(
        operation_id="read_preferences", tags=[TAG], responses=serializers.PreferencesOut
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Read a recipient's preferences, apart from those for topics you do not see."""
        return Response(_preferences(request.user.id, _id_of(user_id)))

    @extend_schema(
        operation_id="replace_preferences",
        tags=[TAG],
        request=serializers.PreferencesIn,
        responses=serializers.PreferencesOut,
        examples=[
            OpenApiExample(
                "no SMS but for one topic",
                {
                    "preferences": [
                        {"channel": "sms", "allowed": False},
                        {"channel": "sms", "topic": "order-updates", "allowed": True},
                    ]
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Replace a recipient's preferences with these.

        Preferences for topics you do not see stay as they are.
        """
        wanted = self.body(request, serializers.PreferencesIn)["preferences"]
        recipient_id, wishes = self._wishes(request, user_id, wanted)
        with transaction.atomic():
            before = _preferences(request.user.id, recipient_id)
            hidden = _hidden_topics(request.user.id, recipient_id)
            services.replace_preferences(recipient_id, hidden, wishes)
            after = _preferences(request.user.id, recipient_id)
            audit.record(request, "replace", "preferences", user_id, before=before, after=after)
        return Response(after)

    @extend_schema(
        operation_id="change_preferences",
        tags=[TAG],
        request=serializers.PreferencesChange,
        responses=serializers.PreferencesOut,
        examples=[
            OpenApiExample(
                "one refused, one taken back",
                {
                    "preferences": [
                        {"category": "marketing", "allowed": False},
                        {"channel": "sms", "allowed": None},
                    ]
                },
                request_only=True,
            )
        ],
    )
    def patch(self, request: Request, user_id: str) -> Response:
        """Change these preferences and leave the others; `allowed: null` takes one back."""
        wanted = self.body(request, serializers.PreferencesChange)["preferences"]
        recipient_id, wishes = self._wishes(request, user_id, wanted)
        with transaction.atomic():
            before = _preferences(request.user.id, recipient_id)
            services.merge_preferences(wishes)
            after = _preferences(request.user.id, recipient_id)
            audit.record(request, "update", "preferences", user_id, before=before, after=after)
        return Response(after)

    def _wishes(
        self, request: Request, user_id: str, wanted: Sequence[Mapping[str, Any]]
    ) -> tuple[int, list[services.Wish]]:
        recipient_id = _id_of(user_id)
        topics = registration.known_topics(request.user.id, wanted)
        return recipient_id, registration.wishes(recipient_id, wanted, topics)


def _id_of(user_id: str) -> int:
    return selectors.get_recipient(user_id).pk


def _write(address: services.Address) -> Stored:
    return services.upsert_contacts([address])[address]


def _remove(request: Request, contacts: Any, contact_id: int, user_id: str, what: str) -> Response:
    contact = contacts.filter(pk=contact_id).first()
    if contact is None:
        raise Problem("not-found", f"This recipient has no {what} {contact_id}.")
    with transaction.atomic():
        services.remove_contact(contact)
        before = {"id": contact_id, "channel": contact.channel}
        audit.record(request, "delete", what, user_id, before=before)
    return Response(status=204)


def _audit_written(
    request: Request, user_id: str, person: Mapping[str, Any], before: Recipient | None
) -> None:
    """The event of one recipient's writing: what it says of them, how much came with it."""
    said = {name: person[name] for name in ("locale", "time_zone") if person[name] is not None}
    number = {
        f"{name}_written": len(person[name])
        for name in ("devices", "contacts", "preferences")
        if person[name]
    }
    if before is None:
        audit.record(request, "create", "recipient", user_id, after={**said, **number})
    else:
        was = {name: getattr(before, name) for name in said}
        audit.record(request, "update", "recipient", user_id, before=was, after={**said, **number})


def _audit_contact(
    request: Request, what: str, user_id: str, stored: Stored, after: dict[str, Any]
) -> None:
    action = "create" if stored.created else "update"
    audit.record(request, action, what, user_id, after=after)


def _done(
    results: Sequence[tuple[str, Registered] | Problem],
) -> list[tuple[str, Registered]]:
    return [result for result in results if not isinstance(result, Problem)]


def _recipient(recipient: Recipient) -> dict[str, Any]:
    return {
        **serializers.RecipientRow(recipient).data,
        "devices": serializers.DeviceRow(selectors.devices(recipient.pk), many=True).data,
        "contacts": serializers.ContactRow(selectors.contacts(recipient.pk), many=True).data,
    }


def _result(index: int, result: tuple[str, Registered] | Problem) -> dict[str, Any]:
    if isinstance(result, Problem):
        return {"index": index, "status": "error", "problem": result.body()}
    user_id, done = result
    return {
        "index": index,
        "status": "created" if done.created else "updated",
        "user_id": user_id,
        "secrets": done.secrets,
    }


def _preferences(publisher_id: int, recipient_id: int) -> dict[str, Any]:
    rows = list(selectors.preferences(recipient_id))
    names = topic_names.names_by_id(publisher_id, [row.topic_id for row in rows if row.topic_id])
    return {
        "preferences": [
            {
                "channel": row.channel or None,
                "topic": names[row.topic_id] if row.topic_id else None,
                "category": row.category or None,
                "allowed": row.allowed,
            }
            for row in rows
            if row.topic_id is None or row.topic_id in names
        ]
    }


def _hidden_topics(publisher_id: int, recipient_id: int) -> list[int]:
    topics = [row.topic_id for row in selectors.preferences(recipient_id) if row.topic_id]
    seen = topic_names.names_by_id(publisher_id, topics)
    return [topic for topic in topics if topic not in seen]
