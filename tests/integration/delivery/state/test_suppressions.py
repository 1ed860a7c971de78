"""Suppressions: through the API, and what they do to deliveries."""

from apps.delivery.models import Attempt, Delivery
from apps.preferences import vault
from apps.preferences.consent import suppressions
from apps.preferences.consent.suppressions import Blocked
from apps.preferences.models import Suppression
from apps.publishers.models import AuditEvent
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import make_shop

HELLO = {"title": "Hello", "body": "There"}
ADA = {"channel": "email", "address": "Ada@Example.com"}
TOKEN = "fGx0fGx0fGx0fGx0fGx0:APA91bAPA91b"


def lift(shop, row):
    assert shop.http.delete(f"/v1/suppressions/{row['id']}").status_code == 204


def test_an_address_is_suppressed_found_listed_and_lifted(shop):
    row = shop.post("suppressions", ADA, status=201)
    assert row | {"id": 0, "created_at": ""} == {
        "id": 0,
        "channel": "email",
        "address": "A•••@example.com",
        "reason": "manual",
        "created_at": "",
    }
    assert shop.post("suppressions", ADA, status=200) == row
    phone = {"channel": "sms", "address": "+43 660 1234567", "reason": "opted_out"}
    other = shop.post("suppressions", phone, status=201)
    assert shop.get("suppressions")["data"] == [other, row]
    assert shop.get("suppressions", channel="email")["data"] == [row]
    assert shop.get("suppressions", reason="opted_out")["data"] == [other]
    assert shop.get("suppressions", channel="sms", reason="manual")["data"] == []
    assert shop.get("suppressions", channel="sms", address="+436601234567")["data"] == [other]
    assert shop.get("suppressions", channel="email", address="bob@example.com")["data"] == []
    first = shop.get("suppressions", limit=1)
    assert shop.get("suppressions", limit=1, cursor=first["next"])["data"] == [row]
    lift(shop, row)
    assert shop.get("suppressions")["data"] == [other]
    assert shop.http.delete(f"/v1/suppressions/{row['id']}").status_code == 404


def test_changes_are_audited_with_the_address_masked(shop):
    lift(shop, shop.post("suppressions", ADA, status=201))
    made, lifted = AuditEvent.objects.filter(object_type="suppression").order_by("id")
    shown = {"channel": "email", "address": "A•••@example.com", "reason": "manual"}
    assert (made.action, made.before, made.after) == ("create", None, shown)
    assert (lifted.action, lifted.before, lifted.after) == ("delete", shown, None)


def test_bad_input_is_pointed_at(shop):
    for change, pointer in (
        ({"channel": "fax"}, "/channel"),
        ({"address": "nobody"}, "/address"),
        ({"reason": "dislike"}, "/reason"),
        ({"platform": "ios"}, "/platform"),
        ({"note": "x"}, "/note"),
        ({"channel": "push", "address": TOKEN}, "/address"),
    ):
        problem = shop.post("suppressions", {**ADA, **change}, status=400)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
        assert "Ada" not in str(problem)
    assert not Suppression.objects.exists()


def test_nobody_stops_anothers_webhook_or_anyones_inbox(shop, other_shop, work):
    recipient("ada")
    for channel, address, instead in (
        ("webhook", "https://example.com/hook", "unsubscribe"),
        ("inbox", "ada", "preference"),
    ):
        problem = other_shop.post(
            "suppressions", {"channel": channel, "address": address}, status=400
        )
        [error] = problem["errors"]
        assert error["pointer"] == "/channel" and instead in error["detail"]
        problem = other_shop.get("suppressions", status=400, channel=channel)
        assert [error["parameter"] for error in problem["errors"]] == ["channel"]
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_a_query_that_makes_no_sense_is_refused(shop):
    for query, parameter in (
        ({"address": "ada@example.com"}, "channel"),
        ({"channel": "fax"}, "channel"),
        ({"reason": "dislike"}, "reason"),
        ({"platform": "ios"}, "platform"),
        ({"channel": "email", "address": "ada@example.com", "platform": "ios"}, "platform"),
    ):
        problem = shop.get("suppressions", status=400, **query)
        assert [error["parameter"] for error in problem["errors"]] == [parameter]


