"""Half a log-in: the password was right, and the second factor is still to come.

It is a note in a session that belongs to nobody: no page but those of the second factor reads it.
"""

from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from apps.core import clock
from apps.operators.log_in_limits import LOG_INS
from apps.operators.signin import second_factor
from apps.publishers import audit

_KEY = "half"
#: Seconds for the second half.
LASTS = 600.0
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class Needed(Exception):
    """The password was right, and does not do alone."""

    def __init__(self, user: User) -> None:
        super().__init__(user.get_username())
        self.user = user


class Half(NamedTuple):
    """Half a log-in. ``path``: where to go once it is whole."""

    user: User
    path: str


def is_needed(user: User) -> bool:
    """Return whether an operator's password does not do alone."""
    return settings.SECOND_FACTOR_REQUIRED or second_factor.is_set(user)


def begin(request: HttpRequest, user: User, path: str) -> HttpResponse:
    """Note that the password was right, and ask for the second factor, or to set one up.

    The session is another one then: somebody else may know the key of the one that was.
    """
    request.session.flush()
    request.user = AnonymousUser()
    request.session[_KEY] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "until": clock.now() + LASTS,
        "path": path,
    }
    audit.record(request, "log_in_half", "user", user.get_username())
    name = "log_in_code" if second_factor.is_set(user) else "second_factor"
    return HttpResponseRedirect(reverse(f"admin:{name}"))


def of(request: HttpRequest) -> Half | None:
    """Return the half log-in that is under way in this session, if it still holds."""
    noted = request.session.get(_KEY)
    if noted is None or clock.now() > noted["until"]:
        return None
    user = User.objects.filter(pk=noted["user"], is_active=True, is_staff=True).first()
    if user is None or not constant_time_compare(noted["password"], user.get_session_auth_hash()):
        return None
    return Half(user, noted["path"])


def finish(request: HttpRequest, half: Half, by: str) -> None:
    """Log in. ``by``: what the second factor was, for the audit trail."""
    del request.session[_KEY]
    login(request, half.user, backend=_BACKEND)
    LOG_INS.labels("accepted").inc()
    audit.record(request, "log_in", "user", half.user.get_username(), after={"by": by})
