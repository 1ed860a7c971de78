"""Valid user ids."""

import pytest

from notifier.domain.ids.user_ids import MAX_LENGTH, check


@pytest.mark.parametrize("user_id", ["a", "ada", "a.b", "...", "Ada Lovelace", "ü@x", "x" * 200])
def test_an_id_that_can_be_read_and_written_is_kept_as_it_is(user_id: str) -> None:
    assert check(user_id) == user_id


@pytest.mark.parametrize(
    ("user_id", "wrong"),
    [
        ("", "1 to 200 characters"),
        ("x" * 201, "1 to 200 characters"),
        ("a/b", "slash"),
        (".", r"\. or \.\."),
        ("..", r"\. or \.\."),
        (" a", "printable"),
        ("a\u200b", "printable"),
    ],
)
def test_an_id_that_a_path_or_a_person_could_not_name_is_refused(user_id: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        check(user_id)
    assert MAX_LENGTH == 200
