"""Receipts are taken with a right signature only, within bounds, and where a key is set."""

from cryptography.hazmat.primitives.asymmetric import ec
from rest_framework.test import APIClient

from apps.delivery.models import Receipt
from tests.support.deliveries.signed_receipts import (
    PHONE,
    by_sendgrid,
    by_twilio,
    post_receipt,
    read_receipts,
)
from tests.support.publishers.shop import delivery_of


def test_nobody_else_can_say_what_became_of_a_message(shop, callback, send, settings):
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    posted = send("sms", PHONE)
    row = delivery_of(shop, posted)
    good = by_twilio(callback, row["id"], token, MessageStatus="delivered")
    others = by_twilio(callback, row["id"], "another's token", MessageStatus="delivered")
    batch = by_sendgrid((row["id"], "delivered"))
    stranger = by_sendgrid((row["id"], "delivered"), key=ec.generate_private_key(ec.SECP256R1()))
    for forged in (
        others,
        stranger,
        {**good, "headers": {}},
        {**good, "data": good["data"].replace("delivered", "undelivered")},
        {**good, "path": "/v1/receipts/twilio?delivery_id=dlv_1"},
        {**good, "path": "/v1/receipts/twilio"},
        {**batch, "headers": {}},
        {**batch, "data": b"[]"},
        {**batch, "path": "/v1/receipts/twilio"},
    ):
        answer = post_receipt(forged, 403)
        assert answer["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/invalid-signature"
    assert not Receipt.objects.exists()
    read_receipts()
    assert delivery_of(shop, posted) == row
    post_receipt(good)
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"
    scraped = APIClient().get("/metrics").content.decode()
    for outcome in ("refused", "taken"):
        assert f'notifier_receipts_total{{outcome="{outcome}",provider="twilio"}}' in scraped


def test_receipts_are_taken_only_where_a_key_is_set_and_in_bounds(callback, settings, db):
    del settings.PROVIDERS["sendgrid"]["receipts"]
    for provider in ("sendgrid", "fcm", "nobody", "%00", "x" * 300):
        post_receipt({**by_sendgrid(), "path": f"/v1/receipts/{provider}"}, 404)
    large = {**by_sendgrid(), "path": "/v1/receipts/twilio", "data": b"a" * (2 * 1024 * 1024 + 1)}
    post_receipt(large, 413)
    assert APIClient().get("/v1/receipts/twilio").status_code == 405
    assert not Receipt.objects.exists()
