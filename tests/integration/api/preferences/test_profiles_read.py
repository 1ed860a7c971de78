"""Names and attributes, which are wide and encrypted, are read where they are shown."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.support.publishers.api_client import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(api: Api) -> Api:
    person = {"name": "Ada", "attributes": {"city": "Vienna"}, "email": "ada@example.com"}
    api.put("recipients/ada", person, 201)
    api.put("groups/staff", {}, 201)
    api.post("groups/staff/members", {"user_ids": ["ada"]}, 200)
    api.post("topics", {"name": "news"}, 201)
    api.post("topics/news/subscriptions", {"user_id": "ada", "channels": ["email"]}, 200)
    return api


@pytest.mark.parametrize("path", ["groups/staff/members", "topics/news/subscriptions"])
def test_a_list_of_people_reads_none(ada: Api, path: str):
    with CaptureQueriesContext(connection) as asked:
        assert [row["user_id"] for row in ada.get(path)["data"]] == ["ada"]
    assert not any('"attributes"' in query["sql"] for query in asked)


@pytest.mark.parametrize(
    "page",
    [
        "preferences_recipient",
        "preferences_contact",
        "preferences_directorychange",
        "topics_subscription",
        "preferences_preference",
    ],
)
def test_a_list_of_the_admin_reads_none(ada: Api, admin_client: Client, page: str):
    with CaptureQueriesContext(connection) as asked:
        assert admin_client.get(reverse(f"admin:{page}_changelist")).status_code == 200
    assert not any('"attributes"' in query["sql"] for query in asked)
