"""Signals, by which other packages follow deliveries without being imported by ``state``."""

from django.dispatch import Signal

#: Deliveries moved: ``moves`` is a list of ``(delivery id, new state)``. Sent in the transaction of
#: the moves, after them, so that receivers read the new rows; a receiver that raises undoes them.
deliveries_moved = Signal()
