"""Times in requests: taken as they are written, or refused at their pointer."""

import pytest

from tests.support.publishers.api_client import Api


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),  # .NET's "never"
        ("2030-01-01T00:00:00.123456789Z", "2030-01-01T00:00:00.123456Z"),
        ("2030-06-01T00:00:00+14:00", "2030-05-31T10:00:00Z"),
        ("2030-03-31T02:30:00+01:00", "2030-03-31T01:30:00Z"),
    ],
)
def test_a_time_is_kept_to_the_microsecond(api: Api, written: str, kept: str):
    api.put("recipients/ada", {}, status=201)
    body = {"user_id": "ada", "content": {"body": "x"}, "expires_at": written}
    assert api.post("notifications", body, status=202)["expires_at"] == kept


@pytest.mark.parametrize("field", ["expires_at", "send_at"])
@pytest.mark.parametrize(
    "written",
    [
        *("9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z", "2030-01-01T00:00:00+24:00"),
        *("2030-12-31T23:59:60Z", "2030-02-30T00:00:00Z", "0001-01-01T00:00:00+01:00"),
        *("-0001-01-01T00:00:00Z", "infinity", "now", "", 1893456000, 1e300, True, None, {}, []),
    ],
)
def test_a_time_that_is_none_is_refused_where_it_stands(api: Api, field: str, written: object):
    api.put("recipients/ada", {}, status=201)
    body = {"user_id": "ada", "content": {"body": "x"}, field: written}
    problem = api.post("notifications", body, status=400)
    assert problem["errors"][0]["pointer"] == f"/{field}"


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
def test_a_time_before_there_were_computers_is_past(api: Api, written: str):
    api.put("recipients/ada", {}, status=201)
    body = {"user_id": "ada", "content": {"body": "x"}, "send_at": written}
    assert api.post("notifications", body, status=202)["state"] == "accepted"
    del body["send_at"]
    problem = api.post("notifications", {**body, "expires_at": written}, status=400)
    assert "past already" in problem["detail"]


NEVER = "9999-12-31T23:59:59.9999999Z"


def test_a_key_that_never_ends_makes_and_rotates_keys(api: Api):
    scopes = ["topics:read"]
    made = api.post("api-keys", {"scopes": scopes, "expires_at": NEVER}, status=201)
    assert made["expires_at"] == NEVER.replace("9999999Z", "999999Z")
    again = api.post(f"api-keys/{made['prefix']}/rotate", {}, status=201)
    assert again["expires_at"] == made["expires_at"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_no_time_at_the_end_of_the_calendar_is_our_mistake(api: Api, at: str):
    api.post("topics", {"name": "news"}, status=201)
    for query in ({"from": at}, {"to": at}, {"from": at, "to": at}):
        known = at.startswith("9999") and list(query) == ["to"]
        api.get("topics/news/statistics", status=200 if known else 400, **query)
    device = {"platform": "android", "token": "a" * 40, "last_active_at": at}
    api.put("recipients/ada", {"devices": [device]}, status=201)
    assert api.get("recipients/ada")["devices"][0]["last_active_at"] == at
