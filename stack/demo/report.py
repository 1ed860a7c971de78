"""The demo's report: states of deliveries, latency, speed, and the comparison with the sandbox."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import quantiles

from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState
from stack.demo.accounts import Account, Books, Latency
from stack.demo.narrator import table


def states(found: Mapping[str, Mapping[str, int]]) -> str:
    """Format deliveries by channel and state, without states that none is in."""
    shown = [s for s in DeliveryState if any(s in by_state for by_state in found.values())]
    rows = [
        [channel, *(_number(by_state.get(state, 0)) for state in shown)]
        for channel, by_state in found.items()
    ]
    totals = [sum(by_state.get(state, 0) for by_state in found.values()) for state in shown]
    rows.append(["all", *map(_number, totals)])
    return table(["channel", *shown], rows)


def latency(found: Sequence[Latency]) -> str:
    """Format milliseconds from acceptance to the provider by priority, the highest first."""
    order = list(Priority)
    rows = [
        [
            f"{one.priority}{', beside the blast' if one.beside_blast else ''}",
            _number(one.count),
            f"{one.p50 * 1000:,.0f}",
            f"{one.p99 * 1000:,.0f}",
        ]
        for one in sorted(found, key=lambda o: (order.index(Priority(o.priority)), o.beside_blast))
    ]
    return table(["priority", "deliveries", "p50 ms", "p99 ms"], rows)


def stream_delays(seconds: Sequence[float]) -> str:
    """Format milliseconds from the POST of pop-ups until an open page had them."""
    percentiles = quantiles(seconds, n=100, method="inclusive")
    figures = [f"{percentiles[percent - 1] * 1000:,.0f}" for percent in (50, 99)]
    return table(
        ["to an open page", "items", "p50 ms", "p99 ms"],
        [["pop-ups (high)", str(len(seconds)), *figures]],
    )


def accounts(found: Mapping[str, Account]) -> str:
    """Format what the sandbox received beside what the database says."""
    rows = [
        [
            provider,
            _number(len(account.sent)),
            _number(len(account.unanswered)),
            _number(len(account.received)),
            _number(account.again),
            "no" if any(account.faults()) else "yes",
        ]
        for provider, account in sorted(found.items())
    ]
    return table(["provider", "sent", "unknown", "received", "twice", "agree"], rows)


def print_report(
    books: Books, found: Mapping[str, Account], blast_id: str, delays: Sequence[float]
) -> None:
    """Print the whole report. ``delays``: see ``stream_delays``."""
    count, seconds = books.speed(blast_id)
    print("\nWhat became of every delivery (database)\n")
    print(states(books.states()))
    print("\nFrom accept to provider: from acceptance until the first call begins\n")
    print(latency(books.latency(blast_id)))
    print("\nFrom POST to page: until the stream of an open inbox has it\n")
    print(stream_delays(delays))
    print(
        f"\nThe blast (low): {count:,} deliveries in {seconds:.1f} s, "
        f"{count / seconds:,.0f} deliveries/s from acceptance to the last answer"
    )
    print("\nWhat the database says (sent, unknown) beside what the sandbox received\n")
    print(accounts(found))
    print(
        "\n  unknown: a call went unanswered and is not made again; the message may have arrived."
        "\n  twice: a call went unanswered and was made again."
    )


def disagreements(found: Mapping[str, Account]) -> Iterator[str]:
    """Iterate over sentences on what the database and the sandbox disagree on."""
    for provider, account in sorted(found.items()):
        for fault in account.faults():
            yield f"{provider}: of the deliveries, {fault}"


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"
