"""A new encryption key replaces the old one beside the running service, and nothing is lost."""

import io
import threading
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.core.management import call_command
from django.db.models import BinaryField, F

from apps.core import clock
from apps.delivery.models import Delivery, Notification
from apps.delivery.monitoring.metrics import exposition
from apps.delivery.receipts import processing
from apps.operators.signin import second_factor
from apps.preferences import links, vault
from apps.preferences.models import Contact
from apps.privacy import erasure, tasks
from apps.privacy.keys import rotation
from apps.privacy.keys.columns import COLUMNS
from apps.privacy.models import EncryptionKey, Erasure
from config.secrets import fresh
from tests.support.database import locks_of, run_and_close
from tests.support.personal import search
from tests.support.personal.marked_person import ADA, MAIL, MARK, Person
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO

NEW = fresh()["NOTIFIER_ENCRYPTION_KEYS"].partition(":")[2]


@pytest.fixture
def person(shop, work, phone, outside, callback, fresh_counters) -> Person:
    return Person(shop, work, phone, outside)


@pytest.fixture
def restarted(settings):
    """Set keys, as after a restart of every process; ``old`` stands for the tests' own."""
    old = settings.ENCRYPTION_KEYS

    def restart(keys: str, link_keys: str = "") -> None:
        settings.ENCRYPTION_KEYS = keys.replace("old", old)
        settings.LINK_KEYS = link_keys.replace("old", old)
        vault.keyring.cache_clear()
        links.keys.cache_clear()

    yield restart
    vault.keyring.cache_clear()
    links.keys.cache_clear()


def rotate(*arguments: str) -> tuple[int, str]:
    """Run the command: its exit code and what it says."""
    output = io.StringIO()
    try:
        call_command("rotate_keys", *arguments, stdout=output)
    except SystemExit as ended:
        return ended.code, output.getvalue()
    return 0, output.getvalue()


def test_every_column_of_bytes_is_rotated_or_a_hash():
    found = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            one = field.base_field if isinstance(field, ArrayField) else field
            if isinstance(one, BinaryField):
                found.add((model._meta.db_table, field.column))
    rotated = {(column.model._meta.db_table, column.name) for column in COLUMNS}
    assert found == rotated | search.HASHES
    assert not rotated & search.HASHES


def test_everything_is_read_with_the_new_key_alone_afterwards(person, shop, operator, restarted):
    person.plant(operator)
    shop.post("status-webhooks", {"url": "https://example.com/x", "events": ["dead"]}, status=201)
    hook = Contact.objects.filter(channel="webhook").exclude(secret=None).first()
    former = vault.seal_secret(f"{MARK}-former", bytes(hook.address_index))
    Contact.objects.filter(pk=hook.pk).update(former_secrets=[former, former])
    processing.store("sendgrid", f"{MARK}=1", b"[]")
    row = Erasure(id=Notification.objects.first().pk, subject=b"s" * 16)
    row.user_id = vault.keyring().encrypt(MARK.encode(), erasure.context(row.pk))
    row.numbers = vault.keyring().encrypt(MARK.encode(), erasure.numbers_context(row.pk))
    row.save()
    second_factor.begin(User.objects.create_user("operator-with-a-phone"))
    marks = person.traces().marks
    before = search.in_tables(marks).keys()
    assert {str(one) for one in COLUMNS if rotation.others(one)} == set()

    restarted(f"2:{NEW},old")
    assert {str(one) for one in COLUMNS if rotation.others(one)} == {str(one) for one in COLUMNS}
    code, said = rotate()
    assert code == 0 and "Everything is encrypted with key 2." in said, said

    restarted(f"2:{NEW}")
    assert search.in_tables(marks).keys() == before, "every value is decrypted there"
    hook.refresh_from_db()
    index = bytes(hook.address_index)
    secrets = [vault.open_secret(bytes(one), index) for one in hook.former_secrets]
    assert secrets == [f"{MARK}-former"] * 2
    assert vault.open_secret(bytes(hook.secret), index)
    assert bytes(Contact.objects.get(recipient__user_id=ADA, channel="email").address_index) == (
        vault.index_of("email", MAIL)
    ), "hashes have their own key"


