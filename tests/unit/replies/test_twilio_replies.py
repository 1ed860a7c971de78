"""Text messages that people write, as Twilio reports them."""

from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from twilio.request_validator import RequestValidator

from notifier.replies import LONGEST_TEXT, Kind, build

TOKEN, URL = "12345", "https://notifier.example/v1/replies/twilio"
ACCOUNT, SENDER, SERVICE = "AC" + "1" * 32, "+15005550006", "MG" + "2" * 32
SID = "SM" + "3" * 32


def replies(sender=SENDER):
    options = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": sender, "url": URL}
    return build({"class": "notifier.replies.twilio.TwilioReplies", "options": options})


def form(**fields):
    known = {"AccountSid": ACCOUNT, "MessageSid": SID, "From": "+4366012345678", "To": SENDER}
    return urlencode({**known, "Body": "Hi", **fields}).encode()


def test_only_what_twilio_signed_with_the_url_it_was_given_is_taken():
    body = form()
    fields = {"AccountSid": ACCOUNT, "MessageSid": SID, "From": "+4366012345678", "To": SENDER}
    good = RequestValidator(TOKEN).compute_signature(URL, {**fields, "Body": "Hi"})
    assert replies().verify({"x-twilio-signature": good}, "", body)
    assert not replies().verify({"x-twilio-signature": good}, "", form(Body="STOP"))
    assert not replies().verify({"x-twilio-signature": good}, "a=1", body)
    assert not replies().verify({}, "", body)
    assert not replies().verify({"x-twilio-signature": good}, "", b"\xff")


def test_a_message_has_its_id_numbers_and_text():
    reply = replies().read(form(Body="Grüß\0 dich", To="+1 500 555 0006"))
    assert (reply.message_id, reply.sender, reply.address) == (SID, SENDER, "+4366012345678")
    assert (reply.text, reply.handled) == ("Grüß dich", None)
    assert replies().read(form(Body="x" * 5_000)).text == "x" * LONGEST_TEXT
    assert replies().read(form(OptOutType="STOP")).handled is Kind.STOP
    assert replies().read(form(OptOutType="start")).handled is Kind.START
    assert replies().read(form(OptOutType="other")).handled is None


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+4366012345678", "+4366012345678"),
        (" +43 660 / 12345678 ", "+4366012345678"),
        ("+43 (660) 123-456-78", "+4366012345678"),
        ("+12025550123", "+12025550123"),
        ("+19995550123", "+19995550123"),  # in no plan that we know
        *((one, "") for one in ("", "12345", "whatsapp:+4366012345678", "rcs:brand", "Mum")),
        *((one, "") for one in ("+", "+0", "+1800FLOWERS", "0043660123456", "+43٦٦٠12345678")),
        ("+4366012345678;ext=1", ""),
    ],
)
def test_a_number_is_the_one_of_the_contact_and_nothing_else_is_a_phone(number, address):
    assert replies().read(form(From=number)).address == address


def test_our_sender_is_named_by_its_number_or_its_service():
    assert replies().read(form(MessagingServiceSid=SERVICE)).sender == SENDER
    assert replies(SERVICE).read(form(MessagingServiceSid=SERVICE)).sender == SERVICE
    assert replies(SERVICE).read(form(To="12345")).sender == "12345"
    assert replies("12345").read(form(To="12345")).sender == "12345"
    assert replies().read(form(To="+12025550199")).sender == "+12025550199"
    assert len(replies().read(form(To="x" * 500)).sender) == 64


@pytest.mark.parametrize(
    "fields",
    [
        {"AccountSid": "AC" + "2" * 32},
        {"AccountSid": ""},
        {"AccountSid": "ÄC"},
        {"MessageSid": ""},
        {"MessageSid": "x" * 64},
        {"MessageSid": SID + "'"},
    ],
)
def test_a_message_of_another_account_or_without_an_id_is_none(fields):
    with pytest.raises(ValueError, match=r"Sid is .*\."):
        replies().read(form(**fields))


def test_an_answer_is_twiml():
    text = 'No more <b>& so on</b>\n"x"'
    assert ElementTree.fromstring(replies().answer(text)).findtext("Message") == text
    assert len(ElementTree.fromstring(replies().answer(""))) == 0
