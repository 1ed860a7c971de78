"""The benchmarks' audience, made by SQL, is one that the service delivers to."""

from apps.preferences.models import Preference, Recipient
from bench.harness import audience
from bench.harness.audience import Traits


def test_who_did_not_refuse_is_told_and_nobody_else(shop, work):
    topic = shop.topic("sale")
    audience.fill(topic.name, "inbox", 300)
    content = {"title": "Sale", "body": "Everything must go."}
    posted = shop.post("topics/sale/publish", {"content": content, "channels": ["inbox"]})
    work()
    assert audience.refused(300) == 6
    assert shop.counts(posted) == {"inbox": {"delivered": 294, "suppressed": 6}}
    items = shop.get(f"notifications/{posted['id']}/deliveries", state="suppressed")["data"]
    assert {item["reason"] for item in items} == {"preference", "manual"}


def test_some_have_zones_quiet_hours_and_categories_of_their_own(shop, work):
    night = '{"windows": [{"days": ["mon"], "from": "22:00", "to": "07:00"}], "channels": ["push"]}'
    topic = shop.topic("sale", category="offers")
    traits = Traits(("Asia/Tokyo", "UTC"), [("Asia/Kolkata", night)], ["offers"])
    audience.fill(topic.name, "inbox", 300, traits)
    own = Recipient.objects.filter(quiet_hours__isnull=False)
    assert own.count() == own.filter(time_zone="Asia/Kolkata").count() == 100
    assert own.first().quiet_hours["windows"][0]["to"] == "07:00"
    assert Recipient.objects.filter(time_zone="Asia/Tokyo").count() == 100
    allowed = Preference.objects.filter(category="offers", channel="inbox", allowed=True)
    assert {row.recipient_id for row in allowed} == {person.pk for person in own}
    content = {"title": "Sale", "body": "Everything must go."}
    posted = shop.post("topics/sale/publish", {"content": content, "channels": ["inbox"]})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 294, "suppressed": 6}}
