"""Trials: the tests of each mutant, run by workers, each on servers of its own."""

import contextlib
import itertools
import json
import queue
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants.generate import Mutant
from mutants.report import Fate, Result
from stack.errors import StackError
from stack.supervision.process import PATIENCE, ROOT

#: Seconds of tests that are run on each mutant first; the others are run where these pass.
QUICK = 20.0
#: Seconds for the start of pytest, and how many times as long as usual tests may take.
START, SLOWER = 30.0, 8.0


@dataclass(frozen=True, slots=True)
class Test:
    """A test that runs what a mutant changes. ``seconds``: usual ones."""

    name: str
    seconds: float


def results(
    mutants: Sequence[Mutant],
    tests_of: Callable[[Mutant], Sequence[Test]],
    collect: Sequence[str],
    envs: Sequence[Mapping[str, str]],
) -> Iterator[Result]:
    """Yield each mutant's result once it is known; each environment's worker takes the next.

    ``collect``: folders or files with all the tests.

    Raises ``StackError`` where tests fail without a mutation.
    """
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    found: queue.SimpleQueue[Result | StackError | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def work(env: Mapping[str, str], output: Path) -> None:
        try:
            with (
                _Worker(env, collect, output).started() as worker,
                contextlib.suppress(queue.Empty),
            ):
                worker.check(mutants[0].path, tests_of(mutants[0]))
                while not stopped.is_set():
                    mutant = waiting.get_nowait()
                    found.put(worker.result(mutant, tests_of(mutant)))
        except StackError as error:
            found.put(error)
        finally:
            found.put(None)

    with tempfile.TemporaryDirectory() as outputs:
        threads = [
            threading.Thread(target=work, args=(env, Path(outputs, str(number))))
            for number, env in enumerate(envs)
        ]
        for thread in threads:
            thread.start()
        try:
            working = len(threads)
            while working:
                match found.get():
                    case None:
                        working -= 1
                    case StackError() as error:
                        raise error
                    case Result() as result:
                        yield result
        finally:
            stopped.set()
            for thread in threads:
                thread.join()


class _Worker:
    """A process of ``mutants.worker``, and the file with the output of its last tests."""

    def __init__(self, env: Mapping[str, str], collect: Sequence[str], output: Path) -> None:
        self._env = {**env, "PYTHONDONTWRITEBYTECODE": "1"}
        self._command = [sys.executable, "-m", "mutants.worker", *collect]
        self._output = output
        self._process: subprocess.Popen[str] | None = None

    @contextlib.contextmanager
    def started(self) -> Iterator["_Worker"]:
        """Run it; without more to read, it ends."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            self._command, cwd=ROOT, env=self._env, stdin=pipe, stdout=pipe, text=True
        ) as self._process:
            yield self

    def check(self, path: str, tests: Sequence[Test]) -> None:
        """Raise ``StackError`` where a test fails without a mutation."""
        if self._answer(path, (ROOT / path).read_text(), tests[:5], PATIENCE) != "passed":
            raise StackError(f"Tests fail without a mutation:\n{self._output.read_text()}")

    def result(self, mutant: Mutant, tests: Sequence[Test]) -> Result:
        """Run the tests of a mutant until one fails."""
        if not tests:
            return Result(mutant, "not run")
        for part in _parts(tests):
            limit = START + SLOWER * sum(test.seconds for test in part)
            answer = self._answer(mutant.path, mutant.source, part, limit)
            fate: Fate = "killed" if answer == "failed" else "too slow"
            if answer != "passed":
                return Result(mutant, fate, self._failed())
        return Result(mutant, "survived")

    def _answer(self, path: str, source: str, tests: Sequence[Test], limit: float) -> str:
        """Have it run tests on a file with this source, and return its answer."""
        assert self._process and self._process.stdin and self._process.stdout
        job = {
            "path": path,
            "source": source,
            "tests": [test.name for test in tests],
            "limit": limit,
            "output": str(self._output),
        }
        print(json.dumps(job), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise StackError("a worker ended")
        return answer

    def _failed(self) -> str:
        """Return the test that failed, or nothing where none began."""
        text = self._output.read_text(errors="replace")
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", text, re.MULTILINE)
        return failed[1] if failed else ""


def _parts(tests: Sequence[Test]) -> list[list[Test]]:
    """Return the tests that are run first, and the others."""
    until = itertools.accumulate(test.seconds for test in tests)
    first = max(1, sum(end <= QUICK for end in until))
    return [part for part in (list(tests[:first]), list(tests[first:])) if part]
