"""The demo on a running stack."""

import secrets
from collections.abc import Mapping
from typing import Any

from notifier_client import NotifierClient, NotifierError
from sandbox.client import SandboxClient
from stack.demo import report
from stack.demo.accounts import Books
from stack.demo.features import Features
from stack.demo.narrator import Narrator
from stack.demo.scenario import Scenario
from stack.errors import StackError
from stack.manage import create_publisher

SUBSCRIBERS = 5_000
#: Least subscribers: of fewer, too few refuse marketing.
LEAST_SUBSCRIBERS = 100
#: Options of the key of the service that knows people, and keeps the catalogue of categories.
PEOPLE = ("--scopes", "directory:write,directory:read,categories:write,suppressions:read")
#: Settings of the demo's stack, with retries in seconds, not minutes.
SETTINGS = {
    "NOTIFIER_PROVIDER_TIMEOUT": "3",
    "NOTIFIER_RETRY_PUSH": "1,2,4",
    "NOTIFIER_RETRY_SMS": "1,2,4",
    "NOTIFIER_RETRY_EMAIL": "1,2,4",
    "NOTIFIER_RETRY_WEBHOOK": "1,2,4",
}


def play(
    api_url: str,
    stream_url: str,
    sandbox: Mapping[str, Any],
    env: Mapping[str, str],
    subscribers: int = SUBSCRIBERS,
) -> int:
    """Play the scenario, print the report, and return 0. Raises ``StackError`` where it fails.

    ``sandbox``: the parsed ``sandbox.json``. ``env``: the service's environment, which should
    include ``SETTINGS``. ``subscribers``: the number of people that the blast goes to.
    """
    run = secrets.token_hex(2)
    publisher = f"demo-{run}"
    ledger = SandboxClient(sandbox["control_url"])
    print(f"\nPlaying against {api_url}, providers played by {sandbox['control_url']}\n")
    narrator = Narrator()
    register = f"accounts-{run}"
    with (
        NotifierClient(api_url, create_publisher(env, publisher, "--critical")) as client,
        NotifierClient(api_url, create_publisher(env, register, *PEOPLE)) as directory,
    ):
        narrator.say(f"created {publisher} with a key to post, {register} with one for people")
        webhook_url = sandbox["webhook"]["base_url"]
        features = Features(client, directory, ledger, env, api_url, stream_url, run)
        scenario = Scenario(
            client,
            directory,
            ledger,
            webhook_url,
            narrator,
            features,
            run=run,
            subscribers=subscribers,
        )
        try:
            blast = scenario.play()
        except (NotifierError, TimeoutError) as error:
            raise StackError(f"The demo failed: {error}") from error
    books = Books(env["DATABASE_URL"], publisher)
    accounts = books.accounts(ledger)
    report.print_report(books, accounts, blast, features.stream_delays)
    books.close()
    if reasons := [*scenario.reasons, *report.disagreements(accounts)]:
        raise StackError("The demo failed:\n" + "\n".join(f"  {reason}" for reason in reasons))
    print("\nEverything is as it should be.", flush=True)
    return 0
