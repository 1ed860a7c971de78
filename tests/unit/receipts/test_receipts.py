"""Receipts of Twilio and SendGrid, as they write them, become our events."""

import base64
import itertools
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import RequestValidator

from notifier.domain.states import TERMINAL, DeliveryState, may_move
from notifier.receipts import Event, ReportedEvent, after, build, is_about
from notifier.receipts.sendgrid import SIGNATURE, TIMESTAMP, SendGridReceipts
from notifier.receipts.twilio import TwilioReceipts

TOKEN, CALLBACK = "12345", "https://notifier.example/v1/receipts/twilio"
QUERY = "delivery_id=dlv_7"
KEY = ec.generate_private_key(ec.SECP256R1())


def public(key):
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


#: The person has it: nobody complains of what did not arrive.
ARRIVALS = {Event.DELIVERED, Event.COMPLAINED, Event.UNSUBSCRIBED}

# -- Where they lead --------------------------------------------------------------------------


def test_receipts_lead_to_the_same_end_in_any_order_and_number():
    for events in ([Event.ACCEPTED, Event.DELIVERED], [Event.DELIVERED, Event.BOUNCED], [*Event]):
        for start in (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN):
            ends = set()
            for order in itertools.permutations(events):
                state = start
                for event in (*order, *order):
                    state = after(state, event)
                ends.add(state)
            assert len(ends) == 1, (start, events)


def test_a_receipt_moves_only_where_the_states_allow_it():
    for state, event in itertools.product(DeliveryState, Event):
        new = after(state, event)
        assert new == state or may_move(state, new), (state, event)


def test_what_was_given_up_is_moved_by_nothing_but_its_arrival():
    given_up = TERMINAL - {
        DeliveryState.ACCEPTED,
        DeliveryState.UNKNOWN,
        DeliveryState.DELIVERED,
        DeliveryState.BOUNCED,
    }
    for state, event in itertools.product(given_up, set(Event) - ARRIVALS):
        assert after(state, event) == state
    for state, event in itertools.product(given_up | {DeliveryState.RETRYING}, ARRIVALS):
        assert after(state, event) == DeliveryState.DELIVERED
    for event in Event:
        assert after(DeliveryState.BOUNCED, event) == DeliveryState.BOUNCED
    assert after(DeliveryState.RETRYING, Event.BOUNCED) == DeliveryState.RETRYING


# -- Twilio -----------------------------------------------------------------------------------


@pytest.fixture
def twilio():
    options = {"auth_token": TOKEN, "callback": CALLBACK}
    return build({"class": "notifier.receipts.twilio.TwilioReceipts", "options": options})


def form(**fields):
    return urlencode({"MessageSid": "SM1", "To": "+4366012345678", **fields}).encode()


def signed_by_twilio(url, token=TOKEN, **fields):
    body = {"MessageSid": "SM1", "To": "+4366012345678", **fields}
    return {"x-twilio-signature": RequestValidator(token).compute_signature(url, body)}


def test_twilios_signature_is_over_the_url_it_was_given_and_every_parameter(twilio):
    # The example of Twilio's documentation, with the signature it gives.
    example = TwilioReceipts(auth_token="12345", callback="https://mycompany.com/myapp.php")
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    headers = {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    assert example.verify(headers, "foo=1&bar=2", urlencode(fields).encode())
    assert not example.verify(headers, "foo=1&bar=3", urlencode(fields).encode())
    assert not example.verify(headers, "foo=1&bar=2", urlencode({**fields, "To": "+1"}).encode())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-twilio-signature": ""},
        {"x-twilio-signature": "ÄÖÜ"},
        signed_by_twilio(f"{CALLBACK}?{QUERY}", "another", MessageStatus="delivered"),
        signed_by_twilio(f"{CALLBACK}?delivery_id=dlv_8", MessageStatus="delivered"),
        signed_by_twilio(f"https://evil.example/?{QUERY}", MessageStatus="delivered"),
    ],
)
def test_what_twilio_did_not_sign_is_not_twilios(twilio, headers):
    body = form(MessageStatus="delivered")
    assert not twilio.verify(headers, QUERY, body)
    assert twilio.verify(
        signed_by_twilio(f"{CALLBACK}?{QUERY}", MessageStatus="delivered"), QUERY, body
    )
    assert not twilio.verify(headers, QUERY, b"\xff\xfe")
    assert not twilio.verify(headers, QUERY, b"&".join([b"a=1"] * 10_000))


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"MessageStatus": "sent"}, (Event.ACCEPTED,)),
        ({"MessageStatus": "delivered"}, (Event.DELIVERED,)),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30003"},
            (Event.FAILED, "unreachable", "Twilio error 30003"),
        ),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30005"},
            (Event.BOUNCED, "hard_bounce", "Twilio error 30005"),
        ),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30006"},
            (Event.FAILED, "unreachable", "Twilio error 30006"),
        ),
        (
            {"MessageStatus": "undelivered", "ErrorCode": "30007"},
            (Event.FAILED, "blocked", "Twilio error 30007"),
        ),
        (
            {"MessageStatus": "failed", "ErrorCode": "21610"},
            (Event.FAILED, "opted_out", "Twilio error 21610"),
        ),
        (
            {"MessageStatus": "failed", "ErrorCode": "30008"},
            (Event.FAILED, "provider_error", "Twilio error 30008"),
        ),
        ({"MessageStatus": "failed"}, (Event.FAILED, "provider_error")),
        ({"MessageStatus": "failed", "ErrorCode": "+43"}, (Event.FAILED, "provider_error")),
    ],
)
def test_twilios_statuses_in_our_words(twilio, fields, reported):
    said = twilio.read(QUERY, form(MessageSid="SM7", **fields))
    assert list(said) == [
        ReportedEvent("dlv_7", *reported, message_id="SM7", address="+4366012345678")
    ]


