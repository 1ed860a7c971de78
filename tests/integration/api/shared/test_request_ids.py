"""Each answer names its request, as the caller named it or as we did."""

import re
from typing import Any

import pytest

from apps.topics.api import topic_views
from tests.support.publishers.api_client import Api

MADE = re.compile("[0-9a-f]{32}")


def asked(api: Api, sent: str, path: str = "topics", status: int = 200, **headers: str) -> Any:
    """Return the answer's body; its headers are the client's."""
    own = {"Authorization": f"Bearer {api.key}", "X-Request-ID": sent, **headers}
    return api.call("get", path, status=status, headers=own)


def test_an_answer_has_the_id_of_its_request(api: Api):
    asked(api, "checkout-7.1")
    assert api.headers["X-Request-ID"] == "checkout-7.1"


@pytest.mark.parametrize("sent", ["", "ada@example.com", "x" * 129, "a b"])
def test_another_id_is_made_where_a_request_has_none_that_is_well_formed(api: Api, sent: str):
    asked(api, sent)
    first = api.headers["X-Request-ID"]
    asked(api, sent)
    assert MADE.fullmatch(first) and MADE.fullmatch(api.headers["X-Request-ID"])
    assert api.headers["X-Request-ID"] != first


def test_refusals_have_it_too(api: Api):
    for path, status, headers in (
        ("nothing", 404, {}),
        ("topics", 401, {"Authorization": "Bearer x"}),
        ("topics", 400, {"Host": "evil.example"}),
    ):
        problem = asked(api, "mine", path, status, **headers)
        assert api.headers["X-Request-ID"] == "mine"
        assert "request_id" not in problem, "the caller's own mistake is explained in the answer"


def test_a_fault_of_ours_names_it_in_the_problem(api: Api, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(topic_views.selectors, "visible_topics", broken)
    assert asked(api, "mine", status=500)["request_id"] == "mine"
