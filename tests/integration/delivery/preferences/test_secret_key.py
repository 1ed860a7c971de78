"""A new secret key: what the old one signed goes on working, as long as that is a fallback."""

import pytest
from django.test import Client

from tests.support.deliveries.confirmations import confirm, subscribe, token_in


@pytest.fixture
def rotate(settings):
    """Change the key; by default the old one stays as a fallback."""

    def change(*, keep=True):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if keep else []
        settings.SECRET_KEY = "a new key, which signs what is signed from now on"

    return change


@pytest.fixture
def sent(offers, outside, ask):
    """The token in a confirmation that was mailed under the old key."""
    subscribe(offers)
    ask()
    [question] = outside.client.messages(channel="email")
    return token_in(question)


def test_a_link_that_waits_in_a_mailbox_still_confirms(offers, sent, rotate):
    rotate()
    assert confirm(offers, sent)["state"] == "active"


def test_without_the_old_key_the_link_is_none_of_ours(offers, sent, rotate):
    rotate(keep=False)
    assert confirm(offers, sent, 400)["type"] == "/problems/invalid-confirmation"


@pytest.mark.parametrize(("keep", "status"), [(True, 200), (False, 400)])
def test_a_list_goes_on_at_its_cursor(shop, rotate, keep, status):
    for number in range(3):
        shop.topic(f"topic-{number}")
    cursor = shop.get("topics", limit=1)["next"]
    rotate(keep=keep)
    answer = shop.http.get("/v1/topics", {"limit": 1, "cursor": cursor})
    assert answer.status_code == status


@pytest.mark.parametrize(("keep", "status"), [(True, 200), (False, 302)])
def test_an_operator_stays_logged_in(django_user_model, transactional_db, rotate, keep, status):
    operator = django_user_model.objects.create_superuser("op", password="a long pass phrase 1")
    browser = Client()
    browser.force_login(operator)
    rotate(keep=keep)
    assert browser.get("/admin/").status_code == status
