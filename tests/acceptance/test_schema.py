"""The API is as its OpenAPI schema says: generated requests, from its owner and from others.

In process, in one transaction: each request is made on the same rows and then undone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import TestCase, override_settings
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
)
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from apps.delivery.status_webhooks import health
from apps.publishers import services
from apps.publishers.scopes import Scope
from config.wsgi import application
from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.api_client import Api
from tests.support.publishers.lookups import forget_lookups
from tests.support.publishers.publisher_objects import create_one_of_everything, path_parameters

SECRET = "0123456789abcdef0123456789abcdef"
SETTINGS = {
    "RATE_PER_SECOND": 10**6,
    "QUOTA_PER_DAY": 10**9,
    "HIGH_RATE_PER_SECOND": 10**6,
    "INBOX_TOKENS": {
        "secret": SECRET,
        "jwks_url": "",
        "issuer": "",
        "audience": "",
        "longest": 600.0,
    },
}
#: All of Schemathesis's checks of single requests but ``positive_data_acceptance``: a schema cannot
#: say which recipients, topics and cursors there are, so what it allows is often refused.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    allow_header_conformance,
]
#: Valid and invalid requests. Who asks is said by ``check``.
GENERATION = GenerationConfig(modes=list(GenerationMode), with_security_parameters=False)
#: Bulk calls, whose odd items do not fail the call: their results carry the problem.
BULK = {
    "POST /v1/notifications/batch",
    "POST /v1/recipients/bulk",
    "POST /v1/topics/{name}/subscriptions",
}


def described(config: schemathesis.Config) -> Any:
    # Not asked for over HTTP: this is run before there is a database for tests.
    document = SchemaGenerator().get_schema(request=None, public=True)
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = application
    return schema


def config(*, coverage: bool) -> schemathesis.Config:
    """With or without a case for each boundary of each value."""
    phases = PhasesConfig(
        coverage=CoveragePhaseConfig(enabled=coverage, generate_duplicate_query_parameters=True)
    )
    project = ProjectConfig(phases=phases, generation=GENERATION)
    return schemathesis.Config(projects=ProjectsConfig(default=project))


thorough, brief = described(config(coverage=True)), described(config(coverage=False))
#: Values of a path's parameters, see ``create_one_of_everything``.
there: dict[str, str] = {}


@pytest.fixture(scope="module")
def publishers(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Api, Api]]:
    """A publisher that owns one of everything, and another publisher."""
    with (
        django_db_blocker.unblock(),
        override_settings(**SETTINGS),
        pytest.MonkeyPatch.context() as patch,
        undone(),
    ):
        patch.setattr(health, "WAIT", 0.0)  # no worker is there, and nothing committed
        forget_lookups()
        made = []
        for name in ("owner", "other"):
            _, key = services.create_key(services.create_publisher(name).pk, tuple(Scope))
            made.append(Api(name, key, TestCase.captureOnCommitCallbacks))
        there.update(create_one_of_everything(*made))
        for signal in (request_started, request_finished):  # they would end the transaction
            signal.disconnect(close_old_connections)
        yield made[0], made[1]
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    forget_lookups()


@contextmanager
def undone() -> Iterator[None]:
    """A transaction that is rolled back; a durable one may begin in it, as in Django's tests."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


def real_path(case: Any) -> dict[str, str]:
    """The path's parameters, of the owner's own."""
    return {**(case.path_parameters or {}), **path_parameters(case.operation.path, there)}


def check(
    case: Any, bearer: str, path_parameters: dict[str, Any], *also: Callable[..., Any]
) -> None:
    """Make the request; its answer has to be one that the schema describes."""
    case.path_parameters = path_parameters
    headers = {"Authorization": f"Bearer {bearer}"}
    with undone():
        answer = case.call(headers=headers)
    checks = [*CHECKS, *also]
    if case.operation.path == "/v1/recipients/bulk":  # one of a person of this name, by GET and PUT
        checks = [check for check in checks if check is not allow_header_conformance]
    if case.operation.label in BULK and answer.status_code < 300 and has_an_error(answer.json()):
        checks = [check for check in checks if check is not negative_data_rejection]
    if answer.status_code == 413:  # a rejection, too, which Schemathesis does not count as one
        checks = [check for check in checks if check is not negative_data_rejection]
    case.validate_response(answer, checks=checks, headers=headers)
    if case.method != "GET" and answer.status_code < 400:  # else nothing was changed and undone
        forget_lookups()


def has_an_error(answered: Any) -> bool:
    """Return whether a bulk call says that one of its items failed."""
    return any(one["status"] == "error" for one in answered.get("results", ()))


def examples(number: int) -> settings:
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def keys(case: Any, publishers: tuple[Api, Api]) -> list[str]:
    """Bearer tokens of the owner and of the other publisher."""
    if case.operation.path.startswith("/v1/inbox"):
        return [sign(lasting({"sub": user_id}), SECRET) for user_id in ("ada", "bob")]
    return [publisher.key for publisher in publishers]


@pytest.mark.django_db
@thorough.parametrize()
@examples(5)
def test_what_the_owner_is_answered_is_in_the_schema(
    case: Any, publishers: tuple[Api, Api]
) -> None:
    made_up = case.path_parameters
    mine, _ = keys(case, publishers)
    check(case, mine, real_path(case))
    if made_up and case.method in ("GET", "DELETE"):  # else its body would hardly be looked at
        check(case, mine, made_up)


@pytest.mark.django_db
@brief.parametrize()
@examples(3)
def test_what_others_are_answered_is_in_the_schema(case: Any, publishers: tuple[Api, Api]) -> None:
    made_up = case.path_parameters or {}
    mine, others = keys(case, publishers)
    check(case, mine, made_up)
    check(
        case, mine, real_path(case), ignored_auth
    )  # asks again without a key and with a wrong one
    check(case, others, real_path(case))
    check(case, "ntf_0000000000_no-key", made_up)
