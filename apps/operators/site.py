"""The admin site, with limits on log-ins, password changes and the length of sessions."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import urlencode

from apps.core.client_address import remote_address
from apps.operators import log_in, log_in_limits
from apps.operators.log_in_limits import LOG_INS, Paused
from apps.operators.signin import (
    accounts,
    pending_log_in,
    second_factor_views,
    session_views,
    views,
)
from apps.operators.signin.next_page import onward
from apps.operators.theme import UnfoldAdminSite
from apps.publishers import audit


class OperatorsSite(UnfoldAdminSite):
    """The class of ``django.contrib.admin.site``."""

    login_form = log_in.LogInForm
    login_template = "operators/log_in.html"
    site_header = site_title = "Notifier"
    index_title = "Operations"
    index_template = "delivery/start_page.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("oidc/", views.begin, name="oidc"),
            path("oidc/callback/", views.callback, name="oidc_callback"),
            path("oidc/log-out/", views.log_out, name="oidc_log_out"),
            path("log-in/code/", second_factor_views.ask, name="log_in_code"),
            path("second-factor/", second_factor_views.manage, name="second_factor"),
            path("sessions/", self.admin_view(session_views.manage), name="sessions"),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the operator may see a page, and prolong the session.

        A page that loads itself anew, with ``X-Unattended``, does not: nobody may be there.
        """
        allowed = super().has_permission(request)
        if not allowed or log_in.end_if_over(request, settings.SESSION_LONGEST):
            return False
        if "X-Unattended" not in request.headers:
            request.session.modified = True
        return True

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = _ways_in(request) | (extra_context or {})
        try:
            answer = super().login(request, context)
        except pending_log_in.Needed as needed:
            return pending_log_in.begin(request, needed.user, onward(request))
        form = (getattr(answer, "context_data", None) or {}).get("form")
        if seconds := getattr(form, "retry_after", 0):
            answer.status_code = 429
            answer.headers["Retry-After"] = str(seconds)
        elif request.method == "POST" and answer.status_code == 302:
            LOG_INS.labels("accepted").inc()
            audit.record(request, "log_in", log_in.KIND, request.user.get_username())
        return answer

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Change a password, with the limits of the log-in.

        Somebody at an unattended session must not guess the old password any faster.
        """
        user = cast(User, request.user)  # nobody else gets here
        if accounts.is_the_providers(user):
            messages.error(request, "You log in at the OpenID provider, without a password here.")
            return cast(TemplateResponse, HttpResponseRedirect(reverse("admin:index")))
        if request.method != "POST":
            return super().password_change(request, extra_context)
        name, address = user.get_username(), remote_address(request)
        before = user.password
        try:
            log_in_limits.charge(name, address)
        except Paused as paused:
            messages.error(request, f"This was tried too often. Wait {paused.seconds} s.")
            # Django's own redirects, too, which its stubs leave out.
            return cast(TemplateResponse, HttpResponseRedirect(request.path))
        answer = super().password_change(request, extra_context)
        form = (getattr(answer, "context_data", None) or {}).get("form")
        if form is None or "old_password" not in form.errors:
            log_in_limits.clear(name, address)
        if User.objects.get(pk=user.pk).password != before:
            audit.record(request, "change_password", log_in.KIND, name)
        return answer


def _ways_in(request: HttpRequest) -> dict[str, Any]:
    """Return what the log-in page shows beside, or in place of, the form for a password."""
    context: dict[str, Any] = {"passwords": settings.PASSWORD_LOG_IN}
    if not settings.OIDC["issuer"]:
        return context
    wanted = request.GET.get("next")
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return context | {
        "provider_name": settings.OIDC["name"],
        "provider_url": reverse("admin:oidc") + query,
        "provider_variant": "default" if settings.PASSWORD_LOG_IN else "primary",
    }
