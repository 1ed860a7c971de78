"""A serializer's name says what it is for: a body, a query or a response."""

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from drf_spectacular.drainage import get_override
from rest_framework.serializers import Serializer

from apps.api.openapi import ProblemDetails, ProblemError
from apps.api.serializers import QueryParameters, StrictSerializer
from apps.topics.retry_policies import RetryPolicyField
from tests.support.pages import ROOT

#: Classes that the others are derived from, those of the document alone (RFC 9457 names them), and
#: a field that is both read and written.
OTHERS = {QueryParameters, StrictSerializer, ProblemDetails, ProblemError, RetryPolicyField}


def derived(base: type) -> Iterator[type]:
    for one in base.__subclasses__():
        yield one
        yield from derived(one)


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.fixture(scope="module")
def found() -> list[type]:
    for path in (ROOT / "apps").rglob("*.py"):
        if "rializer" in path.read_text() and "migrations" not in path.parts:
            import_module(module(path).removesuffix(".__init__"))
    every = {one for one in derived(Serializer) if one.__module__.startswith("apps.")} - OTHERS
    assert len(every) > 80
    return sorted(every, key=lambda one: one.__name__)


def test_serializers_of_bodies_queries_and_responses_have_a_suffix_each(found):
    def suffix(one: type) -> str:
        if issubclass(one, QueryParameters):
            return "Query"
        return "In" if issubclass(one, StrictSerializer) else "Out"

    assert [one.__name__ for one in found if not one.__name__.endswith(suffix(one))] == []


def test_no_serializer_takes_the_component_of_the_one_it_is_derived_from(found):
    components = Counter(get_override(one, "component_name", one.__name__) for one in found)
    assert [name for name, number in components.items() if number > 1] == []
