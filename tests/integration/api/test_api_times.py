"""Times as people write them: taken as they are, or refused where they stand."""

import pytest

from tests.integration.api.conftest import Api


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
    assert "over already" in problem["detail"]
