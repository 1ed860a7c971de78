"""Alerts and what is known for them: who is there, whose turn it is, what is silenced."""

from django.db import models

from apps.alerts import rules
from apps.alerts.rules import RULES, Rule


class Alert(models.Model):
    """A condition that holds or held, of one thing.

    - ``about``: a channel, provider, queue, process or server; empty where there is one alone.
    - ``detail``: a sentence with the present value.
    - ``since``: since when its condition holds; null when it does not. ``clear_since``: since when
      it does not, for a moment so far.
    - ``evaluated_at``: when its condition was last read, while it has not lasted for long enough.
    - ``began_at``: when that had lasted for long enough. ``ended_at``: when it had been clear for
      long enough; null while the alert goes on.
    - ``mailed``, ``posted``: what was sent last by mail and by webhook (``notices.Event``), empty
      for nothing; ``mailed_at``, ``posted_at``: when.
    """

    name = models.CharField(max_length=40)
    about = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField(null=True)
    evaluated_at = models.DateTimeField(null=True)
    began_at = models.DateTimeField(null=True)
    clear_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    mailed = models.CharField(max_length=8, blank=True, db_default="")
    mailed_at = models.DateTimeField(null=True)
    posted = models.CharField(max_length=8, blank=True, db_default="")
    posted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "about"], name="alert_of_one_thing")]

    def __str__(self) -> str:
        return f"{self.name} {self.about}".rstrip()

    @property
    def rule(self) -> Rule:
        return rules.of(self.name)

    @property
    def summary(self) -> str:
        return self.rule.summary.format(self.about)

    @property
    def fires(self) -> bool:
        return self.began_at is not None and self.ended_at is None


def names() -> list[tuple[str, str]]:
    """Return every alert's name, as choices."""
    return [(name, name) for name in sorted(RULES)]


class Silence(models.Model):
    """An alert that nobody is notified of until a time; it goes on being evaluated and shown."""

    name = models.CharField(
        "alert",
        max_length=40,
        unique=True,
        choices=names,
        help_text="what each means is in docs/operations/alerts.md",
    )
    until = models.DateTimeField(help_text="in UTC")
    reason = models.CharField(max_length=150)

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """A process that runs. ``seen_at``: its last report; ``worked_at``: it polled for work then."""

    process = models.CharField(max_length=40)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    seen_at = models.DateTimeField()
    worked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["process", "host", "pid"], name="one_of_a_process")
        ]

    def __str__(self) -> str:
        return f"{self.process} at {self.host}"


class Turn(models.Model):
    """The lease to evaluate alerts: one row, held by one process until ``leased_until``."""

    id = models.SmallIntegerField(primary_key=True)
    holder = models.CharField(max_length=300)
    leased_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.holder
