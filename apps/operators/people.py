"""The permission to see people in the admin, and lists that hide people without it."""

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest

from apps.operators.theme import ModelAdmin

#: Permission to see people, wherever a page names one.
PERMISSION = "preferences.view_recipient"


def may_see_people(request: HttpRequest) -> bool:
    """Return whether the operator may see people: who they are, and where they are sent to."""
    return request.user.has_perm(PERMISSION)


class HidesPeople(ModelAdmin):
    """A ModelAdmin of which only those who may see people get the columns and filters of people."""

    of_people: Collection[Any] = ()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_display(request))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return self._shown(request, super().get_list_filter(request))

    def _shown(self, request: HttpRequest, found: Collection[Any]) -> list[Any]:
        hidden = () if may_see_people(request) else self.of_people
        return [one for one in found if one not in hidden]
