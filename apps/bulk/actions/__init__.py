"""The kinds of bulk actions: what each does with a batch of rows that match."""

from apps.bulk.actions.base import Action
from apps.bulk.actions.cancelling import Cancelling
from apps.bulk.actions.lifting import Lifting
from apps.bulk.actions.redriving import Redriving
from apps.bulk.actions.releasing import Releasing
from apps.bulk.actions.restoring import Restoring
from apps.bulk.models import ActionKind, BulkAction

ACTIONS: dict[str, Action] = {
    ActionKind.REDRIVE: Redriving(),
    ActionKind.RELEASE: Releasing(),
    ActionKind.CANCEL: Cancelling(),
    ActionKind.RESTORE: Restoring(),
    ActionKind.LIFT: Lifting(),
}


def of(row: BulkAction) -> Action:
    """Return what the row's action does."""
    return ACTIONS[row.action]
