"""A compiled serializer returns what the serializer does, or defers to it."""

import copy
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from apps.api import serializers
from apps.api.compiled_serializers import FALLBACK_ERRORS, compile_reader
from apps.api.problems import Problem
from apps.api.serializers import StrictSerializer, read, shared_serializer
from apps.core import clock
from apps.delivery.api.publishing.serializers import NotificationIn, PublishIn

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.just(1.5),
    st.sampled_from(["", " ", "\0", "\ud800", "\u2800", "ü", " ada", "a/b", "x" * 600]),
    st.just([]),
    st.just({}),
    st.just(["push", "push"]),
    st.just({"body": "Hello"}),
)


def maybe(*good: Any) -> st.SearchStrategy:
    """A value that is mostly valid."""
    return st.one_of(st.sampled_from(good), st.sampled_from(good), st.sampled_from(good), ODD)


CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "title": maybe("Order A-7", ""),
        "body": maybe("It is on its way.", "", "🎉"),
        "data": maybe({}, {"a": {"b": [1]}}),
        "actions": maybe({}, {"Track": "https://example.com/7"}, {"Track": "javascript:x"}),
        "severity": maybe("info", "error"),
        "display_type": maybe("inbox", "popup"),
        "source": maybe("shop", ""),
        "colour": st.just("red"),
    },
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "user_id": maybe("ada", "ada", "bob"),
        "user_ids": st.one_of(maybe(["ada"], ["ada", "bob", "ada"]), st.lists(ODD, max_size=2)),
        "content": st.one_of(CONTENTS, CONTENTS, CONTENTS, ODD),
        "template": maybe({"name": "welcome"}, {"name": "welcome", "version": 2, "variables": {}}),
        "priority": maybe("high", "low"),
        "channels": maybe(["push"], ["push", "email", "push"]),
        "fallback": maybe({"channel": "sms", "after_seconds": 60}),
        "send_at": maybe("2030-01-01T00:00:00Z", "2020-01-01"),
        "expires_at": maybe("2999-01-01T00:00:00+02:00", "2020-01-01T00:00:00Z"),
        "collapse_key": maybe("c"),
        "ordering_key": maybe("o"),
        "reference": maybe("order-7"),
        "metadata": maybe({"tenant": "blau"}, {"tenant": 7}),
        "deduplicate_seconds": maybe(60),
    },
)


def outcome(reading: Any, *args: Any) -> tuple[str, Any]:
    try:
        return "read", reading(*args)
    except ValidationError as error:
        return "refused", error.detail
    except Problem as problem:
        return "refused", problem.body()


@given(BODIES)
def test_what_is_read_and_what_is_refused_is_the_same_as_without_it(body):
    clock.synchronize(time.time())  # no database is asked
    for kind in (NotificationIn, PublishIn):
        before = copy.deepcopy(body)
        assert outcome(read, kind, body) == outcome(serializers._read_with_drf, kind, body)
        assert body == before


def test_what_is_plainly_valid_needs_no_other_look():
    reader = compile_reader(shared_serializer(NotificationIn), StrictSerializer)
    for body in (
        {"user_id": "ada", "content": {"body": "Hello"}},
        {
            "user_ids": ["ada", "bob"],
            "channels": ["push"],
            "priority": "high",
            "content": {"title": "Grüße", "data": {"a": [1]}, "actions": {"Go": "https://a.de"}},
            "collapse_key": "c",
            "deduplicate_seconds": 60,
        },
        {"user_id": "ada", "template": {"name": "welcome", "variables": {"a": 1}}},
        {"user_id": "ada", "template": {"name": "welcome"}, "content": {"severity": "error"}},
    ):
        assert reader(body) == serializers._read_with_drf(NotificationIn, body)


def test_a_serializer_with_a_reading_of_its_own_is_asked_itself():
    class Own(StrictSerializer):
        def to_internal_value(self, data: Any) -> Any:
            return {"seen": data}

    try:
        compile_reader(Own(), StrictSerializer)({})
    except FALLBACK_ERRORS:
        assert read(Own, {"a": 1}) == {"seen": {"a": 1}}
    else:
        raise AssertionError("it was compiled")
