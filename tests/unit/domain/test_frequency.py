"""Frequency caps as they are written."""

import pytest

from notifier.domain.frequency import Cap, Label, Per, Setter, parse_rate, read_label


@pytest.mark.parametrize(("per", "hours"), [("hour", 1), ("day", 24), ("week", 168)])
def test_a_window_is_an_hour_a_day_or_a_week_long(per: str, hours: int) -> None:
    assert Per(per).seconds == hours * 3600


def test_a_label_names_who_set_the_cap_and_is_read_back() -> None:
    cap = Cap(Setter.PERSON_CATEGORY, "offers", 3, Per.DAY)
    assert cap.label == "person_category:3/day"
    assert read_label(cap.label) == Label(Setter.PERSON_CATEGORY, 3, Per.DAY)


@pytest.mark.parametrize("text", ["", "company", "company:3", "nobody:3/day", "company:x/day"])
def test_what_is_no_label_is_not_read(text: str) -> None:
    with pytest.raises(ValueError):
        read_label(text)


@pytest.mark.parametrize("limit", [0, 1, 999, 1000])
def test_a_rate_is_a_number_up_to_a_thousand_and_a_window(limit: int) -> None:
    assert parse_rate(f"{limit}/week") == (limit, Per.WEEK)


@pytest.mark.parametrize("text", ["-1/day", "1001/day", "3", "/day", "3/month", "x/day"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rate(text)
