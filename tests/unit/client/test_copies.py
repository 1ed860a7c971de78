"""The synchronous client is generated from the asynchronous one."""

import inspect
from pathlib import Path

import pytest
import unasync

from notifier_client import (
    AsyncInboxClient,
    AsyncNotifierClient,
    InboxClient,
    NotifierClient,
)


def test_the_synchronous_client_is_what_its_source_makes_of_it(tmp_path: Path) -> None:
    unasync.write(tmp_path)
    written = {path.name: path.read_text() for path in tmp_path.glob("*.py")}
    assert written == {
        path.name: path.read_text()
        for path in unasync.COPY.glob("*.py")
        if path.name not in unasync.WRITTEN
    }


def public(client: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(method)
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(
    "one, other", [(NotifierClient, AsyncNotifierClient), (InboxClient, AsyncInboxClient)]
)
def test_both_clients_have_the_same_methods_with_a_docstring_each(one: type, other: type) -> None:
    assert {name: list(signature.parameters) for name, signature in public(one).items()} == {
        name: list(signature.parameters) for name, signature in public(other).items()
    }
    undocumented = [name for name in public(one) if not inspect.getdoc(getattr(one, name))]
    assert public(one) and not undocumented
