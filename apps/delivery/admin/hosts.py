"""Hosts of webhooks whose breaker is open, and the action that closes it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.delivery.admin.providers import PERMISSION
from apps.delivery.flow import host_breakers
from apps.operators import markup
from apps.publishers import audit
from apps.publishers.models import Publisher

#: Number of hosts on the start page.
SHOWN = 20


def host_rows(request: HttpRequest) -> dict[str, object]:
    """Build the rows of the newest hosts, the number of others, and whether one may be closed."""
    found = host_breakers.left_alone()
    shown = found[:SHOWN]
    names = Publisher.objects.in_bulk([row.publisher for row in shown if row.publisher])
    rows = [
        {
            "publisher": names.get(row.publisher, "") if row.publisher else "",
            "publisher_id": row.publisher or "",
            "host": row.host,
            "state": markup.lines(
                [
                    markup.badge(row.state),
                    row.why,
                    markup.words("since", markup.moment(row.since)),
                    markup.words("tried again", markup.moment(row.tried_at)),
                ]
            ),
        }
        for row in shown
    ]
    return {
        "rows": rows,
        "more": len(found) - len(shown),
        "may_close": request.user.has_perm(PERMISSION),
    }


@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Close the breaker of a host for one publisher, so that it is called again now."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    host, publisher = request.POST.get("host", ""), request.POST.get("publisher", "")
    if not host or not (publisher == "" or (publisher.isascii() and publisher.isdecimal())):
        raise Http404
    owner = int(publisher) if publisher else None
    host_breakers.close(owner, host)
    audit.record(request, "close", "host", host[:200], publisher_id=owner)
    messages.success(
        request, f"{host} is called again; its breaker opens anew if it still does not answer."
    )
    return HttpResponseRedirect(reverse("admin:index"))
