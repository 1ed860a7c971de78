"""Places of chunks and deliveries that wait for each other under an ordering key.

``line`` is the hash of a publisher, an ordering key and a channel
(``apps.delivery.ordering.ordering_keys``); ``position`` is the order of acceptance within it.
"""

from django.db import models

from apps.core import delivery_ids


class ChunkTurn(models.Model):
    """The place of a chunk under its ordering key; deleted when its deliveries are made.

    A chunk still to be cut has a place for each channel. All chunks of a notification have the
    same position.
    """

    pk = models.CompositePrimaryKey("chunk_id", "line")
    chunk_id = models.BigIntegerField()
    line = models.BigIntegerField()
    position = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["line", "position"], name="chunk_turn_in_line")]

    def __str__(self) -> str:
        return f"chunk {self.chunk_id} in line {self.line}"


class Turn(models.Model):
    """The place of a delivery under its ordering key; deleted once it is sent or given up.

    ``who`` is the recipient's id, or the negated contact id of a bare endpoint: only deliveries to
    the same one wait for each other.
    """

    delivery_id = models.BigIntegerField(primary_key=True)
    line = models.BigIntegerField()
    who = models.BigIntegerField()
    position = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["line", "who", "position"], name="turn_in_line")]

    def __str__(self) -> str:
        return f"{delivery_ids.public_id(self.delivery_id)} in line {self.line}"
