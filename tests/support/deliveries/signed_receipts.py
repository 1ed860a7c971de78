"""Receipts as Twilio and SendGrid sign them, posted to this service and read by its task.

``callback`` is a fixture: a ``conftest.py`` imports it by name.
"""

import base64
import time
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rest_framework.test import APIClient
from twilio.request_validator import RequestValidator

from apps.core.delivery_ids import number_of
from apps.delivery import tasks
from apps.delivery.models import Delivery, Receipt
from apps.preferences import vault
from apps.preferences.models import Contact
from tests.support.waiting import until

HELLO = {"title": "Hello", "body": "There"}
#: Twilio's report of a number that is not in service.
DEAD_NUMBER = {"MessageStatus": "failed", "ErrorCode": "30005"}
PHONE, EMAIL = "+4366012345678", "ada@example.com"
KEY = ec.generate_private_key(ec.SECP256R1())
PROVIDERS = APIClient(enforce_csrf_checks=True)  # they have no key and no cookie


@pytest.fixture
def callback(providers, settings):
    """Take receipts that are signed here; the URL that Twilio is given."""
    url = "https://notify.example.com/v1/receipts/twilio"
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    take_receipts(settings, url, token, _public(KEY))
    return url


def take_receipts(settings, callback, token, key):
    """Set Twilio's callback URL and token and SendGrid's public key, so that receipts are taken."""
    settings.PROVIDERS["twilio"]["options"]["status_callback"] = callback
    settings.PROVIDERS["twilio"]["receipts"] = {
        "class": "notifier.receipts.twilio.TwilioReceipts",
        "options": {"auth_token": token, "callback": callback},
    }
    settings.PROVIDERS["sendgrid"]["receipts"] = {
        "class": "notifier.receipts.sendgrid.SendGridReceipts",
        "options": {"public_key": key},
    }


def _public(key):
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def wait_for_receipts(number):
    """Wait until so many receipts are stored."""
    until(lambda: Receipt.objects.count() >= number)


def read_receipts():
    """Run the task that applies stored receipts."""
    tasks.receipts.apply(throw=True)


def events_of(row):
    """``(event, reason)`` of each receipt that the API shows with a delivery, oldest first."""
    return [(one["event"], one["reason"]) for one in row["receipts"]]


def message_of(name):
    """The provider's id of a delivery's message, and the address it went to.

    Made-up ones where there is no such delivery.
    """
    number = number_of(name)
    row = Delivery.objects.filter(pk=number).first() if number else None
    if row is None:
        return "SM1", PHONE
    contact = Contact.objects.get(pk=row.contact_id)
    address = vault.open(bytes(contact.address), bytes(contact.address_index))
    return row.provider_message_id or "SM1", address


def by_twilio(callback, delivery, token, **fields):
    """A signed status callback about the delivery's own message, as keywords of a POST."""
    query = f"delivery_id={delivery}"
    sid, address = message_of(delivery)
    form = {"MessageSid": sid, "To": address, **fields}
    signature = RequestValidator(token).compute_signature(f"{callback}?{query}", form)
    return {
        "path": f"/v1/receipts/twilio?{query}",
        "data": urlencode(form),
        "content_type": "application/x-www-form-urlencoded",
        "headers": {"X-Twilio-Signature": signature},
    }


def by_sendgrid(*events, key=KEY, body=None):
    """A signed batch, as keywords of a POST.

    Each of ``events`` is ``(delivery, event)``, about the delivery's own message, or a whole event.
    """
    now = str(int(time.time()))
    full = [e if isinstance(e, dict) else sendgrid_event(*e, int(now)) for e in events]
    body = orjson.dumps(full) if body is None else body
    signature = key.sign(now.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "path": "/v1/receipts/sendgrid",
        "data": body,
        "content_type": "application/json",
        "headers": {
            "X-Twilio-Email-Event-Webhook-Timestamp": now,
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        },
    }


def sendgrid_event(delivery, event, now, **fields):
    """An event about the delivery's own message; ``now`` is in seconds since 1970."""
    message, address = message_of(delivery)
    known = {"delivery_id": delivery, "event": event, "timestamp": now, "email": address}
    return {**known, "sg_message_id": f"{message}.recvd-1.2-3", **fields}


def post_receipt(receipt, status=204):
    """Post it as a provider does, and expect this status."""
    answer = PROVIDERS.post(**receipt)
    assert answer.status_code == status, answer.content
    return answer
