"""The classes of the admin's theme, django-unfold, which has no types.

A type checker takes them for the classes of Django's that they extend. ``ModelAdmin`` is that of
any model, and refuses parameters of its list that no column can have.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib import admin
    from django.contrib.admin import AdminSite as UnfoldAdminSite
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
    from django.contrib.admin.views.main import ChangeList
    from django.contrib.admin.widgets import AdminTextInputWidget as UnfoldAdminTextInputWidget
    from django.contrib.auth.forms import (
        AdminPasswordChangeForm,
        UserChangeForm,
        UserCreationForm,
    )
    from django.forms import CheckboxSelectMultiple, Select

    ModelAdmin: TypeAlias = admin.ModelAdmin[Any]

    class UnfoldAdminCheckboxSelectMultipleWidget(CheckboxSelectMultiple): ...

    class UnfoldAdminSelectWidget(Select): ...

else:
    from unfold.admin import ModelAdmin as _ModelAdmin
    from unfold.forms import (
        AdminPasswordChangeForm,
        AuthenticationForm,
        UserChangeForm,
        UserCreationForm,
    )
    from unfold.sites import UnfoldAdminSite
    from unfold.views import ChangeList
    from unfold.widgets import (
        UnfoldAdminCheckboxSelectMultipleWidget,
        UnfoldAdminSelectWidget,
        UnfoldAdminTextInputWidget,
    )

    class ModelAdmin(_ModelAdmin):
        """A ModelAdmin of the theme."""

        def get_changelist_instance(self, request: HttpRequest) -> Any:
            # A filter by a field's choices hands it to PostgreSQL, which has no such text.
            if any("\0" in value for _, values in request.GET.lists() for value in values):
                raise IncorrectLookupParameters("a NUL in a parameter of the list")
            return super().get_changelist_instance(request)


__all__ = [
    "AdminPasswordChangeForm",
    "AuthenticationForm",
    "ChangeList",
    "ModelAdmin",
    "UnfoldAdminCheckboxSelectMultipleWidget",
    "UnfoldAdminSelectWidget",
    "UnfoldAdminSite",
    "UnfoldAdminTextInputWidget",
    "UserChangeForm",
    "UserCreationForm",
]
