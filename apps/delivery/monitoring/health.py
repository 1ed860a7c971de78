"""Health checks: whether the process is alive, and whether it is ready."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis import Redis

from apps.delivery.flow import availability
from apps.delivery.monitoring import broker, metrics


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process is alive."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database answers, else 503.

    Without the broker or Redis the service still accepts, since rows are the outbox: their absence
    is ``degraded`` with status 200. Channels without a provider are listed and do not affect the
    status: that may be intended, and the other channels work.
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
    """Answer with the metrics, for Prometheus."""
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
    except Exception as error:  # any error means that it does not work
        return f"missing: {type(error).__name__}"
    return "ok"
