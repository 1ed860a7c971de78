"""Each command, against the API itself."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from notifier_client import NotifierClient, TemplateContent
from tests.integration.client.cli.conftest import Notifier
from tests.integration.client.conftest import work


def lines(printed: tuple[str, str]) -> list[dict]:
    return [json.loads(line) for line in printed[0].splitlines()]


def test_people_are_notified_and_the_id_is_printed(notifier: Notifier, client: NotifierClient):
    notifier("recipients", "put", "ada")
    notifier("recipients", "put", "bo")
    printed, _ = notifier("send", "--to", "ada", "--to", "bo", "--title", "Hi", "--body", "There")
    work()
    assert client.wait(printed.strip()).counts == {"inbox": {"delivered": 2}}


def test_a_group_is_notified_with_what_is_read_from_standard_input(
    notifier: Notifier, client: NotifierClient, monkeypatch: pytest.MonkeyPatch
):
    client.upsert_recipient("ada")
    client.put_group("on-call")
    client.add_members("on-call", ["ada"])
    monkeypatch.setattr("sys.stdin", io.StringIO("db-1 has 2 % left\n"))
    [posted] = lines(notifier("send", "--group", "on-call", "--body", "-", "--json"))
    while work():  # cut and deliver
        pass
    assert client.get_notification(posted["id"]).counts == {"inbox": {"delivered": 1}}


def test_a_template_gets_texts_and_json_as_its_variables(
    notifier: Notifier, client: NotifierClient
):
    client.upsert_recipient("ada")
    title = "{{ name }}: {% for one in orders %}{{ one }} {% endfor %}"
    contents = [TemplateContent(channel="inbox", locale="en", title=title)]
    client.create_template("shipped", contents, default_locale="en")
    variables = ["--variable", "name=Ada", "--variable", "orders:=[7, 8]"]
    template = ["--template", "shipped", "--channel", "inbox", "--priority", "low"]
    [posted] = lines(notifier("send", "--to", "ada", *template, *variables, "--json"))
    assert (posted["priority"], posted["channels"]) == ("low", ["inbox"])
    said = notifier("send", "--to", "ada", *template, code=1)[1]
    assert "The variable name is missing" in said


def test_what_is_sent_with_the_same_key_is_sent_once(notifier: Notifier, client: NotifierClient):
    client.upsert_recipient("ada")
    command = ["send", "--to", "ada", "--body", "1", "--key", "order-7"]
    assert notifier(*command) == notifier(*command)
    said = notifier(*command[:-3], "2", "--key", "order-7", code=1)[1]
    assert said.startswith("notifier: ")


def test_waiting_prints_what_became_of_it_or_ends_with_its_own_exit_code(
    notifier: Notifier, client: NotifierClient
):
    client.upsert_recipient("ada")
    printed, said = notifier("send", "--to", "ada", "--body", "1", "--wait", "0.5", code=6)
    assert (printed, "After 0.5 s" in said) == ("", True)
    posted, _ = notifier("send", "--to", "ada", "--body", "1", "--key", "order-7")
    work()
    again = ["send", "--to", "ada", "--body", "1", "--key", "order-7", "--wait"]
    assert notifier(*again)[0] == f"{posted.strip()}  done\ninbox  delivered  1\n"


def test_a_topic_is_published_to_now_and_at_a_time(notifier: Notifier, client: NotifierClient):
    notifier("recipients", "put", "ada")
    notifier("topics", "create", "offers")
    notifier("topics", "subscribe", "offers", "ada", "--channel", "inbox")
    notifier("publish", "offers", "--body", "Now")
    [later] = lines(notifier("publish", "offers", "--body", "x", "--at", "+2h", "--json"))
    assert later["state"] == "scheduled"
    wait = datetime.fromisoformat(later["send_at"]) - datetime.now(UTC)
    assert timedelta(hours=1) < wait <= timedelta(hours=2)
    at = "2099-12-01T09:00+01:00"
    said = notifier("publish", "offers", "--body", "x", "--at", at, code=1)[1]
    assert "send_at" in said
    wrong = notifier("publish", "offers", "--body", "x", "--at", "tomorrow", code=2)[1]
    assert "write 2026-12-01T09:00+01:00, or +15m" in wrong


def test_a_topic_is_created_shown_changed_listed_and_deleted(notifier: Notifier):
    created = notifier("topics", "create", "offers", "--display-name", "Your offers", "--mandatory")
    assert created[0] == "offers\n"
    [row] = lines(notifier("topics", "list", "--json"))
    assert (row["name"], row["display_name"], row["mandatory"]) == ("offers", "Your offers", True)
    shown, _ = notifier("topics", "update", "offers", "--no-mandatory", "--priority", "low")
    assert "default_priority" in shown and "mandatory" not in shown
    assert notifier("topics", "get", "offers")[0] == shown
    head, line = notifier("topics", "list")[0].splitlines()
    assert head.split() == ["NAME", "OWNER", "CATEGORY", "PRIORITY", "DISPLAY", "NAME"]
    assert line.split() == ["offers", "shop", "low", "Your", "offers"]
    assert notifier("topics", "delete", "offers")[0] == "offers is deleted\n"
    assert notifier("topics", "list")[0] == ""


def test_people_are_subscribed_listed_and_unsubscribed(notifier: Notifier):
    notifier("recipients", "put", "ada")
    notifier("topics", "create", "offers")
    [made] = lines(notifier("topics", "subscribe", "offers", "ada", "--channel", "inbox", "--json"))
    assert (made["channel"], made["state"]) == ("inbox", "active")
    assert "ada" in notifier("topics", "subscriptions", "offers")[0]
    assert notifier("topics", "unsubscribe", "offers", "ada")[0] == "1 ended\n"
    assert notifier("topics", "unsubscribe", "offers", "ada")[0] == "0 ended\n"


def test_a_recipient_is_written_shown_and_listed(notifier: Notifier, client: NotifierClient):
    addresses = ["--email", "ada@example.com", "--phone", "+12025550123"]
    person = ["--name", "Ada", "--time-zone", "Europe/Vienna", "--attribute", "city=Vienna"]
    assert notifier("recipients", "put", "ada", *addresses, *person)[0] == "ada\n"
    notifier("recipients", "put", "ada", "--phone", "")
    [ada] = lines(notifier("recipients", "get", "ada", "--json"))
    assert [one["channel"] for one in ada["contacts"]] == ["email"]
    assert ada["attributes"] == {"city": "Vienna"}
    assert "a•••@example.com" in notifier("recipients", "get", "ada")[0]
    assert "Europe/Vienna" in notifier("recipients", "list")[0]
    assert notifier("recipients", "preferences", "ada")[0] == ""


def test_deliveries_are_listed_and_each_says_why(notifier: Notifier, client: NotifierClient):
    client.upsert_recipient("ada")
    posted = client.notify_users(["ada"], title="Hi", channels=["inbox", "sms"])
    while work():
        pass
    listed = notifier("deliveries", posted.id)[0].splitlines()
    assert listed[0].split() == ["ID", "CHANNEL", "WHO", "ADDRESS", "STATE", "WHY"]
    assert len(listed) == 3
    [refused] = lines(notifier("deliveries", posted.id, "--state", "suppressed", "--json"))
    assert (refused["channel"], refused["reason"]) == ("sms", "no_address")
    told, _ = notifier("why", refused["id"])
    assert told.startswith("Yes: ada has it on inbox.\nshop posted it on ")
    assert "\n\nsms:\n  The delivery to no address " in told and "  Attempt 1 on " in told
    [explained] = lines(notifier("why", refused["id"], "--json"))
    assert (explained["verdict"], explained["notification_id"]) == ("yes", posted.id)
    assert "You have no delivery" in notifier("why", "dlv_nothing_1", code=4)[1]


def test_what_was_sent_is_found_by_what_is_known_of_it(notifier: Notifier, client: NotifierClient):
    client.upsert_recipient("ada")
    own = ("--reference", "order-7", "--metadata", "tenant=blau", "--metadata", "note=a=b")
    [sent] = lines(notifier("send", "--to", "ada", "--title", "Hi", *own, "--json"))
    assert (sent["reference"], sent["metadata"]) == ("order-7", {"tenant": "blau", "note": "a=b"})
    client.notify_users(["ada"], title="Hello")
    work()
    listed = notifier("notifications", "--reference", "order-7")[0].splitlines()
    assert listed[0].split() == [
        *("ID", "ACCEPTED", "STATE", "REFERENCE", "TOPIC", "TEMPLATE", "CHANNELS")
    ]
    assert len(listed) == 2 and "order-7" in listed[1]
    [found] = lines(
        notifier("notifications", "--to", "ada", "--reference", "order-7", "--since", "1h",
                 "--state", "done", "--json")
    )  # fmt: skip
    assert found["id"] == sent["id"]
    assert notifier("notifications", "--until", "1h") == ("", "")
    both = lines(notifier("deliveries", "--to", "ada", "--since", "1h", "--json"))
    assert [one["reference"] for one in both] == ["", "order-7"]
    for wrong in (["deliveries"], ["deliveries", sent["id"], "--to", "ada"],
                  ["deliveries", "--to", "ada", "--follow"],
                  ["deliveries", sent["id"], "--since", "1h"],
                  ["send", "--to", "ada", "--metadata", "tenant"]):  # fmt: skip
        notifier(*wrong, code=2)


def test_following_ends_with_the_notification(notifier: Notifier, client: NotifierClient):
    client.upsert_recipient("ada")
    posted = client.notify_users(["ada"], title="Hi")
    work()
    [followed] = lines(notifier("deliveries", posted.id, "--follow", "--json"))
    assert followed["state"] == "delivered"
    assert "delivered" in notifier("deliveries", posted.id, "--follow")[0]
