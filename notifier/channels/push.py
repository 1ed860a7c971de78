"""Push notifications: addresses are device tokens, content fits into 4 kB."""

import re

import orjson

from notifier.domain.messages import Content, has_visible_text

PLATFORMS = ("ios", "android", "web")
#: APNs specifies no length; today's tokens have 32 bytes, and Apple says to expect longer ones.
APNS_TOKEN = re.compile(r"([0-9a-f]{2}){32,100}")
FCM_TOKEN = re.compile(r"[A-Za-z0-9_:\-]{20,4096}")

#: Bytes that both services take: https://firebase.google.com/docs/cloud-messaging/concept-options
#: and Apple's "Generating a remote notification". ``FRAME`` is reserved for ids and JSON around.
PAYLOAD_LIMIT = 4096
FRAME = 512

OWN_KEYS = frozenset({"delivery_id", "notification_id", "topic", "actions"})
#: Keys for which FCM refuses the whole message. Its pages do not agree on the prefixes:
#: "google." and "gcm.notification." in its discovery document, "google" and "gcm" in the reference
#: of its older protocol and in Twilio's error 52107. firebase-php refuses the wider ones, in any
#: case, and lets "notification" pass, which FCM's pages name and FCM takes (its issue 588).
RESERVED_KEY = re.compile(r"from|message_type|google.*|gcm.*", re.IGNORECASE | re.DOTALL)
#: A key that FCM accepts, but that its Android SDK removes before an app sees the data.
DROPPED_KEYS = frozenset({"collapse_key"})


class Push:
    """The push channel."""

    name = "push"

    def parse(self, address: str, platform: str = "") -> str:
        if platform == "ios":
            token = address.lower()
            if not APNS_TOKEN.fullmatch(token):
                raise ValueError("An APNs device token is 64 to 200 hexadecimal digits.")
            return token
        if platform not in PLATFORMS:
            raise ValueError("A push device has a platform: ios, android or web.")
        if not FCM_TOKEN.fullmatch(address):
            raise ValueError(
                "An FCM registration token is 20 to 4096 letters, digits, '-', '_' and ':'."
            )
        return address

    def fold(self, address: str) -> str:
        return address

    def mask(self, address: str) -> str:
        return f"{address[:4]}•••{address[-4:]}"

    def check(self, content: Content) -> None:
        if not (has_visible_text(content) or content.data):
            raise ValueError(
                "content.title or content.body with something to see, or content.data, is needed "
                "for a push."
            )
        for key in content.data:
            if key in OWN_KEYS:
                raise ValueError(f'content.data: the key "{key}" is reserved: Notifier sets it.')
            if key in DROPPED_KEYS or RESERVED_KEY.fullmatch(key):
                raise ValueError(
                    f'content.data: the key "{key}" is reserved by FCM, as are from, message_type, '
                    "collapse_key and all that begin with google or gcm. Give it another name."
                )
        # Counted as FCM does, with data as strings, which is the longer of the two forms.
        shaped = [content.title, content.body, strings(content)]
        size = len(orjson.dumps(shaped))
        limit = PAYLOAD_LIMIT - FRAME
        if size > limit:
            raise ValueError(
                f"content is too large for a push: title, body, data and actions make {size} "
                f"bytes, at most {limit} are allowed."
            )


def strings(content: Content) -> dict[str, str]:
    """Return ``data`` and ``actions`` as FCM takes them: strings, other values as JSON text."""
    found = {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in content.data.items()
    }
    if content.actions:
        found["actions"] = orjson.dumps(content.actions).decode()
    return found
