"""Which locale to speak when there is none for the recipient's own."""

from collections.abc import Collection


def lookup(wanted: str, default: str, available: Collection[str]) -> str:
    """The best of ``available``: ``de-AT``, then ``de``, then ``default``, which must be there.

    RFC 4647 3.4 ("lookup"): from the end, a subtag at a time, in whatever case.
    """
    by_fold = {locale.lower(): locale for locale in available}
    subtags = wanted.lower().split("-")
    while subtags:
        found = by_fold.get("-".join(subtags))
        if found is not None:
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # what an extension's singleton introduced is gone
            subtags.pop()
    return by_fold[default.lower()]
