"""Channels: deliveries per second of each, compared with push in the same run.

Every template mentions the recipient, except one of the two for email. A chunk's mails go out in
one request with a personalization each, and with a substitution where they mention the person.
"""

from functools import partial
from statistics import median

from bench.harness.report import Bar, Report, Table, columns
from bench.harness.service import CHANNELS, PERSONAL, SHARED, Blast, Service

PROCESSES = ("web", "fanout", "push", "sms", "email", "webhook", "housekeeping", "beat")
#: Name -> channel, template, and the least rate as a multiple of push's.
WAYS: dict[str, tuple[str, str, float | None]] = {
    "push": ("push", PERSONAL, None),
    "sms": ("sms", PERSONAL, 0.8),
    "webhook": ("webhook", PERSONAL, 0.8),
    "email, the same for all": ("email", SHARED, 2.0),
    "email, each one's own": ("email", PERSONAL, None),
    "inbox": ("inbox", PERSONAL, 2.0),
}
WARM_UP = 2_000


def measure(on: Service, *, quick: bool) -> Report:
    """Publish on each channel in turn, three times (once if ``quick``)."""
    subscribers, runs = (10_000, 1) if quick else (100_000, 3)
    for channel in CHANNELS:
        on.audience(f"warm-up-{channel}", WARM_UP, channel)
        on.audience(f"channel-{channel}", subscribers, channel)
    for channel, template, _ in WAYS.values():
        on.blast(f"warm-up-{channel}", WARM_UP, channel, template=template)
    blasts: dict[str, list[Blast]] = {way: [] for way in WAYS}
    for number in range(1, runs + 1):
        for way, (channel, template, _) in WAYS.items():
            blasts[way].append(
                on.blast(f"channel-{channel}", subscribers, channel, template=template)
            )
        rates = "; ".join(f"{way} {found[-1].rate:,.0f}/s" for way, found in blasts.items())
        print(f"  run {number}: {rates}", flush=True)
    return _report(blasts)


def _report(blasts: dict[str, list[Blast]]) -> Report:
    rates = {way: median(blast.rate for blast in found) for way, found in blasts.items()}
    times = {
        way: median(
            blast.rate / push.rate for blast, push in zip(found, blasts["push"], strict=True)
        )
        for way, found in blasts.items()
    }
    table = Table(
        ("way", "deliveries/s", "times push", "in each run", "µs CPU each", "worker", "sink"),
        [
            (
                way,
                f"{rates[way]:,.0f}",
                f"{times[way]:.2f}",
                " ".join(f"{blast.rate:,.0f}" for blast in found),
                f"{median(blast.own_cpu for blast in found):.0f}",
                f"{median(blast.cpu(_worker(way)) for blast in found):.0f}",
                f"{median(blast.cpu('sink') for blast in found):.1f}",
            )
            for way, found in blasts.items()
        ],
    )
    bars = [
        Bar(f"{way}: times push", times[way], least=least)
        for way, (_, _, least) in WAYS.items()
        if least is not None
    ]
    bars += [
        Bar(
            f"{way}: sink's count less those on record",
            float(max(abs(blast.came - blast.sent) for blast in found)),
            most=0,
        )
        for way, found in blasts.items()
        if way != "inbox"  # stored by the service itself, so there is no sink to count
    ]
    subscribers = blasts["push"][0].subscribers
    return Report(
        "channels",
        f"One publish to {subscribers:,} subscribers on each channel",
        [table],
        bars,
        {
            "subscribers": subscribers,
            "deliveries_per_second": rates,
            "times_push": times,
            "cpu_us_each": {
                way: {name: found[-1].cpu(name) for name in found[-1].costs}
                for way, found in blasts.items()
            },
        },
        [partial(columns, values=rates, what="deliveries a second")],
    )


def _worker(way: str) -> str:
    channel = WAYS[way][0]
    return "fanout" if channel == "inbox" else channel
