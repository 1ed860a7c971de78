"""What other packages of this app may hear of, without ``state`` knowing them."""

from django.dispatch import Signal

#: Deliveries moved: ``moves`` is a list of ``(delivery id, new state)``. Sent in the transaction
#: of the moves, after them, so receivers read the new rows; one that raises undoes the moves.
deliveries_moved = Signal()
