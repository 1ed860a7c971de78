"""Flower's settings that need code, run by its ``--conf``; plain values are in the Procfile.

Operators open Flower with their session of the admin, if their role may use it. Programs, such as
what reads its ``/metrics``, may have a password (``FLOWER_BASIC_AUTH``).
"""

import asyncio
import hashlib
from base64 import b64encode

import django
from django.conf import settings
from django.db import connections
from django.utils.http import urlencode
from flower.api import BaseApiHandler
from flower.views import BaseHandler, error, monitor
from flower.views import auth as log_in
from tornado.options import options
from tornado.web import HTTPError, authenticated

django.setup()

from apps.operators.signin import session_list  # noqa: E402  # there are models from here on

#: An option of Flower's: a log-in is needed, and what is posted has its token against forgery. The
#: name is asked for nowhere, since who is logged in is found below.
auth = "notifier"

# Flower serves these pages without a login, and /metrics names workers, tasks and their numbers.
for _handler in (monitor.Metrics, monitor.Healthcheck):
    _handler.get = authenticated(_handler.get)

#: Raises 401 where the password is wrong.
_check_password = BaseHandler.get_current_user
#: Asked for by programs, which a page to log in at does not help.
_OF_PROGRAMS = (BaseApiHandler, monitor.Metrics, monitor.Healthcheck)
_OPEN = (log_in.LogoutHandler, error.NotFoundErrorHandler)


#: The one script within Flower's pages, on that of the workers.
_INLINE = [f"\nvar autorefresh = {number};\n" for number in (0, 1)]
_HASHES = " ".join(
    f"'sha256-{b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in _INLINE
)
#: Names of tasks and their arguments are shown there, and buttons stop workers: neither must a
#: script among the one run, nor another page show the other in a frame.
_POLICY = (
    f"default-src 'self'; script-src 'self' {_HASHES}; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_set_flowers_headers = BaseHandler.set_default_headers


def _set_default_headers(self: BaseHandler) -> None:
    _set_flowers_headers(self)
    self.set_header("Content-Security-Policy", _POLICY)


async def _prepare(self: BaseHandler) -> None:
    """Find out who asks. Django does not query the database in an event loop's thread."""
    if isinstance(self, _OPEN):
        return
    if options.basic_auth and self.request.headers.get("Authorization"):
        _check_password(self)
        self.current_user = "a program"
        return
    key = self.get_cookie(settings.SESSION_COOKIE_NAME)
    loop = asyncio.get_running_loop()
    name, may = await loop.run_in_executor(None, _operator, key)
    if name is None and isinstance(self, _OF_PROGRAMS):
        raise HTTPError(401)
    if name is not None and not may:
        raise HTTPError(403, f"{name} has no role that may use Flower.")
    self.current_user = name


def _operator(key: str | None) -> tuple[str | None, bool]:
    """Return whose session of the admin this is, and whether they may use Flower."""
    try:
        user = session_list.operator_of(key)
        if user is None:
            return None, False
        return user.get_username(), session_list.may_use_flower(user)
    finally:
        connections.close_all()


def _log_in_url(self: BaseHandler) -> str:
    """Return the admin's log-in, which leads back here where both are behind one proxy."""
    onward = self.request.uri if options.url_prefix else "/admin/"
    return f"{settings.PUBLIC_URL.rstrip('/')}/admin/login/?{urlencode({'next': onward})}"


BaseHandler.set_default_headers = _set_default_headers
BaseHandler.prepare = BaseApiHandler.prepare = _prepare
BaseHandler.get_login_url = _log_in_url
