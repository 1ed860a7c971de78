"""The company's name, logo and colour on people's pages.

Any colour may be set, so the shades in which it is used are computed to be readable: WCAG 2.1 AA
wants a contrast of 4.5 between text and its background.
"""

from dataclasses import dataclass
from functools import cache

from django.conf import settings

#: Contrast of text by WCAG 2.1, 1.4.3, with something to spare for rounding.
READABLE = 4.6
#: Backgrounds of the pages' cards, in light and in dark.
LIGHT, DARK = "#ffffff", "#1a2027"
WHITE, BLACK = "#ffffff", "#000000"
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Brand:
    """The company as pages show it. Colours are ``#rrggbb``.

    ``button`` and ``on_button`` are a button's background and text; ``link`` and ``link_dark`` are
    the colour as text on a light and on a dark card.
    """

    name: str
    logo: str
    button: str
    on_button: str
    link: str
    link_dark: str


@cache
def brand() -> Brand:
    """Return the company's brand from the settings."""
    colour = settings.COMPANY_COLOR
    return Brand(
        name=settings.COMPANY_NAME,
        logo=settings.COMPANY_LOGO,
        button=colour,
        on_button=max((WHITE, BLACK), key=lambda one: contrast(one, colour)),
        link=_shade(colour, BLACK, LIGHT),
        link_dark=_shade(colour, WHITE, DARK),
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2.1, from 1 to 21."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _shade(colour: str, towards: str, background: str) -> str:
    """Return the colour, mixed with another as far as it takes to be readable."""
    for step in range(_STEPS):
        mixed = _mixed(colour, towards, step / _STEPS)
        if contrast(mixed, background) >= READABLE:
            return mixed
    return towards


def _mixed(one: str, other: str, part: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(colour: str) -> float:
    """Return the relative luminance by WCAG 2.1, from 0 (black) to 1 (white)."""
    shares = [value / 255 for value in _channels(colour)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
