"""The providers' settings as read from the environment."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.providers import accounts, entries, keywords

REAL, SANDBOX = "https://api.twilio.com", "https://127.0.0.1:8093"
HERE, OUTSIDE = "http://127.0.0.1:8000", "https://notify.example.com/"
OWN = "https://hooks.example.com/sms?a=b"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(env, "SETTINGS", list(env.SETTINGS))
    monkeypatch.setattr(env, "UNLISTED", set())

    def run(public_url: str, **variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(f"NOTIFIER_{name}", value)
        found = entries.configured(public_url)
        env.check(accounts.explain_unknown)
        return found

    return run


@pytest.mark.parametrize(
    ("public_url", "base_url", "given", "callback"),
    [
        (OUTSIDE, REAL, "", "https://notify.example.com/v1/receipts/twilio"),
        (OUTSIDE, REAL, OWN, OWN),
        (HERE, REAL, "", ""),
        (HERE, REAL, "http://localhost/x", ""),
        (HERE, SANDBOX, "", "http://127.0.0.1:8000/v1/receipts/twilio"),
    ],
)
def test_twilio_is_given_a_callback_that_it_can_reach(
    configured, public_url, base_url, given, callback
):
    found = configured(
        public_url,
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="secret",
        TWILIO_FROM_NUMBER="+12025550100",
        TWILIO_BASE_URL=base_url,
        TWILIO_STATUS_CALLBACK=given,
    )["twilio"]
    assert found["options"]["status_callback"] == callback
    assert ("receipts" in found) == bool(callback)
    if callback:
        assert found["receipts"]["options"] == {"auth_token": "secret", "callback": callback}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "https://notify.example.com/v1/replies/twilio"),
        ({"TWILIO_REPLIES_URL": OWN}, OWN),
    ],
)
@pytest.mark.parametrize("sender", ["TWILIO_FROM_NUMBER", "TWILIO_MESSAGING_SERVICE_SID"])
def test_replies_to_twilios_sender_are_taken_at_the_url_that_it_calls(
    configured, given, url, sender
):
    account = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret", sender: "12345"}
    found = configured(OUTSIDE, **account, **given)["twilio"]
    assert found["sender"] == "12345"
    assert found["replies"]["options"] == {
        "account_sid": "AC1",
        "auth_token": "secret",
        "sender": "12345",
        "url": url,
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        ("{", "The body|JSON|column|line"),
        ("[]", "It has to be an object by language"),
        ('{"en": {"stopp": {}}}', "en has 'stopp': there are stop, start, help"),
    ],
)
def test_a_file_of_keywords_that_cannot_be_used_is_named(monkeypatch, tmp_path, content, sentence):
    file = tmp_path / "keywords.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(env, "SETTINGS", list(env.SETTINGS))
    monkeypatch.setenv("NOTIFIER_SMS_KEYWORDS_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=f"NOTIFIER_SMS_KEYWORDS_FILE.*({sentence})"):
        keywords.changes()
    file.write_text('{"en": {"help": {"answer": "Call us."}}}')
    assert keywords.changes() == {"en": {"help": {"answer": "Call us."}}}


def test_sendgrids_receipts_are_taken_with_its_key_and_without_one_none(configured):
    account = {"SENDGRID_API_KEY": "SG.1", "SENDGRID_FROM_EMAIL": "a@example.com"}
    assert "receipts" not in configured(OUTSIDE, **account)["sendgrid"]
    found = configured(OUTSIDE, **account, SENDGRID_WEBHOOK_PUBLIC_KEY="MFk=")
    assert found["sendgrid"]["receipts"]["options"] == {"public_key": "MFk="}


def test_a_further_account_is_a_provider_of_its_own_behind_the_first(configured):
    found = configured(
        OUTSIDE,
        FURTHER_ACCOUNTS="twilio-backup,smtp-relay",
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="one",
        TWILIO_FROM_NUMBER="+12025550100",
        TWILIO_BACKUP_ACCOUNT_SID="AC2",
        TWILIO_BACKUP_AUTH_TOKEN="two",
        TWILIO_BACKUP_MESSAGING_SERVICE_SID="MG2",
        SMTP_RELAY_HOST="relay.example.com",
        SMTP_RELAY_PORT="2525",
        SMTP_RELAY_FROM_EMAIL="a@example.com",
        SENDGRID_API_KEY="SG.1",
        SENDGRID_FROM_EMAIL="a@example.com",
    )
    channels = {"sms": ["twilio", "twilio-backup"], "email": ["sendgrid", "smtp-relay"]}
    for channel, names in channels.items():
        assert [name for name in found if found[name]["channel"] == channel] == names
    first, second = found["twilio"]["options"], found["twilio-backup"]["options"]
    assert (first["account_sid"], second["account_sid"]) == ("AC1", "AC2")
    assert found["twilio-backup"]["receipts"]["options"] == {
        "auth_token": "two",
        "callback": "https://notify.example.com/v1/receipts/twilio-backup",
    }
    assert found["smtp-relay"]["options"]["port"] == 2525
    assert not any("BACKUP" in setting.name for setting in env.SETTINGS), "the reference has none"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("twilio-backup", "NOTIFIER_TWILIO_BACKUP_ACCOUNT_SID, .* is not set"),
        ("pigeon-post", "it takes twilio, sendgrid, smtp, a hyphen and a word"),
        ("twilio", "'twilio'"),
    ],
)
def test_a_further_account_that_cannot_be_is_named(configured, name, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        configured(OUTSIDE, FURTHER_ACCOUNTS=name)


def test_a_port_that_is_none_is_named(configured):
    with pytest.raises(ImproperlyConfigured, match="NOTIFIER_SMTP_PORT must be a whole number"):
        configured(OUTSIDE, SMTP_HOST="mail.example.com", SMTP_PORT="smtp")


@pytest.mark.parametrize("sender", ["Ada <a@example.com>", "example.com", "a @example.com"])
@pytest.mark.parametrize(
    "account", [{"SENDGRID_API_KEY": "SG.1"}, {"SMTP_HOST": "mail.example.com"}], ids=str
)
def test_a_sender_that_no_mail_can_have_is_named(configured, account, sender):
    [name] = account
    setting = f"{name.split('_')[0]}_FROM_EMAIL"
    with pytest.raises(ImproperlyConfigured, match=f"NOTIFIER_{setting} must be an address"):
        configured(OUTSIDE, **account, **{setting: sender})


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        ("+1 (202) 555-0100", "+12025550100"),
        ("+15005550006", "+15005550006"),
        ("12345", "12345"),
    ],
)
def test_a_twilio_sender_is_in_the_form_in_which_a_stop_to_it_names_it(configured, written, sender):
    account = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x"}
    further = {f"TWILIO_BACKUP_{name.removeprefix('TWILIO_')}": "x" for name in account}
    found = configured(
        OUTSIDE,
        FURTHER_ACCOUNTS="twilio-backup",
        **{**account, **further},
        TWILIO_FROM_NUMBER=written,
        TWILIO_BACKUP_FROM_NUMBER=written,
    )
    for name in ("twilio", "twilio-backup"):
        entry = found[name]
        assert entry["sender"] == entry["options"]["from_number"] == sender
        assert entry["replies"]["options"]["sender"] == sender


@pytest.mark.parametrize(
    "written", ["ACME", "2025550100", "+1", "+12O25550100", "tel:+12025550100"]
)
def test_a_twilio_sender_that_is_no_number_is_refused_with_what_to_do(configured, written):
    account = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x"}
    with pytest.raises(ImproperlyConfigured, match=r"must be a number.*MESSAGING_SERVICE_SID"):
        configured(OUTSIDE, **account, TWILIO_FROM_NUMBER=written)


SENDGRID = {"SENDGRID_API_KEY": "SG.1", "SENDGRID_FROM_EMAIL": "a@example.com"}
TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x", "TWILIO_FROM_NUMBER": "12345"}
SMTP = {"SMTP_HOST": "mail.example.com", "SMTP_FROM_EMAIL": "a@example.com"}


@pytest.mark.parametrize("whole", [SENDGRID, TWILIO, SMTP])
def test_a_part_of_an_account_is_refused_whichever_part_is_missing(configured, whole, monkeypatch):
    assert len(configured(OUTSIDE, **whole)) == 3
    for missing in whole:
        for left_out in ("", None):  # empty, as templates of deployments leave it, or not there
            for name, value in whole.items():
                monkeypatch.setenv(f"NOTIFIER_{name}", value)
            if left_out is None:
                monkeypatch.delenv(f"NOTIFIER_{missing}")
            else:
                monkeypatch.setenv(f"NOTIFIER_{missing}", left_out)
            with pytest.raises(ImproperlyConfigured, match=f"NOTIFIER_{missing}.* is not set, and"):
                configured(OUTSIDE)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"APNS_TOPIC": "app"}, "NOTIFIER_APNS_KEY_FILE or NOTIFIER_APNS_CERT_FILE is not set"),
        ({"APNS_TOPIC": "app", "APNS_KEY_FILE": "KEYS"}, "KEY_ID, NOTIFIER_APNS_TEAM_ID is not"),
        ({"APNS_TOPIC": "app", "APNS_KEY_FILE": "README.md"}, "has no PRIVATE KEY----- in it"),
        ({"APNS_TOPIC": "app", "APNS_KEY_FILE": "/none"}, "'/none', which cannot be read: No such"),
        ({"FCM_SERVICE_ACCOUNT_FILE": "KEYS"}, "NOTIFIER_FCM_PROJECT_ID is not set"),
        ({"FCM_PROJECT_ID": "p"}, "NOTIFIER_FCM_SERVICE_ACCOUNT_FILE is not set"),
        (SMTP | {"SMTP_USERNAME": "me"}, "NOTIFIER_SMTP_PASSWORD is not set"),
        (SMTP | {"SMTP_TLS": "ssl"}, "NOTIFIER_SMTP_TLS must be starttls, implicit or none"),
        (SMTP | {"SMTP_PORT": "0"}, "NOTIFIER_SMTP_PORT must be a whole number from 1"),
        (SENDGRID | {"SENDGRID_BASE_URL": "api.example.com"}, "NOTIFIER_SENDGRID_BASE_URL must be"),
        (SENDGRID | {"SENDGRID_API_KEY": "SG.1\n"}, "NOTIFIER_SENDGRID_API_KEY has white space"),
        ({"CA_FILE": "/none"}, "NOTIFIER_CA_FILE says '/none'"),
        ({"PROVIDER_ORDER": "twilio"}, "NOTIFIER_PROVIDER_ORDER names twilio, which is not set up"),
        ({"WEBHOOK_ALLOWED_NETWORKS": "10.0.0.0/99"}, "must be networks such as"),
        ({"DNS_SERVERS": "dns.example"}, "NOTIFIER_DNS_SERVERS must be IP addresses such as"),
        ({"DNS_SERVERS": "10.0.0.2:0"}, "NOTIFIER_DNS_SERVERS must be IP addresses such as"),
        ({"DNS_SERVERS": "::1,[::1]:x"}, "NOTIFIER_DNS_SERVERS must be IP addresses such as"),
        ({"PROVIDER_TIMEOUT": "0"}, "NOTIFIER_PROVIDER_TIMEOUT must be a number above 0"),
        ({"PROVIDER_TIMEOUT": "nan"}, "NOTIFIER_PROVIDER_TIMEOUT must be a number above 0"),
        ({"PROVIDER_TIMEOUT": "10 s"}, "NOTIFIER_PROVIDER_TIMEOUT must be a number above 0"),
        ({"PUSH_CONCURRENCY": "-1"}, "NOTIFIER_PUSH_CONCURRENCY must be a whole number of at lea"),
    ],
)
def test_what_cannot_work_is_refused_and_named(configured, tmp_path, given, sentence):
    keys = tmp_path / "keys"
    keys.write_text('{"private_key": "-----BEGIN PRIVATE KEY-----"}')
    given = {name: str(keys) if value == "KEYS" else value for name, value in given.items()}
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        configured(OUTSIDE, **given)


def test_name_servers_are_given_with_a_port_or_without(configured):
    given = "10.0.0.2, 10.0.0.3:5353, ::1, [::1]:5353"
    found = configured(OUTSIDE, DNS_SERVERS=given, **SMTP)
    wanted = ["10.0.0.2", "10.0.0.3:5353", "::1", "[::1]:5353"]
    assert found["webhook"]["options"]["dns_servers"] == wanted
    assert found["smtp"]["options"]["dns_servers"] == wanted


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("NOTIFIER_SENDGIRD_API_KEY", "did you mean NOTIFIER_SENDGRID_API_KEY?"),
        ("NOTIFIER_SENDGRID_APIKEY", "did you mean NOTIFIER_SENDGRID_API_KEY?"),
        ("notifier_sendgrid_api_key", "did you mean NOTIFIER_SENDGRID_API_KEY?"),
        ("NOTIFER_SENDGRID_API_KEY", "did you mean NOTIFIER_SENDGRID_API_KEY?"),
        ("NOTIFIER_TWILIO_BACKUP_AUTH_TOKEN", "it would be twilio-backup's, which"),
        ("NOTIFIER_COLOUR_OF_THE_LOGO", "is no setting: correct or unset it"),
    ],
)
def test_a_name_that_nothing_reads_is_refused_with_what_was_meant(
    configured, monkeypatch, name, meant
):
    monkeypatch.setenv(name, "x")
    with pytest.raises(ImproperlyConfigured, match=re.escape(meant)) as refused:
        configured(OUTSIDE)
    assert name in str(refused.value)


def test_a_misspelt_name_is_shown_beside_what_is_missing_for_it(configured):
    with pytest.raises(ImproperlyConfigured) as refused:
        configured(OUTSIDE, SENDGIRD_API_KEY="SG.1", SENDGRID_FROM_EMAIL="a@example.com")
    assert "NOTIFIER_SENDGIRD_API_KEY is no setting" in str(refused.value)
    assert "NOTIFIER_SENDGRID_API_KEY is not set" in str(refused.value)


def test_what_kubernetes_sets_for_services_of_our_name_is_let_through(configured, monkeypatch):
    monkeypatch.setenv("NOTIFIER_WEB_SERVICE_HOST", "10.0.0.1")
    for name in ("SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP", "PORT_80_TCP_ADDR"):
        monkeypatch.setenv(f"NOTIFIER_WEB_{name}", "tcp://10.0.0.1:80")
    configured(OUTSIDE)
    monkeypatch.setenv("NOTIFIER_WEB_PORTS", "1")
    with pytest.raises(ImproperlyConfigured, match="NOTIFIER_WEB_PORTS is no setting"):
        configured(OUTSIDE)


def test_settings_that_mean_nothing_any_more_stop_nobody(configured):
    before = {f"SWEEP_AFTER_{priority}": "3" for priority in ("HIGH", "NORMAL", "LOW")}
    configured(OUTSIDE, **before)
    with pytest.raises(ImproperlyConfigured, match="NOTIFIER_SWEEP_AFTER is no setting"):
        configured(OUTSIDE, SWEEP_AFTER="3")
