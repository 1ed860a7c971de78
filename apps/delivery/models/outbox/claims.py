"""Claims: what worker processes are sending now."""

from django.db import models


class Claim(models.Model):
    """Deliveries that one worker process is sending; deleted once their outcomes are recorded.

    The id is made of the time and random bits and is never reused, so it serves as the fence: an
    outcome is recorded only for a delivery that still has it as its ``claim_id``. The sweeper
    releases claims whose lease has expired: it makes their deliveries due and deletes the rows.
    """

    id = models.BigIntegerField(primary_key=True)
    channel = models.CharField(max_length=20)
    priority = models.CharField(max_length=10)
    worker = models.CharField(max_length=200)
    claimed_at = models.DateTimeField()
    lease_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"claim {self.pk} of {self.worker}"
