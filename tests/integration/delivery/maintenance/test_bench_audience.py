"""The benchmarks' audience, made by SQL, is one that the service delivers to."""

from bench.harness import audience


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
