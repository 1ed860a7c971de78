"""Alerts on the admin's start page, above everything about deliveries."""

from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.alerts.models import Alert, Silence
from apps.core import clock
from apps.delivery.admin import start_page
from apps.operators import markup


def context(request: HttpRequest, context: dict[str, object]) -> dict[str, object]:
    """Build the context of ``delivery/start_page.html``."""
    found = start_page.context(request, context)
    if request.user.has_perm("alerts.view_alert"):
        found["alerts"] = _alerts()
    return found


def _alerts() -> SafeString | str:
    """Render the alerts that go on; empty without any."""
    firing = [row for row in Alert.objects.order_by("-began_at") if row.fires]
    if not firing:
        return ""
    until = dict(Silence.objects.filter(until__gt=clock.moment()).values_list("name", "until"))
    return markup.table(
        ("alert", "", "since", "silenced until"),
        (
            (
                markup.link(markup.page("alerts_alert_change", row.pk), row.summary),
                row.detail,
                markup.moment(row.began_at),
                markup.at(until[row.name]) if row.name in until else "",
            )
            for row in firing
        ),
    )