def test_a_devices_token_is_suppressed_by_its_platform(shop):
    body = {"channel": "push", "address": "AB" * 32, "platform": "ios"}
    row = shop.post("suppressions", body, status=201)
    query = {**body, "address": "ab" * 32}
    assert shop.get("suppressions", **query)["data"] == [row]


def test_scopes_are_wanted_and_suppressions_are_everybodys(shop, other_shop):
    row = shop.post("suppressions", ADA, status=201)
    assert other_shop.get("suppressions")["data"] == [row]
    reader = make_shop("reader", ["suppressions:read"])
    reader.get("suppressions")
    reader.post("suppressions", ADA, status=403)
    assert reader.http.delete(f"/v1/suppressions/{row['id']}").status_code == 403


def test_a_suppressed_address_gets_nothing_until_it_is_lifted(shop, work):
    recipient("ada", email="Ada@example.com")
    body = {"user_id": "ada", "channels": ["email"], "content": HELLO}
    before = shop.post("notifications", body)
    row = shop.post("suppressions", {**ADA, "reason": "complaint"}, status=201)
    work()
    assert shop.counts(before) == {"email": {"suppressed": 1}}
    assert Delivery.objects.get().reason == "complaint"
    assert not Attempt.objects.exists()
    shop.http.delete(f"/v1/suppressions/{row['id']}")  # in vain
    suppressions.lift(Suppression.objects.all(), "she wrote to us")
    after = shop.post("notifications", body)
    work()
    assert Attempt.objects.count() == 1
    assert "suppressed" not in shop.counts(after)["email"]


def test_what_waits_for_another_attempt_is_suppressed_too(shop, work, wake):
    recipient("ada", email="Ada@example.com")
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["email"], "content": HELLO})
    work()
    Delivery.objects.update(state="retrying", next_attempt_at="2020-01-01T00:00:00Z")
    shop.post("suppressions", ADA, status=201)
    wake()
    work()
    found = Delivery.objects.get()
    assert (found.notification_id.hex, found.state) == (
        posted["id"].replace("-", ""),
        "suppressed",
    )


def test_many_are_suppressed_at_once_and_each_once(db):
    def blocked(address, reason):
        sealed = vault.seal("email", address)
        return Blocked("email", sealed.index, sealed.masked, reason)

    ada, bob = "ada@example.com", "bob@example.com"
    assert suppressions.suppress([]) == (0, 0)
    assert suppressions.suppress([blocked(ada, "complaint")]) == (1, 0)
    some = [blocked(bob, "hard_bounce"), blocked(ada, "manual"), blocked(bob, "hard_bounce")]
    assert suppressions.suppress(some) == (1, 0)
    reasons = Suppression.objects.order_by("id").values_list("masked", "reason")
    assert list(reasons) == [
        ("a•••@example.com", "complaint"),
        ("b•••@example.com", "hard_bounce"),
    ]


def test_that_an_address_is_dead_gives_way_to_what_its_owner_said(shop):
    phone = {"channel": "sms", "address": "+436601234567"}
    row = shop.post("suppressions", {**phone, "reason": "dead_address"}, status=201)
    shop.post("suppressions", {**phone, "reason": "dead_address"}, status=200)
    said = shop.post("suppressions", {**phone, "reason": "opted_out"}, status=200)
    assert said == {**row, "reason": "opted_out"}
    shop.post("suppressions", {**phone, "reason": "dead_address"}, status=200)
    recipient("ada")
    shop.post("recipients/ada/contacts", phone, status=201)
    assert shop.get("suppressions")["data"] == [said]
    made, changed = AuditEvent.objects.filter(object_type="suppression").order_by("id")
    assert (made.action, changed.action) == ("create", "update")
    assert (changed.before, changed.after) == (
        {"reason": "dead_address"},
        {"reason": "opted_out"},
    )


def test_of_two_reasons_at_once_the_one_that_stays_counts(db):
    sealed = vault.seal("sms", "+436601234567")
    said = [
        Blocked("sms", sealed.index, sealed.masked, reason)
        for reason in ("opted_out", "dead_address")
    ]
    assert suppressions.suppress(said) == (1, 0)
    assert Suppression.objects.get().reason == "opted_out"
    Suppression.objects.update(reason="dead_address")
    assert suppressions.suppress(said) == (0, 1)
    assert Suppression.objects.get().reason == "opted_out"
