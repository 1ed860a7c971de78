"""Public ids of deliveries."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import installation
from notifier.domain.ids.delivery_ids import DeliveryId, parse, public_id


def test_a_public_id_is_read_back_as_what_it_was_made_of():
    assert public_id("shop1", 81) == "dlv_shop1_81"
    assert parse("dlv_shop1_81") == DeliveryId("shop1", 81)


def test_an_id_in_capitals_is_the_same_id():
    assert parse("DLV_SHOP1_81") == DeliveryId("shop1", 81)


def test_an_id_from_before_installations_were_named_names_none():
    assert parse("dlv_81") == DeliveryId("", 81)


@pytest.mark.parametrize(
    "text",
    [
        *("81", "dlv_", "dlv_0", "dlv_081", "dlv_-1", "dlv_8 ", "dlv_٣", "dlv_" + 19 * "9"),
        *("dlv__8", "dlv_a_b_8", "dlv_a_08", "dlv_a_", "dlv_" + 21 * "a" + "_8"),
        *(None, 81),
    ],
)
def test_what_is_no_public_id_names_nothing(text):
    assert parse(text) is None


def test_installations_differ_by_their_key_and_by_their_host():
    names = {
        installation.name("", key, url)
        for key in ("key 1", "key 2")
        for url in ("https://notify.example.com", "https://staging.example.com")
    }
    assert len(names) == 4
    assert all(parse(public_id(name, 1)) == DeliveryId(name, 1) for name in names)


def test_an_installation_keeps_its_name_whatever_the_path_and_case_of_its_url():
    host = "notify.example.com"
    urls = (f"https://{host}", f"http://{host.upper()}/", f"https://{host}/x")
    assert len({installation.name("", "key", url) for url in urls}) == 1


def test_an_installation_can_be_named():
    assert installation.name("staging1", "key", "https://notify.example.com") == "staging1"


@pytest.mark.parametrize("name", ["Staging", "a_b", "a-b", "x" * 21, " a"])
def test_a_name_that_no_id_can_carry_is_refused_at_the_start(name):
    with pytest.raises(ImproperlyConfigured, match="small letters and digits"):
        installation.name(name, "key", "https://notify.example.com")
