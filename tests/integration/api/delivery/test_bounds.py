"""The size of an answer is bounded, however much is wrong in a request."""

import gc
import time

import pytest

from tests.support.publishers.api_client import Api

pytestmark = pytest.mark.django_db
WRONG = {"devices": [{"platform": "palm", "token": "a" * 30}], "locale": "!", "time_zone": "!"}


def listed(results: list[dict]) -> int:
    """Count the errors that all these results list together."""
    return sum(len(result["problem"].get("errors", ())) for result in results)


def test_of_many_unknown_recipients_the_first_hundred_are_listed_and_all_are_counted(api: Api):
    names = [f"nobody-{number}" for number in range(250)]
    problem = api.post("notifications", {"user_ids": names, "content": {"body": "x"}}, status=400)
    assert problem["type"] == "/problems/unknown-recipient"
    assert problem["user_ids"] == names[:100]
    assert len(problem["errors"]) == 100
    assert problem["error_count"] == 250


def test_few_errors_are_all_listed_and_not_counted(api: Api):
    names = ["nobody", "nobody-else"]
    problem = api.post("notifications", {"user_ids": names, "content": {"body": "x"}}, status=400)
    assert (problem["user_ids"], len(problem["errors"])) == (names, 2)
    assert "error_count" not in problem


def test_the_results_of_a_batch_list_a_hundred_errors_together(api: Api):
    item = {"user_ids": [f"nobody-{number}" for number in range(60)], "content": {"body": "x"}}
    answer = api.post("notifications/batch", {"notifications": [item] * 5}, status=202)
    shown = [len(result["problem"].get("errors", ())) for result in answer["results"]]
    assert shown == [60, 40, 0, 0, 0]
    assert [len(result["problem"]["user_ids"]) for result in answer["results"]] == shown
    assert [result["problem"].get("error_count", 60) for result in answer["results"]] == [60] * 5
    assert all("'nobody-0'" in result["problem"]["detail"] for result in answer["results"])


def test_the_results_of_other_bulk_calls_list_a_hundred_errors_together(api: Api):
    people = [{"user_id": f"p{number}", **WRONG} for number in range(200)]
    results = api.post("recipients/bulk", {"recipients": people})["results"]
    assert listed(results) == 100
    assert results[-1]["problem"]["error_count"] == 3
    assert results[-1]["problem"]["detail"].startswith("/recipients/199/")
    api.post("topics", {"name": "news"}, status=201)
    nobodies = [{"user_id": f"p{number}", "channels": ["push"]} for number in range(200)]
    results = api.post("topics/news/subscriptions", {"subscriptions": nobodies})["results"]
    assert listed(results) == 100
    assert "'p199'" in results[-1]["problem"]["detail"]


def test_of_many_fields_that_do_not_exist_some_are_named_and_the_others_counted(api: Api):
    begun = time.process_time()
    body = {f"s{number}": 1 for number in range(60_000)}
    problem = api.put("recipients/ada", body, status=400)
    assert problem["type"] == "/problems/unknown-field"
    assert len(problem["errors"]) == 100
    assert problem["errors"][0]["pointer"] == "/s0"
    assert problem["errors"][-1]["detail"] == "There are 59,901 more fields that do not exist."
    assert time.process_time() - begun < 5


def test_a_list_that_is_too_long_is_one_error_whatever_is_in_it(api: Api):
    body = {"user_ids": [7] * 100_000, "content": {"body": "x"}}
    problem = api.post("notifications", body, status=400)
    [error] = problem["errors"]
    assert error == {"pointer": "/user_ids", "detail": "Send at most 1,000; there are 100,000."}


def test_a_name_that_fills_the_request_is_not_repeated(api: Api):
    name = "x" * 900_000
    problem = api.put("recipients/ada", {name: 1}, status=400)
    assert len(str(problem)) < 5_000
    problem = api.call("put", "recipients/ada", f'{{"{name}": "\\u0000"}}', status=400)
    assert len(str(problem)) < 5_000


def test_what_a_request_with_many_errors_took_is_free_once_it_is_answered(api: Api):
    """Nothing of it waits for the garbage collector, which a server runs seldom."""
    item = {"user_ids": [f"nobody-{number}" for number in range(60)], "content": {"body": "x"}}

    def garbage(items: int) -> int:
        gc.collect()
        api.post("notifications/batch", {"notifications": [item] * items}, status=202)
        return gc.collect()

    gc.disable()
    try:
        few = garbage(1)
        # Three objects for each result are the answer, which the client here keeps.
        assert garbage(200) < few + 4 * 200
    finally:
        gc.enable()
