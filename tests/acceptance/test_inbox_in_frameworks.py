"""The programs of the README of ``packages/inbox``, against the packed file, in a page of Vite's.

Their types are checked as somebody's editor does it (``vue-tsc``, which is TypeScript for the
others, too), and the page that Vite builds of them shows the bells of React and of Vue in Chromium.
"""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import expect

from stack import chromium
from stack.debian import CHROMIUM
from stack.supervision.process import PATIENCE, ROOT
from tests.support.programs import need
from tests.support.publishers.inbox_library import packed
from tests.support.publishers.npm import run
from tests.support.waiting import until

README = ROOT / "packages" / "inbox" / "README.md"
#: The file that the README's program in each language becomes.
PROGRAMS = {
    "ts": "client.ts",
    "tsx": "react_bell.tsx",
    "vue": "vue_bell.vue",
    "js": "vite.config.js",
}
TOKEN = "declare const token: () => Promise<string>;\n"
CLIENT = "window.inbox && document.querySelector('notifier-bell')?.client === inbox"
#: A worker holds a lock of this name, so the one that Vite copied runs.
WORKERS = """navigator.locks.query()
  .then(({held}) => held.filter(({name}) => / worker [0-9]+$/.test(name)).length)"""


@pytest.fixture(scope="module")
def shop(inbox_library: Path) -> Path:
    """A project with what its lock names, the packed library, and the README's programs."""
    folder = inbox_library / "test" / "frameworks"
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    run(["npm", "install", "--no-save", "--offline", "--ignore-scripts", str(packed())], folder)
    for language, name in PROGRAMS.items():
        [program] = re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
        (folder / name).write_text(f"{TOKEN}{program}" if language == "ts" else program)
    return folder


def test_the_programs_of_its_readme_have_the_right_types(shop: Path) -> None:
    run(["node_modules/.bin/vue-tsc", "--noEmit"], shop)


@pytest.fixture(scope="module")
def url(shop: Path) -> Iterator[str]:
    """Where the page is that Vite has built."""
    run(["node_modules/.bin/vite", "build"], shop)
    serve = partial(SimpleHTTPRequestHandler, directory=str(shop / "dist"))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("framework", ["react", "vue"])
def test_a_framework_shows_a_bell_that_has_its_client_and_a_worker(
    url: str, framework: str
) -> None:
    need(CHROMIUM)
    with chromium.running() as browser:
        page = browser.new_page()
        page.goto(f"{url}#{framework}")
        until(lambda: page.evaluate(CLIENT))
        expect(page.get_by_role("button", name="Notifications")).to_be_visible(
            timeout=PATIENCE * 1000
        )
        until(lambda: page.evaluate(WORKERS) == 1)
        assert page.evaluate("inbox.sharing") == "worker"
