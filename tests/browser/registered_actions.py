"""The actions that the admin site's registry offers."""

from types import SimpleNamespace
from typing import Any

from django.contrib import admin as django_admin

from config import urls  # noqa: F401  # registers every app's admin

#: URLs that every ModelAdmin has, and those that only show something.
STANDARD = ("_changelist", "_add", "_change", "_delete", "_history", "_do")
SHOWS = {"why", "lost_addresses", "held", "charts", "provider_charts"}
#: URL names of the site itself, which have tests of their own or need none.
OF_THE_SITE = {"search", "index", "autocomplete", "jsi18n", "view_on_site", "app_list"}
OF_THE_SITE |= {"login", "logout", "password_change", "password_change_done"}
OF_THE_SITE |= {"oidc", "oidc_callback", "oidc_log_out", "log_in_code", "second_factor"}
OF_THE_SITE |= {"sessions"}


class Anybody:
    """A user who may do everything, for what a ModelAdmin says of its actions."""

    is_active = is_staff = is_superuser = True

    def has_perm(self, *_: object) -> bool:
        return True

    has_perms = has_module_perms = has_perm


def registered() -> set[str]:
    """Every action: ``app.model verb``."""
    request: Any = SimpleNamespace(user=Anybody(), GET={}, method="GET")
    found = set()
    for model, one in django_admin.site._registry.items():
        verbs = {
            "add": one.has_add_permission(request),
            "change": one.has_change_permission(request),
            "delete": one.has_delete_permission(request),
        }
        verbs |= {name: True for name in dir(one) if name.startswith("do_")}
        verbs |= {f"action {name}": True for name in one.get_actions(request)}
        names = {pattern.name for pattern in one.get_urls() if pattern.name}
        verbs |= {
            f"url {name}": True
            for name in names
            if name not in SHOWS
            and (not name.endswith(STANDARD) or name.endswith("password_change"))
        }
        found |= {f"{model._meta.label_lower} {verb}" for verb, may in verbs.items() if may}
    site = {pattern.name for pattern in django_admin.site.get_urls() if getattr(pattern, "name", 0)}
    return found | {f"site {name}" for name in site - OF_THE_SITE}
