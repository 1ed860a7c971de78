"""The budget of a render: a limit of its work, counted in steps and not by a clock.

A clock would refuse on a busy machine what it lets pass on an idle one, and a worker's thread can
neither be interrupted nor receive signals. So every operation of a template is charged before it is
done, in proportion to its operands: the same template with the same variables always takes the same
number of steps, when it is checked at acceptance and when it is delivered.
"""

from typing import Any

from notifier.templates.errors import OverBudget

#: Steps of one render. The most expensive step known takes about 2 µs (see the tests).
RENDER_STEPS = 50_000
#: Most characters of one rendered text, and of every intermediate value.
MOST_CHARACTERS = 256 * 1024
#: Integers stay below this, so that arithmetic is cheap; JSON has no larger ones anyway.
MOST = 2**63

CHARACTERS_A_STEP = 32
BYTES_A_STEP = 8


class Budget:
    """The steps that are left of one render.

    ``posted``: bytes of all variables; every list or object is charged as much as all of them,
    since a template cannot build new ones. ``written``: bytes of the largest list or object written
    in the text that is being rendered.
    """

    __slots__ = ("_posted", "left", "written")

    def __init__(self, steps: int = RENDER_STEPS, posted: int = 0) -> None:
        self.left = steps
        self.written = 0
        self._posted = posted

    def spend(self, steps: int) -> None:
        """Use up ``steps``. Raises ``OverBudget``."""
        self.left -= steps
        if self.left < 0:
            raise OverBudget(
                "This takes too many steps. Loop over less, or prepare the text before you publish."
            )

    def charge(self, value: Any) -> None:
        """Use up the steps of one operation on ``value``. Raises ``OverBudget``."""
        if isinstance(value, str):
            self.spend(1 + len(value) // CHARACTERS_A_STEP)
        elif isinstance(value, (list, tuple, dict)):
            self.spend(1 + max(self._posted, self.written) // BYTES_A_STEP)
        else:
            self.spend(1)


def bounded(value: Any) -> Any:
    """Return ``value``, the result of an operation. Raises ``OverBudget`` if it is too large."""
    if isinstance(value, str):
        fits(len(value))
    elif isinstance(value, int) and not -MOST < value < MOST:
        raise OverBudget("This makes a number that is too large.")
    return value


def fits(characters: int) -> None:
    """Raise ``OverBudget`` for a text of more than ``MOST_CHARACTERS``."""
    if characters > MOST_CHARACTERS:
        raise OverBudget(f"This makes a text of more than {MOST_CHARACTERS:,} characters.")
