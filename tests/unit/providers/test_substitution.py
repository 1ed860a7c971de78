"""Mails that differ by person, as letters that a provider fills in."""

import re
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.email import Rendered, render
from notifier.domain.messages import Content, Message
from notifier.domain.personal_links import PREFERENCES_MARK, UNSUBSCRIBE_MARK, PersonalLinks
from notifier.providers.substitution import Letter, merge, shared_letter, size

MOST = 10_000


def message(number: int, user_id: str, publisher: int = 1) -> Message:
    return Message(
        f"dlv_{number}", "email", f"{number}@people.example", Content(), user_id=user_id,
        publisher_id=publisher,
    )  # fmt: skip


def written(user_id: str) -> Rendered:
    """A rendered mail that names the person in every part."""
    return render(Content(f"News for {user_id}", f"Dear {user_id},\n\nyours"))


def read(letters: list[Letter]) -> dict[str, Rendered]:
    """Return what each message's person gets once all tags are substituted."""
    found = {}
    for letter in letters:
        mail = letter.mail
        for person, values in letter.people:
            parts = (filled_in(part, values) for part in (mail.subject, mail.text, mail.html))
            assert person.id not in found
            found[person.id] = Rendered(*parts)
    return found


def filled_in(text: str, values: Mapping[str, str]) -> str:
    tags = re.compile("|".join(map(re.escape, values)) or "(?!)")
    return tags.sub(lambda tag: values[tag[0]], text)


def test_mails_that_only_name_the_person_are_one_letter():
    mails = [(message(n, f"user-{n}"), written(f"user-{n}")) for n in range(1000)]
    [letter] = letters = merge(mails, MOST)
    assert "user-" not in letter.mail.html
    assert read(letters) == {one.id: mail for one, mail in mails}
    assert max(size(person.values) for person in letter.people) < 50


def test_names_that_are_written_differently_in_html_are_put_back_as_they_were():
    names = ["O'Brien & <Söhne>", 'a"b', "plain", "1", "amp", "div"]
    mails = [(message(n, name), written(name)) for n, name in enumerate(names)]
    assert read(merge(mails, MOST)) == {one.id: mail for one, mail in mails}


def linked(number: int, user_id: str) -> Message:
    base = f"https://n.example/{number}"
    return message(number, user_id)._replace(links=PersonalLinks(f"{base}/u", f"{base}/p", True))


def test_links_are_tags_whatever_the_persons_name_is():
    names = [f"user-{n}" for n in range(50)] + ["0", "links", "e", "https://links.invalid", "/"]
    text = f"Dear {{}}, leave {UNSUBSCRIBE_MARK} or choose {PREFERENCES_MARK}"
    mails = [
        (linked(n, name), render(Content("Sale", text.format(name))))
        for n, name in enumerate(names)
    ]
    letters = merge(mails, MOST)
    assert max(len(letter.people) for letter in letters) >= 50
    assert read(letters) == {one.id: mail.fill(one.links) for one, mail in mails}


def test_the_same_mail_has_each_readers_links_as_its_values():
    mail = render(Content("Sale", f"leave {UNSUBSCRIBE_MARK}"))
    people = shared_letter(mail, [linked(1, ""), linked(2, "")]).people
    assert [one.values for one in people] == [
        {UNSUBSCRIBE_MARK: f"https://n.example/{n}/u"} for n in (1, 2)
    ]
    [plain] = shared_letter(render(Content("Sale")), [linked(1, "")]).people
    assert plain.values == {}


def test_what_has_nothing_in_common_is_one_letter_of_tags():
    mails = [
        (message(n, f"user-{n}"), render(Content(f"Order {n * 7}", "x" * n + "y")))
        for n in range(20)
    ]
    assert len(merge(mails, MOST)) == 1
    assert read(merge(mails, MOST)) == {one.id: mail for one, mail in mails}


def test_what_is_too_large_to_be_put_in_goes_alone():
    mails = [(message(n, ""), render(Content(f"{n}", f"{n} " + "ü" * 2500))) for n in range(3)]
    letters = merge(mails, MOST)
    assert [len(letter.people) for letter in letters] == [1, 1, 1]
    assert read(letters) == {one.id: mail for one, mail in mails}
    assert not any(person.values for letter in letters for person in letter.people)


def test_mails_of_two_publishers_share_no_letter():
    mails = [(message(n, f"user-{n}", n % 2), written(f"user-{n}")) for n in range(10)]
    assert [len(letter.people) for letter in merge(mails, MOST)] == [5, 5]


def test_one_mail_is_as_it_was_rendered():
    mail = written("ada")
    assert read(merge([(message(1, "ada"), mail)], MOST)) == {"dlv_1": mail}


TEXT = st.text(max_size=40)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), max_size=8), st.integers(0, 200))
def test_everybody_reads_what_was_rendered_for_them(people, most):
    mails = [
        (message(number, user_id), Rendered(*parts))
        for number, (user_id, *parts) in enumerate(people)
    ]
    letters = merge(mails, most)
    assert read(letters) == {one.id: mail for one, mail in mails}
    assert sum(len(letter.people) for letter in letters) == len(mails)
