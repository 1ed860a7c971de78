"""Limits of publishing and sending: overload, retry schedules, breakers, quiet hours."""

import zoneinfo
from collections.abc import Collection, Iterable
from typing import TypedDict

import orjson
from django.core.exceptions import ImproperlyConfigured

from config import env
from notifier.domain import digests
from notifier.domain.frequency import Cap, Setter, parse_rate
from notifier.domain.priorities import Priority
from notifier.domain.times import quiet_hours

# -- Delivery ---------------------------------------------------------------------------------


def overload_backlog() -> dict[str, float]:
    """Return the longest wait, in seconds, of a channel's oldest due notification, by priority.

    Above it, publishing at that priority is refused with 503. High priority is never refused.
    """
    return {
        "low": env.number(
            "NOTIFIER_OVERLOAD_BACKLOG_LOW",
            3600.0,
            "seconds for which a low or normal notification may be due on a channel before "
            "low-priority publishing is refused there",
        ),
        "normal": env.number(
            "NOTIFIER_OVERLOAD_BACKLOG_NORMAL",
            7200.0,
            "the same for a normal notification and normal-priority publishing",
        ),
    }


def overload_database() -> dict[str, float]:
    """Return the seconds in which the database must answer, by priority; above them 503."""
    return {
        "low": env.number(
            "NOTIFIER_OVERLOAD_DATABASE_LOW",
            1.0,
            "seconds that the database may take to give a connection and answer before "
            "low-priority publishing is refused",
        ),
        "normal": env.number("NOTIFIER_OVERLOAD_DATABASE_NORMAL", 3.0, "the same for normal"),
    }


def retry_schedules() -> dict[str, tuple[float, ...]]:
    """Return the seconds between attempts, by channel."""
    return {
        "push": env.numbers(
            "NOTIFIER_RETRY_PUSH", "2,5,15,60,300,900,3600", "seconds between attempts on push"
        ),
        "sms": env.numbers("NOTIFIER_RETRY_SMS", "2,10,60,300,900", "the same for sms"),
        "email": env.numbers("NOTIFIER_RETRY_EMAIL", "5,30,300,1800,7200,14400", "for email"),
        # The example schedule of Standard Webhooks 1.0.0.
        "webhook": env.numbers(
            "NOTIFIER_RETRY_WEBHOOK",
            "5,300,1800,7200,18000,36000,50400,72000,86400",
            "for webhooks",
        ),
        "inbox": env.numbers("NOTIFIER_RETRY_INBOX", "1,2,5,10,30,60,300", "for the inbox"),
    }


def resend_unknown(channels: Iterable[str]) -> frozenset[str]:
    """The ``channel.priority`` pairs in which a message of unknown outcome is sent again.

    The outcome is unknown where the provider may have the message but did not say so. SMS costs
    money and email annoys, a webhook receiver deduplicates by ``webhook-id``, a push replaces
    itself, and an OTP that did not come is worse than two.
    """
    return frozenset(
        env.items(
            "NOTIFIER_RESEND_UNKNOWN",
            "push.high,push.normal,push.low,webhook.high,webhook.normal,webhook.low,"
            "inbox.high,inbox.normal,inbox.low,sms.high,email.high",
            "`channel.priority` pairs sent again when a call ends without an answer; what a worker "
            "was sending when it died is sent again in any case",
            among=[f"{channel}.{priority}" for channel in channels for priority in Priority],
        )
    )


def frequency_caps(channels: Collection[str]) -> dict[str, tuple[Cap, ...]]:
    """Return how many notifications a person is sent at most, by channel; without caps left out.

    See docs/api/frequency-caps.md.
    """

    def parse(item: str) -> tuple[str, Cap]:
        channel, _, rate = item.strip().partition(":")
        if channel not in channels:
            raise ValueError(channel)
        return channel, Cap(Setter.COMPANY, "", *parse_rate(rate))

    found: dict[str, tuple[Cap, ...]] = {}
    for channel, cap in env.parsed_items(
        "NOTIFIER_FREQUENCY_CAPS",
        "",
        "how many notifications one person is sent at most on a channel within any hour, day or "
        "week, e.g. `sms:3/day,push:5/hour,push:20/day`; neither those of high priority nor what "
        "nobody can refuse",
        parse,
        "channels with a number an hour, day or week, such as sms:3/day,push:5/hour",
    ):
        found[channel] = (*found.get(channel, ()), cap)
    return found


class Opening(TypedDict):
    """The rules by which a breaker opens, and for how long; times are in seconds."""

    failures: int
    share: float
    calls: int
    window: float
    cooldown: float
    longest_cooldown: float


class Breaking(Opening):
    """Likewise, of providers, and how many messages probe one."""

    probes: int


