"""Response times of the operators' pages on a large database.

``python -m bench.benchmarks.admin --deliveries 10000000`` creates so many deliveries, and the rows
that belong to them, by SQL in an embedded PostgreSQL. Then it requests, logged in and through
Django's whole stack, the start page, every list with every value of every filter, and pages of
single rows. Prints the median of each page in milliseconds, for filters that of their slowest
value. Exits with 1 where a page took longer than ``BAR``.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator

import psycopg2

from bench.harness import rows
from stack import environment, manage, servers
from stack.state_directory import fresh

#: Most milliseconds of a page.
BAR = 300
REPEATS = 3


def main() -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.benchmarks.admin", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=10_000_000)
    wanted = parser.parse_args().deliveries
    with fresh("bench") as state, servers.running(state) as found:
        env = environment.of(state, found)
        manage.migrate(state, env)
        began = time.monotonic()
        connection = psycopg2.connect(found.database_url)
        connection.autocommit = True
        rows.make(connection, wanted)
        connection.close()
        print(f"Made {wanted:,} deliveries in {time.monotonic() - began:,.0f} s", flush=True)
        os.environ.update(env)
        import django

        django.setup()
        return _report(_measured())


def _measured() -> dict[tuple[str, str], tuple[float, str]]:
    """Return (page, filter) -> the median of its slowest value, and that value."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench"))
    slowest: dict[tuple[str, str], tuple[float, str]] = {}
    for page, narrowing, value, url in _urls():
        took = statistics.median(_milliseconds(client, url) for _ in range(REPEATS))
        if took > slowest.get((page, narrowing), (0.0, ""))[0]:
            slowest[page, narrowing] = took, value
    return slowest


def _milliseconds(client: object, url: str) -> float:
    began = time.perf_counter()
    answer = client.get(url)  # type: ignore[attr-defined]
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"{url} answers {answer.status_code}")
    return took


def _urls() -> Iterator[tuple[str, str, str, str]]:
    """Iterate over (page, filter, value, URL) of everything that is measured."""
    from django.contrib import admin
    from django.test import RequestFactory
    from django.urls import reverse

    from apps.delivery.admin.charts.ranges import RANGES
    from apps.operators.list_filters import BoundedFilter

    yield "start page", "", "", reverse("admin:index")
    for one in RANGES:
        query = f"?range={one.name}"
        yield "charts", "range", one.name, reverse("admin:charts") + query
        yield (
            "a provider",
            "range",
            one.name,
            reverse("admin:provider_charts", args=["fcm"]) + query,
        )
    request = RequestFactory().get("/")
    for model, registered in admin.site._registry.items():
        name = str(model._meta.verbose_name_plural)
        route = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        url = reverse(f"{route}_changelist")
        yield name, "", "", url
        middle = model._default_manager.order_by("-pk")[rows.MIDDLE : rows.MIDDLE + 1].first()
        newest = model._default_manager.order_by("-pk").first()
        if newest is not None:
            yield name, "one row", "", reverse(f"{route}_change", args=[newest.pk])
        if middle is not None and hasattr(registered, "moment"):
            yield name, "before", str(middle.pk), f"{url}?before={middle.pk}"
        for narrowing in registered.list_filter:
            if not (isinstance(narrowing, type) and issubclass(narrowing, BoundedFilter)):
                continue
            field = str(narrowing.parameter_name)
            values = [
                str(value)
                for value, _ in narrowing(request, {}, model, registered).lookups(
                    request, registered
                )
                or ()
            ]
            if not values and newest is not None:
                found = model._default_manager.exclude(**{field: None}).order_by("-pk").first()
                values = [str(getattr(found, field))] if found is not None else []
            for value in values:
                yield name, field, value, f"{url}?{field}={value}"
    yield "recipients", "search", "", f"{reverse('admin:preferences_recipient_changelist')}?q=u7"
    deliveries = reverse("admin:delivery_delivery_changelist")
    for term in ("dlv_77", "u7", "nobody@example.com"):
        yield "deliveries", "search", term, f"{deliveries}?q={term}"
    notifications = reverse("admin:delivery_notification_changelist")
    for term in ("order-70", "campaign", "topic-7", "person:u7", "nothing"):
        yield "notifications", "search", term, f"{notifications}?q={term}"
    notification = rows.notification_id(rows.NAMED_FIRST)
    yield "why", "", "", f"{reverse('admin:why')}?user_id=u1&notification={notification}"


def _report(slowest: dict[tuple[str, str], tuple[float, str]]) -> int:
    print(f"\n{'page':<20}{'filter':<22}{'slowest value':<40}{'median ms':>9}")
    print("-" * 91)
    for (page, narrowing), (took, value) in slowest.items():
        print(f"{page:<20}{narrowing:<22}{value[:38]:<40}{took:>9.0f}")
    late = [key for key, (took, _) in slowest.items() if took > BAR]
    worst = max(took for took, _ in slowest.values())
    print(f"\n{len(slowest)} pages, the slowest {worst:.0f} ms; the bar is {BAR} ms")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
