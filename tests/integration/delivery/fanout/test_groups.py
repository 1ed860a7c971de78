"""Groups of recipients, from the HTTP request to the deliveries."""

import pytest

from apps.delivery.fanout import chunking
from apps.delivery.models import Chunk, ChunkKind, Delivery
from apps.preferences.contacts.services import Person, upsert_recipients
from apps.preferences.models import Group, Membership
from apps.publishers.models import AuditEvent
from tests.support.deliveries.workers import cut as cut_audience
from tests.support.deliveries.workers import lose_claims, only
from tests.support.publishers.people import recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}


def put(shop, name="on-call", *, status=201, **fields):
    answer = shop.http.put(f"/v1/groups/{name}", fields, format="json")
    assert answer.status_code == status, answer.json()
    return answer.json()


def group_of(shop, *user_ids, name="on-call"):
    put(shop, name)
    shop.post(f"groups/{name}/members", {"user_ids": list(user_ids)}, status=200)


def states_of(shop, posted):
    return {
        (row["user_id"], row["channel"]): row["state"]
        for row in shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    }


# -- Groups and their members -----------------------------------------------------------------


def test_a_group_is_made_renamed_listed_and_deleted(shop):
    assert put(shop, display_name="On call")["display_name"] == "On call"
    assert put(shop, status=200)["display_name"] == "On call", "left out stays as it is"
    assert put(shop, status=200, display_name="Duty")["display_name"] == "Duty"
    assert shop.get("groups/on-call")["display_name"] == "Duty"
    put(shop, "board")
    assert [row["name"] for row in shop.get("groups")["data"]] == ["on-call", "board"]
    assert shop.http.delete("/v1/groups/on-call").status_code == 204
    shop.get("groups/on-call", status=404)
    events = AuditEvent.objects.filter(object_type="group", object_name="on-call")
    assert list(events.order_by("id").values_list("action", "before", "after")) == [
        ("create", None, {"display_name": "On call"}),
        ("update", {"display_name": "On call"}, {"display_name": "Duty"}),
        ("delete", {"display_name": "Duty"}, None),
    ]


def test_a_name_that_is_none_is_refused_and_is_nobodys(shop):
    for name in ("-a", "a b", "x" * 201, "grün"):
        assert shop.http.put(f"/v1/groups/{name}", {}, format="json").status_code == 400, name
        shop.get(f"groups/{name}", status=404)
    assert shop.http.put("/v1/groups/a%00b", {}, format="json").status_code == 404
    assert not Group.objects.exists()


def test_people_join_and_leave_once(shop):
    for name in ("ada", "bob", "eve"):
        recipient(name)
    put(shop)

    def join(*user_ids):
        return shop.post("groups/on-call/members", {"user_ids": user_ids}, status=200)

    def leave(*user_ids):
        return shop.post("groups/on-call/members/remove", {"user_ids": user_ids}, status=200)

    assert join("bob", "ada", "ada", "nobody") == {
        "added": 2,
        "already": 0,
        "unknown": ["nobody"],
    }
    assert join("ada", "eve") == {"added": 1, "already": 1, "unknown": []}
    rows = shop.get("groups/on-call/members")["data"]
    assert {row["user_id"] for row in rows} == {"ada", "bob", "eve"}
    assert set(rows[0]) == {"user_id", "added_at"}
    assert leave("ada", "nobody") == {"removed": 1, "unknown": ["nobody"]}
    assert leave("ada") == {"removed": 0, "unknown": []}
    first = shop.get("groups/on-call/members", limit=1)
    second = shop.get("groups/on-call/members", limit=1, cursor=first["next"])
    assert {first["data"][0]["user_id"], second["data"][0]["user_id"]} == {"bob", "eve"}
    assert second["next"] is None
    changes = AuditEvent.objects.filter(action__endswith="_members").order_by("id")
    assert [row.after for row in changes] == [{"added": 2}, {"added": 1}, {"removed": 1}]


def test_a_thousand_people_join_in_one_statement(shop, django_assert_max_num_queries):
    names = [f"p{n}" for n in range(1000)]
    upsert_recipients([Person(name) for name in names])
    put(shop)
    with django_assert_max_num_queries(20) as queries:
        answer = shop.post("groups/on-call/members", {"user_ids": names}, status=200)
    assert answer["added"] == 1000
    assert sum("preferences_membership" in query["sql"] for query in queries) == 1
    more = {"user_ids": [*names, "one-more"]}
    problem = shop.post("groups/on-call/members", more, status=400)
    assert problem["errors"][0]["pointer"] == "/user_ids"


def test_another_publishers_group_does_not_exist(shop, other_shop):
    recipient("ada")
    group_of(other_shop, "ada")
    for path in ("groups/on-call", "groups/on-call/members"):
        shop.get(path, status=404)
    for path in ("groups/on-call/members", "groups/on-call/members/remove"):
        shop.post(path, {"user_ids": ["ada"]}, status=404)
    shop.post("groups/on-call/notify", {"content": HELLO}, status=404)
    assert shop.http.delete("/v1/groups/on-call").status_code == 404
    assert shop.get("groups")["data"] == []
    put(shop)  # and the name is free for oneself
    assert Group.objects.count() == 2 and Membership.objects.count() == 1


