"""Admin pages of publishers, people and topics."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.preferences.models import Contact, Group, Membership
from apps.publishers.models import ApiKey, AuditEvent
from apps.topics.models import Topic
from apps.topics.selectors import get_topic
from tests.support.publishers.api_client import Api

ADDRESS = "ada.lovelace@example.com"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture(autouse=True)
def everything(api: Api) -> None:
    api.post("topics", {"name": "news"}, status=201)
    contact = {"channel": "email", "address": ADDRESS}
    hook = {"channel": "webhook", "address": "https://example.com/secret-path"}
    requested = {"channel": "sms", "allowed": False}
    api.put("recipients/ada", {"contacts": [contact, hook], "preferences": [requested]}, status=201)
    api.post("topics/news/subscriptions", contact)
    api.post("suppressions", contact, status=201)
    api.put("groups/on-call", {}, status=201)
    api.post("groups/on-call/members", {"user_ids": ["ada"]})


@pytest.mark.parametrize(
    "page",
    [
        "publishers/publisher",
        "publishers/apikey",
        "preferences/recipient",
        "preferences/contact",
        "preferences/preference",
        "preferences/group",
        "preferences/suppression",
        "topics/topic",
        "topics/subscription",
    ],
)
def test_every_list_and_page_opens_with_addresses_masked(operator: Client, page: str):
    app, model = page.split("/")
    from django.apps import apps

    pages = [f"/admin/{page}/", f"/admin/{page}/?q=ada"]
    pages += [f"/admin/{page}/{row.pk}/change/" for row in apps.get_model(app, model).objects.all()]
    for url in pages:
        answer = operator.get(url)
        assert answer.status_code == 200, url
        assert ADDRESS not in answer.content.decode()
        assert "secret-path" not in answer.content.decode()


def test_a_contact_shows_its_mask(operator: Client):
    row = Contact.objects.filter(channel="email").first()
    page = operator.get(f"/admin/preferences/contact/{row.pk}/change/").content.decode()
    assert "a•••@example.com" in page


def test_contacts_are_disabled_and_not_deleted(operator: Client):
    row = Contact.objects.filter(channel="email").first()
    assert operator.post(f"/admin/preferences/contact/{row.pk}/delete/").status_code == 403


def test_keys_are_revoked_from_the_list(
    operator: Client, api: Api, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(
            "/admin/publishers/apikey/",
            {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]},
        )
    assert api.get("topics", status=401)["type"] == "/problems/revoked-key"


def test_a_topic_deleted_by_an_operator_keeps_its_row(
    operator: Client, api: Api, django_capture_on_commit_callbacks
):
    topic = Topic.objects.get()
    assert get_topic("news") is not None
    with django_capture_on_commit_callbacks(execute=True):
        url = f"/admin/topics/topic/{topic.pk}/delete/"
        assert "news" in operator.get(url).content.decode()
        assert operator.post(url, {"post": "yes"}).status_code == 302
    assert Topic.objects.get().deleted_at is not None
    api.get("topics/news", status=404)
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(
            "/admin/topics/topic/",
            {"action": "delete_selected", "_selected_action": [topic.pk], "post": "yes"},
        )
    assert Topic.objects.count() == 1


def test_a_topic_changed_by_an_operator_is_seen_at_once(
    operator: Client, api: Api, django_capture_on_commit_callbacks
):
    topic = Topic.objects.get()
    assert get_topic("news").mandatory is False
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(
            f"/admin/topics/topic/{topic.pk}/change/",
            {
                "name": "news",
                "publisher": topic.publisher_id,
                "default_priority": "normal",
                "mandatory": "on",
                "delay": 0,
                "retry_policy": "",
            },
        )
    assert get_topic("news").mandatory is True


def test_a_group_shows_its_members_and_is_deleted_with_its_memberships(operator: Client, api: Api):
    row = Group.objects.get()
    page = operator.get(f"/admin/preferences/group/{row.pk}/change/").content.decode()
    assert "Its newest members" in page and ">ada<" in page
    question = operator.get(f"/admin/preferences/group/{row.pk}/delete/").content.decode()
    assert "on-call" in question and ">ada<" not in question
    answer = operator.post(f"/admin/preferences/group/{row.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    api.get("groups/on-call", status=404)
    assert not Membership.objects.exists()
    event = AuditEvent.objects.get(object_type="group", action="delete")
    assert (event.actor, event.object_name, event.publisher_id) == (
        "operator",
        "on-call",
        row.publisher_id,
    )


def test_a_suppression_is_not_deleted_past_the_question_why(operator: Client, api: Api):
    [row] = api.get("suppressions")["data"]
    answer = operator.post(f"/admin/preferences/suppression/{row['id']}/delete/", {"post": "yes"})
    assert answer.status_code == 403
    assert api.get("suppressions")["data"] == [row]
