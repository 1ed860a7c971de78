"""The page of one's own sessions."""

from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.operators.signin import session_list


def manage(request: HttpRequest) -> HttpResponse:
    """Show one's own sessions, and end one or all others."""
    user = cast(User, request.user)  # ``admin_view`` lets nobody else through
    if request.method == "POST":
        name = request.POST.get("session")
        ended = session_list.end(request, user, None if name is None else [name])
        messages.success(request, f"Ended: {ended}.")
        return HttpResponseRedirect(request.path)
    context = {
        **admin.site.each_context(request),
        "title": "Sessions",
        "sessions": session_list.of(user, request),
    }
    return TemplateResponse(request, "operators/sessions.html", context)