# -- Notifying one ----------------------------------------------------------------------------


def test_each_member_is_notified_where_they_can_be_reached(shop, work):
    recipient("ada", email="ada@example.com")
    recipient("bob")
    recipient("eve", email="eve@example.com")
    group_of(shop, "ada", "bob")
    posted = shop.post("groups/on-call/notify", {"content": HELLO})
    assert posted["state"] == "accepted" and posted["priority"] == "normal"
    work()
    assert set(states_of(shop, posted)) == {("ada", "email"), ("ada", "inbox"), ("bob", "inbox")}
    found = shop.get(f"notifications/{posted['id']}")
    assert (found["group"], found["topic"], found["state"]) == ("on-call", None, "done")
    assert shop.get("notifications")["data"][0]["group"] == "on-call"


def test_who_has_no_address_on_a_named_channel_is_accounted_for(shop, work):
    recipient("ada")
    group_of(shop, "ada")
    body = {"content": HELLO, "channels": ["email", "inbox"]}
    posted = shop.post("groups/on-call/notify", body)
    work()
    assert shop.counts(posted) == {"email": {"suppressed": 1}, "inbox": {"delivered": 1}}
    [row] = shop.get(f"notifications/{posted['id']}/deliveries", channel="email")["data"]
    assert row["reason"] == "no_address"


def test_what_a_member_refused_is_not_sent(shop, work):
    recipient("ada")
    group_of(shop, "ada")
    requested = {"preferences": [{"channel": "inbox", "allowed": False}]}
    shop.http.put("/v1/recipients/ada/preferences", requested, format="json")
    posted = shop.post("groups/on-call/notify", {"content": HELLO})
    work()
    assert shop.counts(posted) == {"inbox": {"suppressed": 1}}


def test_an_idempotency_key_notifies_a_group_once(shop, work):
    recipient("ada")
    group_of(shop, "ada")
    key = {"Idempotency-Key": "k-1"}
    first = shop.post("groups/on-call/notify", {"content": HELLO}, **key)
    assert shop.post("groups/on-call/notify", {"content": HELLO}, **key) == first
    shop.post("groups/on-call/notify", {"content": {"body": "else"}}, status=422, **key)
    work()
    assert shop.counts(first) == {"inbox": {"delivered": 1}}


def test_a_group_is_cut_by_ranges_and_goes_on_where_it_stopped(shop, work, settings, monkeypatch):
    settings.CHUNK_SIZE = 2
    monkeypatch.setattr(chunking, "PAGE", 1)
    names = [f"p{n}" for n in range(7)]
    for name in names:
        recipient(name)
    group_of(shop, *names)
    posted = shop.post("groups/on-call/notify", {"content": HELLO, "channels": ["inbox"]})
    cut, pages = chunking._cut_page, iter(range(2))

    def dying(chunk, channel, after=0):
        if next(pages, None) is None:
            raise SystemExit
        return cut(chunk, channel, after)

    monkeypatch.setattr(chunking, "_cut_page", dying)
    with pytest.raises(SystemExit):
        cut_audience()
    monkeypatch.setattr(chunking, "_cut_page", cut)
    assert Chunk.objects.filter(kind=ChunkKind.RANGE).count() == 2
    assert Chunk.objects.get(kind=ChunkKind.WHOLE).state == "running"
    lose_claims()
    work()
    assert Chunk.objects.filter(kind=ChunkKind.RANGE).count() == 4
    assert shop.counts(posted) == {"inbox": {"delivered": 7}}
    assert Delivery.objects.count() == 7


def test_who_cannot_be_reached_makes_no_chunk(shop, work):
    for name in ("ada", "bob"):
        recipient(name)
    group_of(shop, "ada", "bob")
    shop.post("groups/on-call/notify", {"content": HELLO})
    work()
    chunks = Chunk.objects.filter(kind=ChunkKind.RANGE)
    assert [chunk.channel for chunk in chunks] == ["inbox"]


def test_a_group_deleted_while_it_is_cut_reaches_nobody_more(shop, work, settings):
    settings.CHUNK_SIZE = 1
    for name in ("ada", "bob"):
        recipient(name)
    group_of(shop, "ada", "bob")
    cut = shop.post("groups/on-call/notify", {"content": HELLO, "channels": ["inbox"]})
    cut_audience()
    uncut = shop.post("groups/on-call/notify", {"content": HELLO, "channels": ["inbox"]})
    first = Chunk.objects.filter(kind=ChunkKind.RANGE).earliest("id")
    with only(first):
        work()
    assert shop.http.delete("/v1/groups/on-call").status_code == 204
    work()
    assert shop.counts(cut) == {"inbox": {"delivered": 1}}
    found = shop.get(f"notifications/{uncut['id']}")
    assert (found["state"], found["counts"], found["group"]) == ("done", {}, None)


def test_a_topic_is_still_cut_by_its_subscriptions(shop, work):
    topic = shop.topic()
    ada = recipient("ada", email="ada@example.com")
    subscribe(topic, ada, "inbox")
    group_of(shop, "ada")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