def test_what_is_sent_while_keys_change_arrives(shop, work, outside, restarted):
    recipient("ada", email="ada@example.com")
    shop.post("notifications", {"user_id": "ada", "content": HELLO})
    restarted(f"2:{NEW},old")
    shop.post("notifications", {"user_id": "ada", "content": HELLO})
    assert rotate()[0] == 0
    restarted(f"2:{NEW}", link_keys="old")
    work()
    assert sorted(Delivery.objects.values_list("channel", "state")) == [
        ("email", "accepted"),
        ("email", "accepted"),
        ("inbox", "delivered"),
        ("inbox", "delivered"),
    ]


@pytest.mark.django_db(transaction=True)
def test_no_writers_change_is_lost_and_nobody_waits(restarted):
    ada = recipient("ada", email="ada@example.com").contacts.get(channel="email")
    bob = recipient("bob", email="bob@example.com").contacts.get(channel="email")
    restarted(f"2:{NEW},old")
    index = bytes(ada.address_index)
    new = vault.seal_secret("written meanwhile", index)
    column = next(one for one in COLUMNS if str(one) == "preferences_contact.address")
    with locks_of("UPDATE preferences_contact SET secret = %s WHERE id = %s", new, ada.pk):
        assert sum(batch.rewritten for batch in rotation.rewrite(column)) == 3
        assert rotation.others(column) == {1: 1}, "the locked one is left for the next pass"
    assert rotate()[0] == 0
    restarted(f"2:{NEW}")
    ada.refresh_from_db()
    bob.refresh_from_db()
    assert vault.open_secret(bytes(ada.secret), index) == "written meanwhile"
    assert vault.open(bytes(ada.address), index) == "ada@example.com"
    assert vault.open(bytes(bob.address), bytes(bob.address_index)) == "bob@example.com"


@pytest.mark.django_db(transaction=True)
def test_a_writer_waits_for_a_batch_and_its_change_stays(restarted, monkeypatch):
    ada = recipient("ada", email="ada@example.com").contacts.get(channel="email")
    restarted(f"2:{NEW},old")
    index = bytes(ada.address_index)
    moved = vault.keyring().encrypt(b"Ada@example.com", vault.address_context(index))
    writer = threading.Thread(
        target=run_and_close,
        args=[lambda: Contact.objects.filter(pk=ada.pk).update(address=moved)],
    )
    encrypted_anew = rotation._encrypted_anew

    def after_the_writer_began(*arguments):
        if not writer.ident:
            writer.start()
        return encrypted_anew(*arguments)

    monkeypatch.setattr(rotation, "_encrypted_anew", after_the_writer_began)
    code, _ = rotate()
    writer.join()
    assert code == 0
    ada.refresh_from_db()
    assert vault.open(bytes(ada.address), index) == "Ada@example.com"


def test_an_interrupted_run_goes_on_where_it_was(db, restarted, monkeypatch):
    monkeypatch.setattr(rotation, "AT_ONCE", 2)
    monkeypatch.setattr(rotation, "WINDOW", 3)
    for number in range(8):
        recipient(f"p{number}")
    restarted(f"2:{NEW},old")
    column = next(one for one in COLUMNS if str(one) == "preferences_contact.address")
    run = rotation.rewrite(column)
    next(run)
    run.close()
    assert rotation.others(column) == {1: 6}
    code, said = rotate()
    assert code == 0 and "preferences_contact.address: 6 rows" in said
    assert rotation.others(column) == {}


def test_an_old_key_is_needed_while_anything_has_it(db, restarted):
    recipient("ada", email="ada@example.com")
    restarted(f"2:{NEW},old")
    code, said = rotate("--check")
    assert code == 1
    assert "preferences_contact.address: 2 are encrypted with key 1" in said
    assert "Nothing needs" not in said
    assert rotate()[0] == 0
    assert rotate("--check")[0] == 0


def test_what_cannot_be_decrypted_stays_and_keeps_the_command_from_saying_that_keys_can_go(
    db, restarted
):
    ada = recipient("ada", email="ada@example.com").contacts.get(channel="email")
    broken = bytes(ada.address)[:-1] + b"?"
    Contact.objects.filter(pk=ada.pk).update(address=broken)
    restarted(f"2:{NEW},old")
    code, said = rotate()
    assert code == 1
    assert "preferences_contact.address: 1 rows cannot be decrypted, and stay" in said
    assert "Needed beside key 2: 1." in said
    ada.refresh_from_db()
    assert bytes(ada.address) == broken


