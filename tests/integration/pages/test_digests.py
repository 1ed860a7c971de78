"""How often people want what may wait, on the page of preferences."""

from apps.preferences.models import Category, DigestChoice
from apps.publishers.models import AuditEvent
from tests.support.deliveries.links import OFFERS, browse, choose, seen


def chosen():
    return {(row.category, row.cadence, row.own) for row in DigestChoice.objects.all()}


def field_of(name):
    return f"digest-{Category.objects.get(name=name).pk}"


def test_a_person_chooses_how_often_changes_it_and_withdraws_it(page, shop):
    assert "What can wait can come together in one message." in seen(browse(page))
    after = choose(page, fields={field_of("offers"): "weekly", "digest-all": "daily"})
    assert chosen() == {("offers", "weekly", True), ("", "daily", True)}
    assert "Once a week" in seen(after)
    choose(page, fields={field_of("offers"): ""})
    assert chosen() == {("", "daily", True)}
    event = AuditEvent.objects.filter(object_type="recipient").latest("pk")
    assert event.after == {"digests": [{"category": None, "cadence": "daily"}]}


def test_saving_the_page_unchanged_chooses_nothing(page, shop):
    choose(page)
    assert chosen() == set()


def test_a_value_that_is_not_offered_is_ignored(page, shop):
    choose(page, fields={"digest-all": "never"})
    assert chosen() == set()


def test_what_is_critical_has_no_field(page, shop):
    assert f'name="{field_of("security")}"' not in browse(page).content.decode()


def test_what_was_chosen_holds_for_what_is_sent(page, shop, work):
    choose(page, fields={"digest-all": "daily"})
    posted = shop.post("notifications", {"user_id": "ada", "content": OFFERS, "channels": ["sms"]})
    work()
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert (row["state"], row["reason"]) == ("retrying", "digest")