@pytest.mark.parametrize("query", ["", "delivery_id=", "delivery_id=7", "delivery_id=dlv_0x1"])
def test_a_text_message_that_is_not_ours_is_reported_under_the_name_it_carried(twilio, query):
    [reported] = twilio.read(query, form(MessageStatus="delivered"))
    assert reported.delivery_id == query.partition("=")[2]


def test_a_text_message_that_is_still_on_its_way_says_nothing(twilio):
    assert list(twilio.read(QUERY, form(MessageStatus="queued"))) == []


# -- SendGrid ---------------------------------------------------------------------------------


@pytest.fixture
def sendgrid():
    options = {"public_key": public(KEY)}
    return build({"class": "notifier.receipts.sendgrid.SendGridReceipts", "options": options})


def signed_by_sendgrid(body, timestamp="1600112502", key=KEY):
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp}


def test_sendgrids_signature_is_over_its_timestamp_and_the_body(sendgrid):
    body = b'[{"event":"delivered"}]'
    headers = signed_by_sendgrid(body)
    assert sendgrid.verify(headers, "", body)
    assert not sendgrid.verify(headers, "", body + b" ")
    assert not sendgrid.verify({**headers, TIMESTAMP: "1600112503"}, "", body)
    other = ec.generate_private_key(ec.SECP256R1())
    assert not sendgrid.verify(signed_by_sendgrid(body, key=other), "", body)
    for signature in ("", "nonsense", "AAAA", "ÄÖÜ="):
        assert not sendgrid.verify({**headers, SIGNATURE: signature}, "", body)
    assert not sendgrid.verify({}, "", body)


def test_a_key_that_is_none_is_said_to_be_none():
    another_kind = public(ed25519.Ed25519PrivateKey.generate())
    for key in ("x", another_kind, base64.b64encode(b"no key").decode()):
        with pytest.raises(ValueError):
            SendGridReceipts(public_key=key)


@pytest.mark.parametrize(
    ("event", "reported"),
    [
        ({"event": "processed"}, (Event.ACCEPTED, "", "")),
        ({"event": "delivered"}, (Event.DELIVERED, "", "")),
        ({"event": "deferred"}, (Event.DEFERRED, "unreachable", "")),
        (
            {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "no ada@x.org"},
            (Event.BOUNCED, "hard_bounce", "status 5.1.1"),
        ),
        (
            {"event": "bounce", "type": "blocked", "status": "5.7.1"},
            (Event.FAILED, "blocked", "status 5.7.1"),
        ),
        (
            {"event": "dropped", "reason": "Bounced Address"},
            (Event.BOUNCED, "hard_bounce", ""),
        ),
        (
            {"event": "dropped", "reason": "Unsubscribed Address"},
            (Event.FAILED, "opted_out", ""),
        ),
        (
            {"event": "dropped", "reason": "Spam Reporting Address"},
            (Event.FAILED, "complaint", ""),
        ),
        ({"event": "dropped", "reason": None}, (Event.FAILED, "provider_error", "")),
        ({"event": "spamreport"}, (Event.COMPLAINED, "complaint", "")),
        ({"event": "unsubscribe"}, (Event.UNSUBSCRIBED, "opted_out", "")),
    ],
)
def test_sendgrids_events_in_our_words(sendgrid, event, reported):
    about = {"delivery_id": "dlv_7", "email": "ada@x.org", "timestamp": 1600112502}
    body = orjson.dumps([{**about, **event}])
    assert list(sendgrid.read("", body)) == [
        ReportedEvent("dlv_7", *reported, 1600112502.0, address="ada@x.org")
    ]


def test_which_message_a_receipt_speaks_of_is_said_by_its_id(sendgrid):
    event = {"delivery_id": "dlv_7", "event": "delivered", "sg_message_id": "ab1.filter-7.0"}
    [reported] = sendgrid.read("", orjson.dumps([event]))
    assert reported.message_id == "ab1.filter-7.0"
    assert is_about(reported.message_id, "ab1") and not is_about(reported.message_id, "ab")
    assert not is_about("", "ab1"), "what does not say is not known to be"
    for odd in (7, None, "a\0b", "x" * 201, "a b"):
        [reported] = sendgrid.read("", orjson.dumps([{**event, "sg_message_id": odd}]))
        assert reported.message_id == ""


def test_what_sendgrid_says_in_odd_shapes_is_left_out(sendgrid):
    good = {"delivery_id": "dlv_7", "event": "delivered", "timestamp": 10**12}
    odd = [{**good, "event": "open"}, {**good, "event": ["delivered"]}, "delivered", None]
    assert list(sendgrid.read("", orjson.dumps([*odd, good]))) == [
        ReportedEvent("dlv_7", Event.DELIVERED)
    ]
    for body in (b"{}", b"no json", b"[", b""):
        with pytest.raises(ValueError):
            sendgrid.read("", body)


def test_what_sendgrid_says_of_others_messages_is_reported_under_the_name_they_carried(sendgrid):
    others = [{"event": "bounce", "delivery_id": name} for name in ("x", 7)] + [{"event": "bounce"}]
    reported = sendgrid.read("", orjson.dumps(others))
    assert [one.delivery_id for one in reported] == ["x", "", ""]
