"""Answers to what people write: in whose language, and how many within an hour.

What answers by itself may write to what answers by itself, and neither would ever stop. So a number
gets ``MOST`` answers of a kind within any hour, and so a person who asks again is answered.
"""

from apps.core.redis_scripts import RedisScript
from apps.delivery.models import Reply as ReplyRow
from apps.preferences.channels import SMS
from apps.preferences.consent.opt_outs import Number
from apps.preferences.models import Contact
from notifier.replies import Kind
from notifier.replies.keywords import Found, Keywords

#: Answers of one kind that a number gets within so many seconds.
MOST, WINDOW = 3, 3600

# The ids of messages that were answered, by Redis's time. One that is reported again is answered
# again, and counts once.
_take = RedisScript("""
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
""")


def answer(row: ReplyRow, found: Found | None, number: Number, words: Keywords) -> str:
    """Return what to answer a reply with; empty where nothing is set, or the number had enough.

    While Redis is away nobody counts, and HELP is not answered; STOP and START are only where they
    changed something, and a STOP that is not confirmed is not believed.
    """
    kind = Kind(row.kind)
    if not words.answers(kind):
        return ""
    key = f"notifier:answers:{kind}:{number.address_index.hex()}"
    taken = _take([key], [f"{row.provider} {row.message_id}", WINDOW, MOST])
    if not taken and (taken is not None or kind == Kind.HELP):
        return ""
    return words.answer(kind, found, _locale(number))


def _locale(number: Number) -> str:
    """Return the locale of whoever has the number."""
    people = Contact.objects.filter(channel=SMS, address_index=number.address_index)
    people = people.exclude(recipient__locale__isnull=True).exclude(recipient__locale="")
    locale = people.order_by("-id").values_list("recipient__locale", flat=True).first()
    return locale or ""
