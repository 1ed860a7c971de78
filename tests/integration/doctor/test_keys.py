"""What ``manage.py doctor`` says of the keys, and of what is encrypted with them."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command

from apps.core import clock
from apps.doctor.checks import keys
from apps.doctor.findings import Level
from apps.preferences import vault
from apps.preferences.models import Contact
from apps.privacy.keys import usage
from config.secrets import fresh
from tests.integration.doctor.conftest import only
from tests.support.publishers.people import recipient

NEW = fresh()
KEY = NEW["NOTIFIER_ENCRYPTION_KEYS"].partition(":")[2]


@pytest.fixture
def configured(settings):
    """Set keys, as after a restart with other settings; ``present`` stands for the tests' own."""

    def configure(**values: str) -> None:
        for name, value in values.items():
            setattr(settings, name, value.replace("present", settings.ENCRYPTION_KEYS))
        vault.keyring.cache_clear()

    yield configure
    vault.keyring.cache_clear()


@pytest.fixture
def ada(db):
    return recipient("ada", email="ada@example.com", sms="+12025550123")


def test_nothing_is_said_of_keys_with_which_everything_can_be_read(doctor, ada):
    assert doctor("keys") == []


def test_nothing_is_said_where_nothing_is_stored(doctor):
    assert doctor("keys") == []


def test_a_key_that_is_missing_is_an_error(doctor, ada, configured):
    configured(ENCRYPTION_KEYS=f"7:{KEY}")
    found = only(doctor("keys"), Level.ERROR, "encryption key 1 is not configured")
    assert "put it back" in found.remedy


def test_another_key_under_the_same_id_is_an_error(doctor, ada, configured):
    configured(ENCRYPTION_KEYS=f"1:{KEY}")
    assert "new id" in only(doctor("keys"), Level.ERROR, "3 of 3 contacts cannot be read").remedy


def test_another_blind_index_key_is_an_error(doctor, ada, configured):
    configured(BLIND_INDEX_KEY=NEW["NOTIFIER_BLIND_INDEX_KEY"])
    only(doctor("keys"), Level.ERROR, "3 of 3 contacts are not found by their address")


def test_a_key_that_has_been_in_use_for_years_is_a_warning(doctor, ada):
    Contact.objects.update(created_at=clock.moment() - keys.LONGEST - timedelta(days=1))
    found = only(doctor("keys"), Level.WARNING, "encryption key 1 is in use since")
    assert "2:" in found.remedy


def test_an_earlier_key_is_a_warning_until_nothing_is_encrypted_with_it(doctor, ada, configured):
    Contact.objects.update(created_at=clock.moment() - keys.LONGEST - timedelta(days=1))
    usage.note()
    configured(ENCRYPTION_KEYS=f"2:{KEY},present", LINK_KEYS=f"2:{KEY}")
    found = only(doctor("keys"), Level.WARNING, "encryption key 1 is still in use, since")
    assert "run rotate_keys" in found.remedy
    call_command("rotate_keys", stdout=io.StringIO())
    [found] = doctor("keys")
    assert found.message == "nothing needs encryption key 1 any more"
    configured(ENCRYPTION_KEYS=f"2:{KEY}")
    assert doctor("keys") == []


def test_an_earlier_key_is_fine_while_links_in_messages_need_it(doctor, ada, configured):
    configured(ENCRYPTION_KEYS=f"2:{KEY},present")
    call_command("rotate_keys", stdout=io.StringIO())
    assert doctor("keys") == []


def test_nothing_is_said_of_a_key_that_was_never_first(doctor, ada, configured):
    usage.note()
    configured(ENCRYPTION_KEYS=f"present,2:{KEY}")
    usage.note()
    assert doctor("keys") == []
