"""The store in which notifications are counted for frequency caps."""

from django.db import models


class FrequencyCount(models.Model):
    """One row: where all workers count now what people are sent, and since when.

    ``generation`` is in the names of the counters in Redis, and has a new value, at random, when
    what Redis has counted may not be complete. While ``in_redis`` is false they count the
    deliveries in this database. See ``apps.delivery.flow.frequency_counts``.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    generation = models.BigIntegerField()
    in_redis = models.BooleanField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"counted in {'Redis' if self.in_redis else 'PostgreSQL'} since {self.since}"
