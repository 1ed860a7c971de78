"""How often a person wants what may wait, read and written with their own token."""

import pytest

from apps.preferences.models import DigestChoice
from apps.publishers.models import AuditEvent

pytestmark = pytest.mark.django_db

WEEKLY = {"category": "offers", "cadence": "weekly"}
DAILY = {"category": None, "cadence": "daily"}


@pytest.fixture
def ada(api, inbox):
    api.put("recipients/ada", {"digests": [{"cadence": "hourly"}]}, status=201)
    return inbox("ada")


def test_a_person_replaces_what_a_service_chose_and_the_service_leaves_it(api, ada):
    assert ada.get("me")["digests"] == [{"category": None, "cadence": "hourly"}]
    assert ada.patch("me", {"digests": [WEEKLY, {"cadence": "daily"}]})["digests"] == [
        DAILY,
        WEEKLY,
    ]
    event = AuditEvent.objects.latest("id")
    assert event.before == {"digests": [{"category": None, "cadence": "hourly"}]}
    assert event.after == {"digests": [DAILY, WEEKLY]}
    written = api.put("recipients/ada", {"digests": [{"cadence": "at_once"}]})
    assert written["digests"] == [DAILY, WEEKLY]
    assert ada.patch("me", {"locale": "de"})["digests"] == [DAILY, WEEKLY]
    assert ada.patch("me", {"digests": []})["digests"] == []
    assert not DigestChoice.objects.exists()


@pytest.mark.parametrize(
    "digests",
    [
        [{"category": "offers"}],
        [{"cadence": "yearly"}],
        [WEEKLY, {"category": "Offers", "cadence": "daily"}],
        [{"cadence": "daily"}, {"category": None, "cadence": "daily"}],
        {"offers": "weekly"},
    ],
)
def test_what_cannot_be_chosen_is_refused_and_changes_nothing(ada, digests):
    ada.patch("me", {"digests": digests}, status=400)
    assert ada.get("me")["digests"] == [{"category": None, "cadence": "hourly"}]
