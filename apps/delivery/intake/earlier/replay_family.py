"""The family of a notification: the first one, and all that send it again."""

from uuid import UUID

from apps.api.problems import Problem
from apps.delivery import selectors
from apps.delivery.models import Notification
from apps.delivery.selectors import NotificationState


def of(row: Notification) -> list[UUID]:
    """Return the ids of a notification's family, the first one's first.

    Raises ``Problem`` where it, or one of the replays, is not done or cancelled: who does not get
    it is not known before.
    """
    first = row.replay_of or row.pk
    replays = list(Notification.objects.filter(replay_of=first).defer("content").order_by("pk"))
    for one in [row, *(other for other in replays if other.pk != row.pk)]:
        state = selectors.progress(one).state
        if state not in (NotificationState.DONE, NotificationState.CANCELLED):
            which = "It" if one.pk == row.pk else f"Its replay {one.pk}"
            raise Problem(
                "conflict",
                f"{which} is {state}: who does not get it is known once it is done, or cancelled.",
            )
    return [first, *(one.pk for one in replays)]
