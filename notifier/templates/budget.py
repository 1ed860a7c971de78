"""How much work a render may do: the cap on time, counted in steps and not by a clock.

A clock would refuse on a busy machine what it let pass on an idle one, and a worker's thread can
neither be interrupted nor be given signals. So whatever takes time in a template is charged before
it is done, in proportion to what it works on: the same template with the same variables always
comes to the same number of steps, when it is checked at acceptance and when it is delivered.
"""

from typing import Any

from notifier.templates.errors import OverBudget

#: Steps of one render. The dearest step known takes about 2 µs (see the tests).
RENDER_STEPS = 50_000
#: Characters that one text may come to, and every value on the way to it.
MOST_CHARACTERS = 256 * 1024
#: What integers stay below, so that arithmetic takes no time: more is no number in JSON anyway.
MOST = 2**63

CHARACTERS_A_STEP = 32
BYTES_A_STEP = 8


class Budget:
    """What is left of ``steps``. ``posted``: the bytes of all lists and objects that a template
    is given, which each of them is charged for, since none can be made of others. ``written``:
    those of the heaviest that the text being rendered writes itself."""

    __slots__ = ("_posted", "left", "written")

    def __init__(self, steps: int = RENDER_STEPS, posted: int = 0) -> None:
        self.left = steps
        self.written = 0
        self._posted = posted

    def spend(self, steps: int) -> None:
        """Take ``steps``. Raises ``OverBudget``."""
        self.left -= steps
        if self.left < 0:
            raise OverBudget(
                "This takes too many steps. Loop over less, or prepare the text before you publish."
            )

    def charge(self, value: Any) -> None:
        """Take what one operation on ``value`` costs. Raises ``OverBudget``."""
        if isinstance(value, str):
            self.spend(1 + len(value) // CHARACTERS_A_STEP)
        elif isinstance(value, (list, tuple, dict)):
            self.spend(1 + max(self._posted, self.written) // BYTES_A_STEP)
        else:
            self.spend(1)


def bounded(value: Any) -> Any:
    """``value``, which an operation made. Raises ``OverBudget`` where it is too large."""
    if isinstance(value, str):
        fits(len(value))
    elif isinstance(value, int) and not -MOST < value < MOST:
        raise OverBudget("This makes a number that is too large.")
    return value


def fits(characters: int) -> None:
    """Raises ``OverBudget`` for a text of more than ``MOST_CHARACTERS``."""
    if characters > MOST_CHARACTERS:
        raise OverBudget(f"This makes a text of more than {MOST_CHARACTERS:,} characters.")
