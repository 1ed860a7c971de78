"""Admin pages of operators and of periodic tasks: Django's and Celery's own in our theme."""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from apps.operators.audit import Audited
from apps.operators.theme import (
    AdminPasswordChangeForm,
    ModelAdmin,
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
class UserAdmin(Audited, _UserAdmin, ModelAdmin):
    """Operators. The permission ``Can reveal an address`` lets them reveal addresses."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(Audited, DjangoGroupAdmin, ModelAdmin):
    """Roles of operators."""


_TRANSLATION = "crontab_translation"


class TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):
    """A select widget with the registered tasks."""


class PeriodicTaskForm(BeatPeriodicTaskForm):
    """django-celery-beat's form with this theme's widgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


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


@admin.register(IntervalSchedule, SolarSchedule)
class ScheduleAdmin(Audited, ModelAdmin):
    """Schedules of periodic tasks: intervals, sunrise and sunset."""


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(Audited, BeatCrontabScheduleAdmin, ModelAdmin):
    """Schedules of periodic tasks in cron's notation."""


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(Audited, BeatClockedScheduleAdmin, ModelAdmin):
    """Schedules of tasks that run once, at a given time."""
