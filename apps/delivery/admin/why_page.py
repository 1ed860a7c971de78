"""The page that explains why a recipient got a notification or did not."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.delivery.models import Notification
from apps.delivery.operations import retention_periods
from apps.delivery.operations.evidence import Sentence
from apps.delivery.operations.explain import explain
from apps.operators import markup
from apps.preferences.models import Recipient


@require_safe
def why(request: HttpRequest) -> HttpResponse:
    """Show the form for ``user_id`` and ``notification`` (an id), and the explanation for both."""
    if not request.user.has_perms(["delivery.view_delivery", "preferences.view_recipient"]):
        raise PermissionDenied
    user_id = request.GET.get("user_id", "").strip()
    key = request.GET.get("notification", "").strip()
    context: dict[str, object] = {"user_id": user_id, "notification_id": key}
    if user_id and key:
        context |= _answer(user_id, key)
    return render(
        request,
        "delivery/why.html",
        admin.site.each_context(request) | {"title": "Why did they (not) get it?"} | context,
    )


def _answer(user_id: str, key: str) -> dict[str, object]:
    person = Recipient.objects.filter(user_id=user_id.replace("\0", "")).first()
    if person is None:
        return {"problem": f"There is no recipient {user_id}."}
    try:
        notification = (
            Notification.objects.select_related("publisher", "topic").filter(pk=UUID(key)).first()
        )
    except ValueError:
        return {"problem": "A notification's id is a UUID, as the API and the lists show it."}
    if notification is None:
        gone = retention_periods.too_old(UUID(key))
        return {"problem": f"There is no notification {key}. {gone}".rstrip()}
    explanation = explain(person, notification)
    return {
        "explanation": explanation,
        "sentences": _toned(explanation.sentences),
        "channels": {name: _toned(rows) for name, rows in explanation.channels.items()},
        "person": person,
        "notification": notification,
    }


def _toned(sentences: Iterable[Sentence]) -> list[tuple[str, str]]:
    """Pair each sentence with the tone of its state, which colours it."""
    return [(markup.tone(one.state) if one.state else "", one.text) for one in sentences]
