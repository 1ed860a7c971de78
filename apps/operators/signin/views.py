"""The log-in by the OpenID provider, on the way there and back, and the log-out that it orders."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import SESSION_KEY, login, logout
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apps.core.client_address import remote_address
from apps.operators import log_in_limits
from apps.operators.log_in_limits import LOG_INS, Paused
from apps.operators.sessions import SID
from apps.operators.signin import accounts, back_channel, discovery, provider, session_list
from apps.operators.signin.next_page import onward
from apps.operators.signin.provider import Failure, LogInFailed
from apps.publishers import audit

#: The provider's name in the audit trail.
BY = "oidc"
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class _Page(NamedTuple):
    """The text for a failure, and the outcome by which it is counted."""

    status: int
    outcome: str
    title: str
    what_to_do: str


_PAGES = {
    Failure.DENIED: _Page(
        403,
        "refused",
        "The provider refused the log-in",
        "Log in again. If it is refused again, ask those who run the provider whether you may use "
        "Notifier.",
    ),
    Failure.UNREACHABLE: _Page(
        503,
        "failed",
        "The provider does not answer",
        "Try again in a minute. If it lasts, tell those who run Notifier: its log has the reason, "
        "and manage.py doctor asks the provider.",
    ),
    Failure.UNKNOWN_STATE: _Page(
        400,
        "failed",
        "This log-in is over",
        "It was begun in another browser or more than an hour ago, or it was used already. Begin "
        "it again.",
    ),
    Failure.UNTRUSTED: _Page(
        502,
        "failed",
        "The provider's answer is not accepted",
        "Begin the log-in again. If it fails again, tell those who run Notifier: its log has the "
        "reason, such as a wrong signature, issuer, client or time.",
    ),
    Failure.NO_ROLE: _Page(
        403,
        "refused",
        "You have no role here",
        "The provider knows you, and nothing that it says of you gives you a role in Notifier. Ask "
        "those who run it for one.",
    ),
    Failure.INACTIVE: _Page(
        403,
        "refused",
        "Your account is disabled",
        "The provider knows you, and your account in Notifier was disabled. Ask another operator "
        "to enable it.",
    ),
}


@require_GET
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """Send an operator to the provider."""
    _need_provider()
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise Http404  # another site's picture or frame, which would use the address's attempts up
    redirect_uri = f"{settings.PUBLIC_URL.rstrip('/')}{reverse('admin:oidc_callback')}"
    try:
        log_in_limits.charge(None, remote_address(request), log_in_limits.TO_PROVIDER)
        return provider.send(request, redirect_uri, onward(request))
    except Paused as paused:
        return _paused(request, paused.seconds)
    except LogInFailed as failed:  # of nobody, as often as anybody likes: only counted
        return _failed(request, failed)


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Log in whom the provider sent back.

    What no log-in of this session awaits is neither limited nor recorded: any site can send an
    operator's browser here. What is asked the provider about is limited by address.
    """
    _need_provider()
    if not provider.is_under_way(request):
        return _failed(request, LogInFailed(Failure.UNKNOWN_STATE))
    address = remote_address(request)
    try:
        log_in_limits.charge(None, address, log_in_limits.FROM_PROVIDER)
        person, path = provider.receive(request)
        user = accounts.account_of(request, person, settings.OIDC["roles"])
    except Paused as paused:
        return _paused(request, paused.seconds)
    except LogInFailed as failed:
        _end_sessions(request, failed)
        name = failed.user.get_username() if failed.user else ""
        after = {"by": BY, "why": str(failed.failure)}
        audit.record(request, "log_in_failed", accounts.KIND, name, after=after)
        return _failed(request, failed)
    for kind in (log_in_limits.FROM_PROVIDER, log_in_limits.TO_PROVIDER):
        log_in_limits.clear(None, address, kind)
    login(request, user, backend=_BACKEND)
    request.session[SID] = person.session
    LOG_INS.labels("accepted").inc()
    name = user.get_username()
    audit.record(request, "log_in", accounts.KIND, name, after={"by": BY})
    return HttpResponseRedirect(path)


@csrf_exempt  # no browser sends it, and nothing but its signature counts
@require_POST
@never_cache
def log_out(request: HttpRequest) -> HttpResponse:
    """End the sessions that are over at the provider, which says so itself.

    What could be the provider's is verified with its keys, and limited by address.
    """
    _need_provider()
    address = remote_address(request)
    try:
        order = back_channel.read(request.POST.get("logout_token", ""))
        log_in_limits.charge(None, address, log_in_limits.LOG_OUT)
        order.verify()
        log_in_limits.clear(None, address, log_in_limits.LOG_OUT)
        with transaction.atomic():
            order.use()
            actor = audit.Actor(audit.PROVIDER, BY, None, address)
            session_list.end_at_provider(order, actor)
    except Paused as paused:
        headers = {"Retry-After": str(paused.seconds)}
        return _not_done(429, f"this was tried too often: wait {paused.seconds} s", headers)
    except back_channel.Refused as refused:
        return _not_done(400, str(refused))
    except back_channel.Unverified as unverified:
        log_in_limits.clear(None, address, log_in_limits.LOG_OUT)
        return _not_done(503, str(unverified), {"Retry-After": str(math.ceil(discovery.FAILED))})
    return HttpResponse()


def _not_done(status: int, why: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return an answer to the provider, as OAuth 2.0 has errors."""
    error = "temporarily_unavailable" if status == 503 else "invalid_request"
    said = {"error": error, "error_description": why}
    return JsonResponse(said, status=status, headers=headers)


def _end_sessions(request: HttpRequest, failed: LogInFailed) -> None:
    """Log somebody out everywhere, and here, who may not log in any more."""
    if failed.user is None:
        return
    session_list.end(request, failed.user)
    if request.session.get(SESSION_KEY) == str(failed.user.pk):
        logout(request)


def _need_provider() -> None:
    """Raise ``Http404`` where no provider is configured."""
    if not settings.OIDC["issuer"]:
        raise Http404


def _failed(request: HttpRequest, failed: LogInFailed) -> HttpResponse:
    page = _PAGES[failed.failure]
    LOG_INS.labels(page.outcome).inc()
    return _page(request, page.status, page.title, page.what_to_do)


def _paused(request: HttpRequest, seconds: int) -> HttpResponse:
    LOG_INS.labels("paused").inc()
    answer = _page(request, 429, "This was tried too often", f"Wait {seconds} s, then try again.")
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _page(request: HttpRequest, status: int, title: str, what_to_do: str) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "what_to_do": what_to_do}
    return TemplateResponse(request, "operators/not_logged_in.html", context, status=status)
