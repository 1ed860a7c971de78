"""Text messages: addresses are phone numbers in E.164, content is one short text."""

import re

import phonenumbers

from notifier.domain.characters import any_visible
from notifier.domain.messages import Content

BODY_LIMIT = 1600  # Twilio's longest, https://www.twilio.com/docs/api/errors/21617

#: Digits and what people write between them. phonenumbers alone would also take letters for digits,
#: and a number out of the middle of a text.
WRITTEN = re.compile(r"\+[0-9][0-9 ().\-/]*[0-9]")
#: A short code: the digits of a sender that only one country's phones can write to.
SHORT_CODE = re.compile(r"[0-9]{3,8}")


class Sms:
    """The SMS channel."""

    name = "sms"

    def parse(self, address: str, platform: str = "") -> str:
        try:
            number = phonenumbers.parse(address, None) if WRITTEN.fullmatch(address) else None
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            raise ValueError(
                "A phone number is written with a plus, country code, digits and no extension, "
                "and must exist in that country's numbering plan: +4915112345678."
            )
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def fold(self, address: str) -> str:
        return address

    def mask(self, address: str) -> str:
        code = str(phonenumbers.parse(address, None).country_code)
        hidden = len(address) - 1 - len(code) - 2
        return f"+{code}{'•' * hidden}{address[-2:]}"

    def check(self, content: Content) -> None:
        message = text(content)
        size = len(message.encode("utf-16-le")) // 2  # UTF-16 units: an emoji counts as two
        if not any_visible(message):
            raise ValueError(
                "content.title or content.body with something to see is needed for an SMS."
            )
        if size > BODY_LIMIT:
            raise ValueError(
                f"content.body is too long for an SMS: title, body and actions make {size} "
                f"characters, at most {BODY_LIMIT} are allowed."
            )


def phone(written: str) -> str:
    """Return a phone number in E.164 as a contact's is stored; empty for anything else.

    One that is not in our numbering plans, which change, is taken where it is written in E.164: it
    may be the address of a contact that was registered before, or a number of a test.
    """
    written = written.strip()
    try:
        return Sms().parse(written)
    except ValueError:
        pass
    try:
        number = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException:
        return ""
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return found if found == written else ""


def sender(written: str) -> str:
    """Return a sender of ours as replies to it name it: in E.164, or as a short code.

    Raises ``ValueError`` for anything else.
    """
    if found := phone(written):
        return found
    if not SHORT_CODE.fullmatch(written):
        raise ValueError("It is neither a phone number with its country code nor a short code.")
    return written


def text(content: Content) -> str:
    """Join title, body and actions to one text."""
    lines = [content.title, content.body]
    lines += [f"{label}: {url}" for label, url in content.actions.items()]
    return "\n".join(line for line in lines if any_visible(line))
