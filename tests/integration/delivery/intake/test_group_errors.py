"""The errors of requests that are stored together are their own."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from apps.delivery.api import presenters
from apps.delivery.intake import drafts, group_commit
from apps.delivery.intake.group_commit import PublishRequest
from apps.delivery.intake.idempotency import Answer as IdempotentAnswer
from apps.delivery.models import Notification
from tests.integration.delivery.intake.conftest import kinds, to_ada
from tests.support.publishers.shop import Shop

pytestmark = pytest.mark.usefixtures("ada")


def test_errors_are_their_own_requests(shop, together):
    shop.post("notifications", to_ada("used"), **{"Idempotency-Key": "used"})
    answers = together(
        (to_ada(), "a"),
        (to_ada(user_id="nobody"), "b"),
        (to_ada("another"), "used"),
        (to_ada("used"), "used"),
        (to_ada("x" * 300_000), "d"),
        (to_ada(), "c"),
    )
    assert kinds(answers) == [
        202,
        "/problems/unknown-recipient",
        "/problems/idempotency-mismatch",
        202,
        "/problems/payload-too-large",
        202,
    ]
    assert Notification.objects.count() == 4, "one before, and two of these"


def test_an_unexpected_error_is_its_own_requests(shop, together, monkeypatch):
    def broken(publisher_id, data, *args, **options):
        if data["content"]["body"] == "broken":
            raise RuntimeError("a mistake of ours")
        return draft(publisher_id, data, *args, **options)

    draft = drafts._draft
    monkeypatch.setattr(drafts, "_draft", broken)
    shop.http.raise_request_exception = False
    answers = together((to_ada(), None), (to_ada("broken"), None), (to_ada(), None))
    assert kinds(answers) == [202, "/problems/internal-error", 202]


def test_an_answer_that_cannot_be_made_is_its_own_requests(shop, together, monkeypatch):
    def broken(row, *more):
        if row.reference == "broken":
            raise RuntimeError("a mistake of ours")
        return accepted(row, *more)

    accepted = presenters.accepted
    monkeypatch.setattr(presenters, "accepted", broken)
    shop.http.raise_request_exception = False
    answers = together((to_ada(), None), (to_ada(reference="broken"), None), (to_ada(), None))
    assert kinds(answers) == [202, "/problems/internal-error", 202]
    assert Notification.objects.count() == 3, "one before, and two of these"


def test_in_a_callers_transaction_an_unexpected_error_is_its_own_requests(shop):
    def request(body: Callable[..., object]) -> PublishRequest:
        return PublishRequest(shop.id, None, (), lambda *_: [], body)

    def fail(_: object) -> object:
        raise RuntimeError("a mistake of ours")

    with transaction.atomic():
        good, bad = group_commit.commit_within([request(lambda _: {}), request(fail)])
    assert isinstance(good, IdempotentAnswer)
    assert isinstance(bad, RuntimeError)


REFUSE = """
CREATE FUNCTION refuse_bad() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.collapse_key = 'bad' THEN
        RAISE EXCEPTION 'not this one' USING ERRCODE = 'lock_not_available';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_bad BEFORE INSERT ON delivery_notification
    FOR EACH ROW EXECUTE FUNCTION refuse_bad();
"""


@pytest.fixture
def bad_is_refused(shop: Shop, execute) -> Iterator[None]:
    """The database refuses what has the collapse key ``bad``."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSE)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION refuse_bad() CASCADE")


@pytest.mark.usefixtures("bad_is_refused")
def test_what_the_database_refuses_fails_alone(together):
    answers = together((to_ada(), "a"), (to_ada(collapse_key="bad"), "b"), (to_ada("other"), None))
    assert kinds(answers) == [202, "/problems/unavailable", 202]
    assert Notification.objects.count() == 3
