"""The company's colour: readable wherever it is used, whatever it is."""

import pytest

from apps.preferences.pages import brand
from apps.preferences.pages.brand import DARK, LIGHT, contrast

COLOURS = ["#1d4ed8", "#ffffff", "#000000", "#ffff00", "#808080", "#00ff7f", "#7f0000", "#Ff6600"]


@pytest.mark.parametrize("colour", COLOURS)
def test_text_in_any_colour_is_readable(settings, colour):
    settings.COMPANY_COLOR, settings.COMPANY_NAME, settings.COMPANY_LOGO = colour, "Shop", ""
    brand.brand.cache_clear()
    try:
        found = brand.brand()
    finally:
        brand.brand.cache_clear()
    assert found.button == colour
    assert contrast(found.on_button, found.button) >= 4.5
    assert contrast(found.link, LIGHT) >= 4.5
    assert contrast(found.link_dark, DARK) >= 4.5


def test_contrast_is_as_the_standard_has_it():
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
