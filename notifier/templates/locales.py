"""Choice of a locale when there is no text in the recipient's own."""

from collections.abc import Collection


def lookup(wanted: str, default: str, available: Collection[str]) -> str:
    """Return the best of ``available``: ``de-AT``, then ``de``, then ``default``, which must exist.

    By RFC 4647 3.4 ("lookup"): subtags are removed from the end, and case is ignored.
    """
    by_fold = {locale.lower(): locale for locale in available}
    subtags = wanted.lower().split("-")
    while subtags:
        found = by_fold.get("-".join(subtags))
        if found is not None:
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a singleton without its extension
            subtags.pop()
    return by_fold[default.lower()]
