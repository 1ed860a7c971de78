"""What a mandatory topic exempts from preferences, and what it does not."""

from apps.preferences.models import Preference
from tests.integration.delivery.state.test_category_rules import (
    REFUSED,
    SENT,
    ending,
    put,
    refuse,
    story,
    template,
)
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop


def test_a_mandatory_topic_exempts_what_is_of_its_own_category(shop: Shop, work, execute):
    topic = shop.topic("rules", category="orders", mandatory=True)
    subscribe(topic, recipient("ada"), "inbox")
    put(shop, "offers", kind="promotional")
    refuse()
    for said in ({}, {"category": "Orders"}, {"template": template(shop, "offers")}):
        body = said if "template" in said else {"content": HELLO, **said}
        assert ending(shop, work, shop.post("topics/rules/publish", body)) == SENT
    other = {"content": HELLO, "category": "offers"}
    posted = shop.post("topics/rules/publish", other)
    assert ending(shop, work, posted) == REFUSED
    assert "preferences do not apply" not in story(posted)
    waits = shop.post("topics/rules/publish", {"content": HELLO})
    assert (
        shop.http.patch("/v1/topics/rules", {"category": "news"}, format="json").status_code == 200
    )
    assert ending(shop, work, waits) == SENT, "it was the topic's when it was accepted"
    refused = shop.post("topics/rules/publish", other)
    Preference.objects.all().delete()
    assert ending(shop, work, refused) == SENT
    execute(
        "UPDATE delivery_delivery SET state = 'retrying', next_attempt_at = now()"
        " WHERE notification_id = ANY(%s::uuid[])",
        [refused["id"], waits["id"]],
    )
    refuse()
    assert ending(shop, work, refused) == REFUSED
    assert ending(shop, work, waits) == SENT


def test_a_mandatory_topic_without_a_category_exempts_only_what_names_none(shop: Shop, work):
    subscribe(shop.topic("rules", mandatory=True), recipient("ada"), "inbox")
    put(shop, "offers", kind="promotional")
    refuse()
    for body, wanted in (
        ({"content": HELLO}, SENT),
        ({"content": HELLO, "category": "offers"}, REFUSED),
        ({"template": template(shop, "offers")}, REFUSED),
    ):
        assert ending(shop, work, shop.post("topics/rules/publish", body)) == wanted
