"""Whether this process lives, and whether it can do its work."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis import Redis

from apps.delivery.flow import availability
from apps.delivery.monitoring import broker, metrics


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, else 503; broker and Redis are named when they are missing.

    Without the broker or Redis this service still accepts (the row is the outbox), so their
    absence is ``degraded``, not unready. A channel without a provider is said beside that: it may
    be meant, and the others are sent on.
    """
    checks = {name: _state(check) for name, check in _CHECKS.items()}
    if checks["database"] != "ok":
        status = "unavailable"
    else:
        status = "ok" if all(state == "ok" for state in checks.values()) else "degraded"
    channels = dict.fromkeys(settings.CHANNELS, "ok")
    channels |= {gap.channel: str(gap) for gap in availability.gaps()}
    return JsonResponse(
        {"status": status, "checks": checks, "channels": channels},
        status=503 if status == "unavailable" else 200,
    )


def exposition(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics."""
    return HttpResponse(metrics.exposition(), content_type="text/plain; version=0.0.4")


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1).ping()


_CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "broker": broker.ping,
    "redis": _redis,
}


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # whatever is wrong, it is missing
        return f"missing: {type(error).__name__}"
    return "ok"
