"""Admin pages of alerts and of what silences them."""

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.alerts.models import Alert, Silence
from apps.operators import markup
from apps.operators.audit import Audited
from apps.operators.large_lists import ReadOnly
from apps.operators.theme import ModelAdmin


@admin.register(Alert)
class AlertAdmin(ReadOnly):
    """Alerts of the last 30 days, and conditions that have not lasted long enough."""

    list_display = ("summary", "status", "severity", "detail", "began", "ended")
    fields = ("name", "about", "detail", "began_at", "ended_at", "mailed_at", "posted_at")
    moment = "began_at"

    @admin.display(description="alert")
    def summary(self, row: Alert) -> str:
        return row.summary

    @admin.display(description="state")
    def status(self, row: Alert) -> SafeString | str:
        if row.fires:
            return markup.badge("failed")
        return markup.badge("done" if row.since is None else "pending")

    @admin.display(description="severity")
    def severity(self, row: Alert) -> str:
        return row.rule.severity.value

    @admin.display(description="began")
    def began(self, row: Alert) -> SafeString | str:
        return markup.moment(row.began_at)

    @admin.display(description="ended")
    def ended(self, row: Alert) -> SafeString | str:
        return markup.moment(row.ended_at)


@admin.register(Silence)
class SilenceAdmin(Audited, ModelAdmin):
    """Alerts that nobody is notified of until a time. They go on being shown."""

    list_display = ("name", "until", "reason")
    fields = ("name", "until", "reason")
    ordering = ("name",)
