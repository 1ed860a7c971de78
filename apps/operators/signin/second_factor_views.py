"""Pages of the second factor: giving a code at the log-in, setting it up, doing without it."""

from typing import Any, cast

import segno
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from apps.core.client_address import remote_address
from apps.operators import log_in_limits
from apps.operators.log_in_limits import LOG_INS, Paused
from apps.operators.signin import accounts, second_factor, session_list
from apps.operators.signin import pending_log_in as half_log_in
from apps.operators.signin.pending_log_in import Half
from apps.publishers import audit
from notifier.security import totp

KIND = "user"
_ADMIN, _LOGGED_OUT = "admin/base.html", "unfold/layouts/unauthenticated.html"
#: Key within a session: the id of the secret that was begun in it.
_BEGUN = "second_factor_begun"
#: Characters of a code or password that are looked at.
_LONGEST = 4096


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a code after the password, and log in."""
    half = half_log_in.of(request)
    if half is None or not second_factor.is_set(half.user):
        return HttpResponseRedirect(reverse("admin:login"))
    if request.method != "POST":
        return _ask(request)
    by: str | None = None
    try:
        with _Attempt(request, half.user) as attempt:
            by = attempt.code(request.POST.get("code", ""))
    except Paused as paused:
        LOG_INS.labels("paused").inc()
        return _ask(request, _wait(paused), 429, paused)
    if by is None:
        LOG_INS.labels("refused").inc()
        audit.record(request, "log_in_failed", KIND, half.user.get_username(), after={"by": "code"})
        return _ask(request, "That is not the present code, nor an unused recovery code.")
    half_log_in.finish(request, half, by)
    if by == "recovery_code":
        left = second_factor.recovery_codes_left(half.user)
        messages.warning(request, f"A recovery code was used up. {left} are left.")
    return HttpResponseRedirect(half.path)


@sensitive_post_parameters("code", "proof")
@csrf_protect
@never_cache
def manage(request: HttpRequest) -> HttpResponse:
    """Show one's second factor, and set it up or remove it.

    Also for an operator who has half logged in and has to set one up.
    """
    half = None if admin.site.has_permission(request) else half_log_in.of(request)
    if half is not None and second_factor.is_set(half.user):
        return HttpResponseRedirect(reverse("admin:log_in_code"))
    if half is None and not admin.site.has_permission(request):
        return HttpResponseRedirect(f"{reverse('admin:login')}?next={request.path}")
    user = half.user if half else cast(User, request.user)
    if not _has_password(user):
        return _page(request, user, half)
    does = {"begin": _begin, "confirm": _confirm}
    if half is None:
        does |= {"remove": _remove, "renew": _renew}
    action = does.get(request.POST.get("action", "")) if request.method == "POST" else None
    return action(request, user, half) if action else _page(request, user, half)


def _begin(request: HttpRequest, user: User, half: Half | None) -> HttpResponse:
    if second_factor.is_set(user):
        return HttpResponseRedirect(request.path)
    # Somebody who sits down at an open session must not lock its operator out.
    if half is None and (refusal := _unproven(request, user)) is not None:
        return refusal
    request.session[_BEGUN] = second_factor.begin(user)
    return HttpResponseRedirect(request.path)


def _confirm(request: HttpRequest, user: User, half: Half | None) -> HttpResponse:
    begun = request.session.get(_BEGUN)
    codes = second_factor.confirm(user, begun, request.POST.get("code", "")[:_LONGEST])
    if codes is None:
        return _page(request, user, half, error="That is not the present code of this secret.")
    del request.session[_BEGUN]
    if half is not None:
        half_log_in.finish(request, half, "code")
    audit.record(request, "enable_second_factor", KIND, user.get_username())
    session_list.end(request, user)
    return _codes(request, codes, half.path if half else request.path)


def _remove(request: HttpRequest, user: User, half: Half | None) -> HttpResponse:
    if not second_factor.is_set(user):
        return HttpResponseRedirect(request.path)
    if (refusal := _unproven(request, user)) is not None:
        return refusal
    if second_factor.remove(user):
        audit.record(request, "disable_second_factor", KIND, user.get_username())
        session_list.end(request, user)
    messages.success(request, "Your second factor is removed.")
    return HttpResponseRedirect(request.path)


def _renew(request: HttpRequest, user: User, half: Half | None) -> HttpResponse:
    if not second_factor.is_set(user):
        return HttpResponseRedirect(request.path)
    if (refusal := _unproven(request, user)) is not None:
        return refusal
    codes = second_factor.renew_recovery_codes(user)
    audit.record(request, "renew_recovery_codes", KIND, user.get_username())
    return _codes(request, codes, request.path)


def _unproven(request: HttpRequest, user: User) -> HttpResponse | None:
    """Return a page that says so unless the operator gave a code or their password."""
    proof = request.POST.get("proof", "")[:_LONGEST]
    try:
        with _Attempt(request, user) as attempt:
            if attempt.code(proof) or attempt.password(proof):
                return None
    except Paused as paused:
        return _page(request, user, None, error=_wait(paused), status=429)
    said = "neither a code nor your" if second_factor.is_set(user) else "not your"
    return _page(request, user, None, error=f"That is {said} password.")


class _Attempt:
    """One attempt to prove who one is, limited as passwords are, by a count of its own.

    A right password, which a guesser of codes has, does not forget failed codes. Raises ``Paused``.
    """

    def __init__(self, request: HttpRequest, user: User) -> None:
        self._user = user
        self._address = remote_address(request)
        self._name = user.get_username()
        self._right = False

    def __enter__(self) -> "_Attempt":
        log_in_limits.charge(self._name, self._address, log_in_limits.SECOND_FACTOR)
        return self

    def __exit__(self, *_: object) -> None:
        if self._right:
            log_in_limits.clear(self._name, self._address, log_in_limits.SECOND_FACTOR)

    def code(self, text: str) -> str | None:
        found = second_factor.accept(self._user, text[:_LONGEST])
        self._right = self._right or found is not None
        return found

    def password(self, text: str) -> bool:
        right = self._user.check_password(text)
        self._right = self._right or right
        return right


def _has_password(user: User) -> bool:
    return user.has_usable_password() and not accounts.is_the_providers(user)


def _wait(paused: Paused) -> str:
    return f"This was tried too often. Wait {paused.seconds} s, then try again."


def _ask(
    request: HttpRequest, error: str = "", status: int = 200, paused: Paused | None = None
) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Enter a code", "error": error}
    answer = TemplateResponse(request, "operators/log_in_code.html", context, status=status)
    if paused is not None:
        answer.headers["Retry-After"] = str(paused.seconds)
    return answer


def _page(
    request: HttpRequest, user: User, half: Half | None, *, error: str = "", status: int = 200
) -> HttpResponse:
    secret = second_factor.waiting(user, request.session.get(_BEGUN))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Second factor",
        "layout": _LOGGED_OUT if half else _ADMIN,
        "is_half": half is not None,
        "error": error,
        "has_password": _has_password(user),
        "is_set": second_factor.is_set(user),
        "left": second_factor.recovery_codes_left(user),
    }
    if secret is not None:
        context |= {"secret": totp.text_of(secret), "image": _image(secret, user)}
    return TemplateResponse(request, "operators/second_factor.html", context, status=status)


def _codes(request: HttpRequest, codes: list[str], onward: str) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Recovery codes",
        "codes": codes,
        "onward": onward,
    }
    return TemplateResponse(request, "operators/recovery_codes.html", context)


def _image(secret: bytes, user: User) -> SafeString:
    """Return the QR code for the app, black on white in the dark, too: cameras need it."""
    code = segno.make(totp.uri(secret, user.get_username(), "Notifier"), error="m", micro=False)
    return mark_safe(code.svg_inline(scale=5, dark="#000", light="#fff"))
