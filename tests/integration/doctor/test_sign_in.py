"""What ``manage.py doctor`` says of how operators log in."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.doctor.findings import Level
from tests.integration.doctor.conftest import only
from tests.support.fakes import openid_provider
from tests.support.fakes.openid_provider import Provider


@pytest.fixture
def idp(settings: Any) -> Iterator[Provider]:
    with openid_provider.serving() as found:
        settings.OIDC = found.settings()
        yield found


def test_nothing_is_said_of_a_provider_that_answers(idp: Provider, doctor):
    assert doctor("sign-in") == []


def test_a_provider_that_does_not_answer_is_an_error(idp: Provider, doctor, settings: Any):
    settings.OIDC = idp.settings(issuer="http://127.0.0.1:9")
    only(doctor("sign-in"), Level.ERROR, "has no discovery document: ConnectionError")


def test_an_issuer_that_is_spelt_otherwise_is_an_error(idp: Provider, doctor, settings: Any):
    settings.OIDC = idp.settings(issuer=f"{idp.issuer}/")
    found = only(doctor("sign-in"), Level.ERROR, f"calls itself {idp.issuer}")
    assert found.remedy == f"set NOTIFIER_OIDC_ISSUER={idp.issuer}"


def test_a_document_that_is_not_accepted_is_an_error(idp: Provider, doctor):
    idp.odd = {"id_token_signing_alg_values_supported": ["HS256"]}
    only(doctor("sign-in"), Level.ERROR, "has none of those that are accepted")


def test_a_clock_that_is_off_the_providers_is_an_error(idp: Provider, doctor):
    idp.clock_off = -3600.0
    only(doctor("sign-in"), Level.ERROR, "s off the OpenID provider's")


def test_without_a_provider_nothing_is_asked(db: None, doctor):
    assert doctor("sign-in") == []
