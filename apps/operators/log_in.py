"""Operators' log-in: rate-limited, audited, and limited in time."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from apps.core import clock
from apps.core.client_address import remote_address
from apps.operators import log_in_limits
from apps.operators.log_in_limits import LOG_INS, Paused
from apps.operators.sessions import ADDRESS, BEGAN, BROWSER, LONGEST_BROWSER
from apps.operators.signin import accounts, pending_log_in
from apps.operators.theme import AuthenticationForm
from apps.publishers import audit

KIND = "user"


class LogInForm(AuthenticationForm):
    """The log-in form, limited by ``log_in_limits``.

    ``retry_after`` is the number of seconds to wait if the attempt was refused unchecked, else 0.

    Raises ``pending_log_in.Needed``, past Django's own view, where a right password does not do
    alone.
    """

    retry_after = 0

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        if not settings.PASSWORD_LOG_IN:
            LOG_INS.labels("refused").inc()
            raise forms.ValidationError("Passwords are not accepted here.", code="no_passwords")
        if not name.isprintable():  # no name has them, and counts are separated by one
            LOG_INS.labels("refused").inc()
            raise self.get_invalid_login_error()
        address = remote_address(cast(HttpRequest, self.request))  # the site passes one
        try:
            pause = log_in_limits.charge(name, address)
        except Paused as paused:
            LOG_INS.labels("paused").inc()
            self.retry_after = paused.seconds
            raise forms.ValidationError(
                f"This was tried too often. Wait {paused.seconds} s, then try again.",
                code="paused",
            ) from None
        try:
            cleaned = super().clean()
        except forms.ValidationError:
            LOG_INS.labels("refused").inc()
            known = User.objects.filter(username=name).exists()
            after = {"pause_seconds": pause} if pause else None
            audit.record(self.request, "log_in_failed", KIND, name if known else "", after=after)
            raise
        log_in_limits.clear(name, address)
        user = self.get_user()
        if pending_log_in.is_needed(user):
            raise pending_log_in.Needed(user)
        return cleaned

    def confirm_login_allowed(self, user: User) -> None:
        super().confirm_login_allowed(user)
        if accounts.is_the_providers(user):
            raise self.get_invalid_login_error()


def end_if_over(request: HttpRequest, longest: float) -> bool:
    """Log out if the session has lasted for ``longest`` seconds; return whether it has."""
    if clock.now() - request.session.get(BEGAN, 0.0) < longest:
        return False
    logout(request)
    return True


@receiver(user_logged_in)
def logged_in(request: HttpRequest, **_: object) -> None:
    """Store when the session began, from which address and in which browser."""
    request.session[BEGAN] = clock.now()
    request.session[ADDRESS] = remote_address(request)
    browser = request.META.get("HTTP_USER_AGENT", "").replace("\0", "")
    request.session[BROWSER] = browser[:LONGEST_BROWSER]


@receiver(user_logged_out)
def logged_out(request: HttpRequest, user: User | None, **_: object) -> None:
    """Record the log-out in the audit trail."""
    if user is not None:
        audit.record(request, "log_out", KIND, user.get_username())
