"""Devices and contacts of a recipient."""

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Problem
from apps.preferences import selectors
from apps.preferences.api import contact_serializers as serializers
from apps.preferences.api.shapes import PostedAddress, PostedContact, PostedDevice
from apps.preferences.contacts import limits, registration, services
from apps.preferences.contacts.limits import TooManyContacts, too_many
from apps.preferences.contacts.replacement import Slot
from apps.preferences.contacts.services import Stored
from apps.preferences.models import Contact
from apps.publishers import audit
from apps.publishers.api.endpoint import Endpoint
from apps.publishers.scopes import Scope

TAG = "Recipients"
READ, WRITE = Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE

DEVICE = {"platform": "android", "token": "fGx0…:APA91b…", "app": "com.example.shop"}
TOKEN = {"platform": "android", "token": "fGx0…:APA91b…"}
CONTACT = {"channel": "email", "address": "ada@example.com"}


class DeviceList(Endpoint):
    """A recipient's devices."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_devices", tags=[TAG], responses=serializers.DeviceOut(many=True)
    )
    def get(self, request: Request, user_id: str) -> Response:
        """List a recipient's devices, tokens masked."""
        devices = selectors.within_limit(selectors.devices(selectors.get_recipient(user_id).pk))
        return Response(serializers.DeviceOut.many_init(devices).data)

    @extend_schema(
        operation_id="register_device",
        tags=[TAG],
        request=serializers.DeviceIn,
        responses={200: serializers.DeviceOut, 201: serializers.DeviceOut},
        examples=[OpenApiExample("a phone", DEVICE, request_only=True)],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Register a device, or confirm that it is still in use.

        A token that was another recipient's becomes this one's. 201 if this recipient did not have
        it.
        """
        device: PostedDevice = self.body(request, serializers.DeviceIn)
        recipient = selectors.get_recipient(user_id)
        address = registration.device_address(recipient.pk, device)
        with transaction.atomic():
            stored = _write(address, user_id)
            after = {"id": stored.id, "platform": address.platform, "app": address.app}
            _audit_contact(request, "device", user_id, stored, after)
        row = serializers.DeviceOut(Contact.objects.get(pk=stored.id)).data
        return Response(row, status=201 if stored.created else 200)


class DeviceDetail(Endpoint):
    """One device."""

    required_scopes = {"DELETE": WRITE}

    @extend_schema(operation_id="remove_device", tags=[TAG], responses={204: None})
    def delete(self, request: Request, user_id: str, contact_id: int) -> Response:
        """Remove a device: nothing is sent to it any more."""
        return _remove(request, selectors.devices, user_id, contact_id, "device")


class ContactList(Endpoint):
    """A recipient's phone numbers, email addresses and webhooks."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_contacts", tags=[TAG], responses=serializers.ContactOut(many=True)
    )
    def get(self, request: Request, user_id: str) -> Response:
        """List a recipient's contacts, addresses masked."""
        contacts = selectors.within_limit(selectors.contacts(selectors.get_recipient(user_id).pk))
        return Response(serializers.ContactOut.many_init(contacts).data)

    @extend_schema(
        operation_id="add_contact",
        tags=[TAG],
        request=serializers.ContactIn,
        responses={200: serializers.ContactMadeOut, 201: serializers.ContactMadeOut},
        examples=[
            OpenApiExample("an email address", CONTACT, request_only=True),
            OpenApiExample(
                "a webhook",
                {"channel": "webhook", "address": "https://example.com/hook"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Add a contact, beside those there are.

        A webhook's signing secret is in this response only. 201 if this recipient did not have the
        contact. Adding one again makes it active again.
        """
        contact: PostedContact = self.body(request, serializers.ContactIn)
        address = registration.contact_address(selectors.get_recipient(user_id).pk, contact)
        with transaction.atomic():
            stored = _write(address, user_id)
            after = {"id": stored.id, "channel": address.channel}
            _audit_contact(request, "contact", user_id, stored, after)
        row = serializers.ContactOut(Contact.objects.get(pk=stored.id)).data
        secret = {"secret": stored.secret} if stored.secret else {}
        return Response({**row, **secret}, status=201 if stored.created else 200)


class ContactDetail(Endpoint):
    """One contact."""

    required_scopes = {"DELETE": WRITE}

    @extend_schema(operation_id="remove_contact", tags=[TAG], responses={204: None})
    def delete(self, request: Request, user_id: str, contact_id: int) -> Response:
        """Remove a contact: nothing is sent to it any more."""
        return _remove(request, selectors.contacts, user_id, contact_id, "contact")


class ContactSearch(Endpoint):
    """Finding a contact by its address, which is in the body and so in no access log."""

    required_scopes = {"POST": READ}

    @extend_schema(
        operation_id="find_contact",
        tags=[TAG],
        request=serializers.ContactAddressIn,
        responses=serializers.ContactOut,
        examples=[OpenApiExample("an email address", CONTACT, request_only=True)],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Read the recipient's contact of an address, in any spelling."""
        where = self.body(request, serializers.ContactAddressIn)
        return Response(serializers.ContactOut(_at(user_id, where, "contact")).data)


class ContactRemoval(Endpoint):
    """Removing a contact by its address."""

    required_scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="remove_address",
        tags=[TAG],
        request=serializers.ContactAddressIn,
        responses={204: None},
        examples=[OpenApiExample("an email address", CONTACT, request_only=True)],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Remove the recipient's contact of an address: nothing is sent to it any more."""
        where = self.body(request, serializers.ContactAddressIn)
        return _removed(request, user_id, _at(user_id, where, "contact"), "contact")


class DeviceRemoval(Endpoint):
    """Removing a device by its token, which is what an app has when its user logs out."""

    required_scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="remove_token",
        tags=[TAG],
        request=serializers.DeviceTokenIn,
        responses={204: None},
        examples=[OpenApiExample("a phone", TOKEN, request_only=True)],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Remove the recipient's device of a token: nothing is sent to it any more."""
        where = self.body(request, serializers.DeviceTokenIn)
        return _removed(request, user_id, _at(user_id, where, "device"), "device")


def _write(address: services.Address, user_id: str) -> Stored:
    assert address.recipient_id is not None
    services.lock_recipients([address.recipient_id])
    stored = services.upsert_contacts([address])[address]
    slot = Slot(address.recipient_id, address.channel)
    try:
        limits.enforce([slot], {address.recipient_id: user_id})
    except TooManyContacts:
        raise too_many(user_id, address.channel, "") from None
    return stored


def _remove(
    request: Request,
    present: Callable[[int], QuerySet[Contact]],
    user_id: str,
    contact_id: int,
    what: str,
) -> Response:
    contact = present(selectors.get_recipient(user_id).pk).filter(pk=contact_id).first()
    if contact is None:
        raise Problem("not-found", f"This recipient has no {what} {contact_id}.")
    return _removed(request, user_id, contact, what)


def _at(user_id: str, where: PostedAddress, what: str) -> Contact:
    recipient = selectors.get_recipient(user_id)
    contact = selectors.contact_at(recipient.pk, where["channel"], where["address"]).first()
    if contact is None:
        raise Problem("not-found", f"This recipient has no such {what}.")
    return contact


def _removed(request: Request, user_id: str, contact: Contact, what: str) -> Response:
    with transaction.atomic():
        services.remove_contact(contact)
        before = {"id": contact.pk, "channel": contact.channel}
        audit.record(request, "delete", what, user_id, before=before)
    return Response(status=204)


def _audit_contact(
    request: Request, what: str, user_id: str, stored: Stored, after: dict[str, object]
) -> None:
    action = "create" if stored.created else "update"
    audit.record(request, action, what, user_id, after=after)
