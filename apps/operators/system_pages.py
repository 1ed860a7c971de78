"""Admin pages of operators and of periodic tasks: Django's and Celery's own in our theme."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from celery.schedules import ParseException
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from apps.operators import roles
from apps.operators.audit import Audited
from apps.operators.markup import moment, table
from apps.operators.panels import Button, Panel, Panelled
from apps.operators.signin import accounts, second_factor, session_list
from apps.operators.theme import (
    AdminPasswordChangeForm,
    ModelAdmin,
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UserChangeForm,
    UserCreationForm,
)

if TYPE_CHECKING:  # django-celery-beat has no types
    from django import forms

    class BeatClockedScheduleAdmin(admin.ModelAdmin[ClockedSchedule]): ...

    class BeatCrontabScheduleAdmin(admin.ModelAdmin[CrontabSchedule]): ...

    class BeatPeriodicTaskAdmin(admin.ModelAdmin[PeriodicTask]): ...

    class BeatPeriodicTaskForm(forms.ModelForm[PeriodicTask]): ...

    class TaskSelectWidget(forms.Select): ...

    _UserAdmin: TypeAlias = DjangoUserAdmin[User]
else:
    from django_celery_beat.admin import ClockedScheduleAdmin as BeatClockedScheduleAdmin
    from django_celery_beat.admin import CrontabScheduleAdmin as BeatCrontabScheduleAdmin
    from django_celery_beat.admin import PeriodicTaskAdmin as BeatPeriodicTaskAdmin
    from django_celery_beat.admin import PeriodicTaskForm as BeatPeriodicTaskForm
    from django_celery_beat.admin import TaskSelectWidget

    _UserAdmin = DjangoUserAdmin

admin.site.unregister(
    [
        User,
        Group,
        PeriodicTask,
        IntervalSchedule,
        CrontabSchedule,
        SolarSchedule,
        ClockedSchedule,
    ]
)


@admin.register(User)
class UserAdmin(Audited, _UserAdmin, Panelled):
    """Operators, who may do what their roles say; a superuser may do everything."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_superuser", "is_active", "last_login")
    filter_horizontal = ("user_permissions",)
    # Without "staff status" nobody logs in, and without a role nobody sees anything.
    add_fieldsets = (
        *_UserAdmin.add_fieldsets,
        (None, {"fields": ("is_staff", "groups")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None or not accounts.is_the_providers(obj):
            return found
        return [
            (title, {**options, "fields": [one for one in options["fields"] if one != "password"]})
            for title, options in found
        ]

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Set a password, but for those who log in at the OpenID provider."""
        user = self.get_object(request, id)
        if user is not None and accounts.is_the_providers(user):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def panels(self, request: HttpRequest, row: User) -> Sequence[Panel]:
        sessions = (
            (moment(one.row.began_at), moment(one.row.seen_at), one.row.address, one.row.browser)
            for one in session_list.of(row)
        )
        headers = ("began", "last seen", "address", "browser")
        return [Panel("Sessions", table(headers, sessions), wide=True)]

    def buttons(self, request: HttpRequest, row: User) -> Sequence[Button]:
        found = []
        if self.has_change_permission(request, row) and session_list.of(row):
            warning = "Log this operator out everywhere?"
            found.append(Button("end_sessions", "End all sessions", "bad", warning))
        if request.user.is_superuser and row != request.user and second_factor.is_set(row):
            warning = "From then on the password alone logs in."
            found.append(Button("reset_second_factor", "Reset the second factor", "bad", warning))
        return found

    def do_end_sessions(self, request: HttpRequest, row: User) -> None:
        self.message_user(request, f"Ended: {session_list.end(request, row)}.")

    def do_reset_second_factor(self, request: HttpRequest, row: User) -> None:
        second_factor.remove(row)
        self.audit(request, "reset_second_factor", row)
        session_list.end(request, row)
        self.message_user(request, f"{row} logs in with the password alone now.")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **options: Any
    ) -> Any:
        if db_field.name == "groups":
            options |= {"widget": UnfoldAdminCheckboxSelectMultipleWidget()}
            options |= {"label": "Roles", "help_text": "What each may do is on its page."}
        return super().formfield_for_manytomany(db_field, request, **options)

    @admin.display(description="roles")
    def roles(self, row: User) -> str:
        return ", ".join(sorted(group.name for group in row.groups.all()))


@admin.register(Group)
class GroupAdmin(Audited, DjangoGroupAdmin, Panelled):
    """Roles of operators. Nobody changes the ready-made ones, which ``migrate`` writes."""

    def panels(self, request: HttpRequest, row: Group) -> Sequence[Panel]:
        if not roles.is_ready_made(row):
            return ()
        rights = [(right.what,) for right in roles.RIGHTS if row.name in right.roles]
        listed = format_html(
            '<ul class="n-story">{}</ul>', format_html_join("", "<li>{}</li>", rights)
        )
        return [Panel(f"Somebody who {roles.ROLES[row.name]}, may", listed, wide=True)]

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return ("name",) if roles.is_ready_made(obj) else super().get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return not roles.is_ready_made(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return not roles.is_ready_made(obj) and super().has_delete_permission(request, obj)


_TRANSLATION = "crontab_translation"


class TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):
    """A select widget with the registered tasks."""


class PeriodicTaskForm(BeatPeriodicTaskForm):
    """django-celery-beat's form with this theme's widgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()

    def clean(self) -> Any:
        # Its base looks for the name of a task that has been refused, too.
        self.cleaned_data.setdefault("task", "")
        return super().clean()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(Audited, BeatPeriodicTaskAdmin, ModelAdmin):
    """Periodic tasks of Celery's beat. The sweep and the purge come from the settings."""

    form = PeriodicTaskForm
    # Without the translation of crontabs, which needs an inline script.
    change_form_template = None
    readonly_fields = ("last_run_at",)
    fieldsets = [
        (
            title,
            options | {"fields": [one for one in options["fields"] if one != _TRANSLATION]},
        )
        for title, options in cast("list[tuple[Any, Any]]", BeatPeriodicTaskAdmin.fieldsets)
    ]

    def get_actions(self, request: HttpRequest) -> Any:
        # django-celery-beat offers them to everybody who may see the list.
        return super().get_actions(request) if self.has_change_permission(request) else {}


@admin.register(IntervalSchedule, SolarSchedule)
class ScheduleAdmin(Audited, ModelAdmin):
    """Schedules of periodic tasks: intervals, sunrise and sunset."""


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(Audited, BeatCrontabScheduleAdmin, ModelAdmin):
    """Schedules of periodic tasks in cron's notation."""

    @admin.display(description="in words")
    def human_readable(self, row: CrontabSchedule) -> str:
        try:
            return str(row.human_readable)
        except (ParseException, ValueError):  # as it was typed, in a form that is shown again
            return ""


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(Audited, BeatClockedScheduleAdmin, ModelAdmin):
    """Schedules of tasks that run once, at a given time."""
