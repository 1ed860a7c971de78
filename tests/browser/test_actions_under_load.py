"""Every action of the admin, pressed in a browser while workers send.

What there is to press is read from the admin site's registry, so that a new action without a test
fails here. To add one, write its entry in ``PRESS`` of ``tests/browser/presses.py``: a name as the
failing test prints it, and a function that presses it and expects what it says.
"""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from notifier_client import NotifierClient
from sandbox.client import SandboxClient
from stack.supervision.process import ROOT
from stack.whole_service import Stage
from tests.browser.action_context import ActionContext
from tests.browser.load import TOPIC, Load
from tests.browser.presses import PRESS, press_of
from tests.browser.registered_actions import registered

ACTIONS = sorted(registered())


def test_every_action_of_the_admin_has_its_test() -> None:
    missing = [action for action in ACTIONS if press_of(action) is None]
    assert not missing, f"write how these are pressed, in PRESS of presses.py: {missing}"
    gone = sorted(PRESS.keys() - set(ACTIONS))
    assert not gone, f"the admin has these no more, delete them from PRESS: {gone}"


@pytest.fixture(scope="module")
def load(client: NotifierClient, service: Stage) -> Iterator[Load]:
    with Load(client, SandboxClient(service.sandbox["control_url"])).running() as load:
        yield load


@pytest.fixture(scope="module")
def rows(service: Stage) -> dict[str, list[int]]:
    code = "from tests.browser import rows; rows.make()"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        env=service.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[int]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("action", ACTIONS)
def test_it_works_while_workers_send(
    action: str,
    admin: Page,
    client: NotifierClient,
    service: Stage,
    load: Load,
    rows: dict[str, list[int]],
) -> None:
    press = press_of(action)
    if press is None:
        pytest.fail(f"write how {action!r} is pressed, in PRESS")
    sandbox = SandboxClient(service.sandbox["control_url"])
    on = ActionContext(admin, client, sandbox, load, rows, service.sandbox["webhook"]["base_url"])
    errors: list[str] = []
    admin.on(
        "response",
        lambda one: errors.append(f"{one.status} {one.url}") if one.status >= 500 else None,
    )
    admin.on("dialog", lambda dialog: dialog.accept())
    if client.get_topic(TOPIC).paused:
        client.update_topic(TOPIC, paused=False)
    load.slow()
    load.sending()
    try:
        press(on, action.partition(" ")[0])
    except Exception:
        print(f"on {admin.url}: {admin.locator('body').inner_text()[:2000]}")
        raise
    assert errors == []