def breaker() -> Breaking:
    """The fields of ``notifier.resilience.breaker.Rules``: when a provider's breaker opens.

    GOV.UK Notify turns to its other SMS provider after 50 errors in 60 seconds.
    """
    return {
        "failures": env.whole(
            "NOTIFIER_BREAKER_FAILURES", 20, "failed calls in a row that open a provider's breaker"
        ),
        "share": env.number(
            "NOTIFIER_BREAKER_SHARE", 0.5, "or the share of failed calls that opens it"
        ),
        "calls": env.whole(
            "NOTIFIER_BREAKER_CALLS",
            50,
            "least number of calls before the share of failed ones counts",
        ),
        "window": env.number(
            "NOTIFIER_BREAKER_WINDOW", 30.0, "seconds over which they are counted"
        ),
        "cooldown": env.number(
            "NOTIFIER_BREAKER_COOLDOWN",
            5.0,
            "seconds for which a breaker stays open; doubled each time the probes fail",
        ),
        "longest_cooldown": env.number(
            "NOTIFIER_BREAKER_LONGEST_COOLDOWN", 120.0, "longest cooldown, in seconds"
        ),
        "probes": env.whole(
            "NOTIFIER_BREAKER_PROBES",
            5,
            "messages let through when the cooldown is over, to probe the provider",
        ),
    }


def dead_addresses() -> Opening:
    """Return the thresholds of the breaker for a provider that calls too many addresses dead.

    See docs/decisions/0034-a-flood-of-dead-addresses-is-our-mistake.md.
    """
    return {
        "failures": env.whole(
            "NOTIFIER_DEAD_ADDRESSES_IN_A_ROW",
            20,
            "dead addresses in a row from which a provider is not believed: no address is "
            "disabled, and its messages wait",
        ),
        "share": env.number(
            "NOTIFIER_DEAD_ADDRESSES_SHARE", 0.5, "or the share of dead addresses within a minute"
        ),
        "calls": env.whole(
            "NOTIFIER_DEAD_ADDRESSES_CALLS",
            50,
            "least number of addresses before their share counts",
        ),
        "window": 60.0,
        "cooldown": 15.0,
        "longest_cooldown": 600.0,
    }


# -- People -----------------------------------------------------------------------------------


def time_zone() -> str:
    """Return the IANA name of the zone of people who have none of their own."""
    name = env.text(
        "NOTIFIER_TIME_ZONE",
        "UTC",
        "IANA name of the time zone of people whose own is not known (or `UTC`, which is what "
        "those have who were registered without one)",
    )
    if name not in zoneinfo.available_timezones():
        raise ImproperlyConfigured(
            f"NOTIFIER_TIME_ZONE says {name!r}: write an IANA name such as Europe/Vienna"
        )
    return name


def company_quiet_hours(channels: Iterable[str]) -> str:
    """Return the schedule of people who have none of their own, as JSON; empty without one."""
    text = env.text(
        "NOTIFIER_QUIET_HOURS",
        "",
        "the company's quiet hours, for people who have set none themselves, as in the API: "
        '`{"windows": [{"days": ["mon", "tue"], "from": "22:00", "to": "07:00"}]}`',
    )
    if not text:
        return ""
    try:
        schedule = quiet_hours.parse(orjson.loads(text), list(channels))
    except ValueError as error:
        raise ImproperlyConfigured(f"NOTIFIER_QUIET_HOURS cannot be used: {error}") from None
    return orjson.dumps(schedule.as_json()).decode()


def digest_at() -> str:
    """Return the time of day at which daily and weekly digests close that name none."""
    found = env.text(
        "NOTIFIER_DIGEST_AT",
        "09:00",
        "time of day, in each recipient's zone, of digests that people chose daily or weekly",
    )
    if not digests.is_time(found):
        raise ImproperlyConfigured(f"NOTIFIER_DIGEST_AT must be a time as 09:00, not {found!r}")
    return found


def digest_day() -> str:
    """Return the day on which weekly digests close."""
    return env.choice(
        "NOTIFIER_DIGEST_DAY", "mon", "day of digests that people chose weekly", digests.DAYS
    )


def quiet_hours_spread() -> float:
    """Return the seconds over which what waited for the end of quiet hours is sent."""
    return env.number(
        "NOTIFIER_QUIET_HOURS_SPREAD",
        600.0,
        "seconds after the end of quiet hours over which what waited for it is sent, so that a "
        "morning does not flood providers; at most half of the time until it is quiet again",
    )


def retention() -> tuple[int, int]:
    """Return for how many days contents, and records, of notifications are kept."""
    content = env.whole(
        "NOTIFIER_CONTENT_DAYS",
        7,
        "retention of what notifications say, in days after they were due; that of critical ones "
        "goes an hour after they expire, if that is earlier",
        least=1,
    )
    record = env.whole(
        "NOTIFIER_RECORD_DAYS",
        30,
        "retention of notifications, deliveries and attempts, in days after they were due",
        least=8,  # frequency caps may count what was sent within a week
    )
    return content, record


#: Collectors of metrics that ``apps.delivery.monitoring`` does not know.
COLLECTORS = [
    "apps.delivery.maintenance.partitions.monitoring.Partitions",
    "apps.schedules.monitoring.Schedules",
    "apps.privacy.keys.usage.EncryptionKeys",
    "apps.privacy.monitoring.Erasures",
    "apps.alerts.certificates.Certificates",
]
#: Functions that ``manage.py hold`` calls; each returns sentences for the operator.
HOLDS = ["apps.schedules.services.pause_due", "apps.bulk.running.abort_all"]
