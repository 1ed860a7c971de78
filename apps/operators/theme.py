"""The classes of the admin's theme, django-unfold, which has no types.

A type checker takes them for the classes of Django's that they extend. ``ModelAdmin`` is that of
any model.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

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
    from unfold.admin import ModelAdmin
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
