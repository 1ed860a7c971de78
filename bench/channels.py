"""The other channels beside push: deliveries a second, in the same run.

Emails go out with as many personalizations a request as a chunk has messages that say the same,
so their template does not mention the recipient; the others' does.
"""

from functools import partial
from statistics import median

from bench.line import CHANNELS, PERSONAL, SHARED, Blast, Line
from bench.report import Bar, Report, Table, columns

PROCESSES = ("web", "fanout", "push", "sms", "email", "webhook", "housekeeping", "beat")
#: Times the rate of push.
LEAST = {"email": 2.0, "inbox": 2.0, "sms": 0.8, "webhook": 0.8}
WARM_UP = 2_000


def measure(on: Line, *, quick: bool) -> Report:
    """One publish on each channel in turn, three times (once where it is to be quick)."""
    subscribers, runs = (10_000, 1) if quick else (100_000, 3)
    for channel in CHANNELS:
        for topic, many in ((f"warm-up-{channel}", WARM_UP), (f"channel-{channel}", subscribers)):
            on.audience(topic, many, channel)
        _blast(on, f"warm-up-{channel}", channel, WARM_UP)
    blasts: dict[str, list[Blast]] = {channel: [] for channel in CHANNELS}
    for number in range(1, runs + 1):
        for channel in CHANNELS:
            blasts[channel].append(_blast(on, f"channel-{channel}", channel, subscribers))
        said = ", ".join(f"{channel} {blasts[channel][-1].rate:,.0f}/s" for channel in CHANNELS)
        print(f"  run {number}: {said}", flush=True)
    return _report(blasts)


def _blast(on: Line, topic: str, channel: str, subscribers: int) -> Blast:
    template = SHARED if channel == "email" else PERSONAL
    return on.blast(topic, subscribers, channel, template=template)


def _report(blasts: dict[str, list[Blast]]) -> Report:
    rates = {channel: median(blast.rate for blast in found) for channel, found in blasts.items()}
    times = {
        channel: median(
            blast.rate / push.rate for blast, push in zip(found, blasts["push"], strict=True)
        )
        for channel, found in blasts.items()
    }
    table = Table(
        ("channel", "deliveries/s", "times push", "in each run", "µs CPU each", "worker", "sink"),
        [
            (
                channel,
                f"{rates[channel]:,.0f}",
                f"{times[channel]:.2f}",
                " ".join(f"{blast.rate:,.0f}" for blast in found),
                f"{median(blast.cpu() - blast.cpu('sink') for blast in found):.0f}",
                f"{median(blast.cpu(_worker(channel)) for blast in found):.0f}",
                f"{median(blast.cpu('sink') for blast in found):.1f}",
            )
            for channel, found in blasts.items()
        ],
    )
    bars = [
        Bar(f"{channel}, times push", times[channel], least=least)
        for channel, least in LEAST.items()
    ]
    bars += [
        Bar(
            f"{channel}: sink's count less those on record",
            float(max(abs(blast.came - blast.sent) for blast in found)),
            most=0,
        )
        for channel, found in blasts.items()
        if channel != "inbox"  # ours alone: there is nobody else to count
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
                channel: {name: found[-1].cpu(name) for name in found[-1].costs}
                for channel, found in blasts.items()
            },
        },
        [partial(columns, values=rates, what="deliveries a second")],
    )


def _worker(channel: str) -> str:
    return "fanout" if channel == "inbox" else channel