def test_what_is_too_short_to_name_a_key_is_counted_and_stays(db, restarted):
    ada = recipient("ada", email="ada@example.com").contacts.get(channel="email")
    Contact.objects.filter(pk=ada.pk).update(address=b"?")
    code, said = rotate()
    assert code == 1
    assert "preferences_contact.address: 1 name no key" in said


def a_year_on() -> None:
    """Have all keys come first more than a year earlier."""
    EncryptionKey.objects.update(first_at=F("first_at") - timedelta(days=400))


def test_links_in_messages_need_the_old_key_for_a_year(db, restarted):
    recipient("ada")
    restarted(f"2:{NEW},old")
    code, said = rotate()
    assert code == 0
    until = clock.moment() + timedelta(days=links.VALID_DAYS + 1)
    assert f"made with 1 are valid until {until:%Y-%m-%d}" in said
    assert "Nothing needs" not in said
    a_year_on()
    assert "Nothing needs 1 any more" in rotate("--check")[1]


def test_links_count_from_when_the_new_key_came_first_in_the_rotation_that_is_documented(
    db, restarted
):
    recipient("ada")
    Contact.objects.update(created_at=clock.moment() - timedelta(days=1000))
    tasks.purge.apply(throw=True)
    restarted(f"old,2:{NEW}")
    tasks.purge.apply(throw=True)
    assert age() == pytest.approx(1000 * 86_400, abs=3600)
    code, said = rotate()
    assert code == 0 and "2" not in said.partition("key 1.")[2], "it was never first"
    restarted(f"2:{NEW},old")
    code, said = rotate()
    until = clock.moment() + timedelta(days=links.VALID_DAYS + 1)
    assert code == 0 and f"made with 1 are valid until {until:%Y-%m-%d}" in said, said
    assert "Nothing needs" not in said
    assert age() < 3600, "the new one is in use since it came first"
    a_year_on()
    assert "Nothing needs 1 any more: take it out." in rotate()[1]


def test_a_key_that_was_behind_before_keys_were_noted_is_in_use_only_once_it_comes_first(
    db, restarted
):
    recipient("ada")
    Contact.objects.update(created_at=clock.moment() - timedelta(days=1000))
    restarted(f"old,2:{NEW}")
    tasks.purge.apply(throw=True)
    restarted(f"2:{NEW},old")
    assert "made with 1 are valid until" in rotate()[1]
    assert age() < 3600


def test_a_key_that_comes_first_again_keeps_its_age_and_links_count_from_then(db, restarted):
    recipient("ada")
    Contact.objects.update(created_at=clock.moment() - timedelta(days=1000))
    tasks.purge.apply(throw=True)
    restarted(f"2:{NEW},old")
    assert rotate()[0] == 0
    restarted(f"old,2:{NEW}")
    code, said = rotate()
    assert code == 0 and "made with 2 are valid until" in said, said
    assert age() == pytest.approx(1000 * 86_400, abs=3600)


def test_links_with_keys_of_their_own_need_none(db, restarted):
    recipient("ada")
    restarted(f"2:{NEW},old", link_keys=f"2:{NEW},old")
    assert "Nothing needs 1 any more: take it out." in rotate()[1]


def age() -> float:
    [line] = [
        one
        for one in exposition().decode().splitlines()
        if one.startswith("notifier_encryption_key_age_seconds ")
    ]
    return float(line.rpartition(" ")[2])


def test_the_age_of_the_oldest_key_in_use_is_measured(db, restarted):
    recipient("ada")
    Contact.objects.update(created_at=clock.moment() - timedelta(days=100))
    tasks.purge.apply(throw=True)
    assert age() == pytest.approx(100 * 86_400, abs=3600)
    restarted(f"2:{NEW},old")
    tasks.purge.apply(throw=True)
    assert age() == pytest.approx(100 * 86_400, abs=3600), "the old one is in use"
    assert rotate()[0] == 0
    assert age() < 3600
