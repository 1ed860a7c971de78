"""A delivery's public id and the key in it."""

import pytest

from notifier.delivery_ids import number_of, public_id


def test_a_public_id_is_read_back_as_the_key_it_was_made_of():
    assert public_id(81) == "dlv_81"
    assert number_of(public_id(81)) == 81


def test_a_public_id_in_capitals_is_the_same_id():
    assert number_of("DLV_81") == 81


@pytest.mark.parametrize(
    "text",
    ["81", "dlv_", "dlv_0", "dlv_081", "dlv_-1", "dlv_8 ", "dlv_٣", "dlv_" + 19 * "9", None, 81],
)
def test_what_is_no_public_id_has_no_key(text):
    assert number_of(text) is None
