"""``python -m mutants.worker TEST…``: run tests on mutants, each in a fork of this process.

Reads one JSON object a line: ``path``, ``source``, ``tests``, ``limit`` (seconds), ``output`` (a
file). Prints one line for each: ``passed``, ``failed`` or ``too slow``.

A mutant of functions alone is tried in a fork of a process that has imported everything and has
collected all tests: the codes are exchanged there. Others are imported anew, each by a pytest of
its own.
"""

import contextlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import IO, Any

import pytest

from mutants import codes, forks
from stack.supervision.process import ROOT

#: Imported before the first fork, to be quick: none of them reads our settings.
LIBRARIES = (
    *("django.db", "django.http", "django.test", "django.template.backends.django", "celery.app"),
    *("kombu", "sqlalchemy", "psycopg2", "psycopg2.extras", "dj_db_conn_pool", "redis", "orjson"),
    *("aiohttp", "pyreqwest", "cryptography.hazmat.primitives.asymmetric.rsa", "phonenumbers"),
    *("twilio.rest", "firebase_admin", "google.auth", "jinja2", "prometheus_client", "psutil"),
    *("hypothesis", "pytest_django", "pytest_asyncio", "pytest_cov", "aiosmtpd.smtp", "h2", "jwt"),
    *("requests", "sendgrid", "standardwebhooks", "_pytest.assertion.rewrite", "aiosmtplib"),
)
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "--reuse-db")


def main() -> None:
    """Run what the standard input asks for."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    collected = _Collected(sys.argv[1:])
    rebuild = False  # after a test that was killed, the database has its rows
    for line in sys.stdin:
        job = json.loads(line)
        functions = codes.changed(job["path"], job["source"])
        if functions is not None and not rebuild:
            answer = collected.answer(line)
        else:
            answer = forks.passed(partial(_tested, job, rebuild), job["limit"], job["output"])
        rebuild = answer == "too slow"
        print(answer, file=answers)


def _tested(job: Mapping[str, Any], rebuild: bool) -> int:
    """Run pytest, for which one module is the mutant."""
    code = compile(job["source"], str(ROOT / job["path"]), "exec")
    sys.meta_path.insert(0, _Finder(job["path"], code))
    _forget_metrics()
    return int(pytest.main([*PYTEST, *(["--create-db"] if rebuild else []), *job["tests"]]))


class _Collected:
    """A process that has collected tests, which it runs in forks."""

    def __init__(self, tests: Sequence[str]) -> None:
        jobs, self._jobs = os.pipe()
        self._answers, answers = os.pipe()
        if not os.fork():
            os.close(self._jobs)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)  # for pytest's dots
            plugin = _Loop(os.fdopen(jobs), os.fdopen(answers, "w", buffering=1))
            os._exit(int(pytest.main([*PYTEST, *tests], plugins=[plugin])))
        os.close(jobs)
        os.close(answers)
        self._reader = os.fdopen(self._answers)

    def answer(self, job: str) -> str:
        os.write(self._jobs, job.encode())
        return self._reader.readline().strip()


class _Loop:
    """A plugin of pytest that runs tests when it is asked, in place of all at once."""

    def __init__(self, jobs: IO[str], answers: IO[str]) -> None:
        self._jobs = jobs
        self._answers = answers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer job after job."""
        for line in self._jobs:
            job = json.loads(line)
            answer = forks.passed(partial(self._run, session, job), job["limit"], job["output"])
            print(answer, file=self._answers)
        return True

    def _run(self, session: pytest.Session, job: Mapping[str, Any]) -> int:
        exchanged = codes.changed(job["path"], job["source"])
        codes.exchange(job["path"], exchanged or {})
        _forget_metrics()
        items = {item.nodeid: item for item in session.items}
        wanted = [
            item
            for test in job["tests"]
            for name, item in items.items()
            if name == test or name.startswith((f"{test}::", f"{test}/", f"{test}["))
        ]
        if not wanted:
            raise LookupError(f"none of these tests was collected: {job['tests']}")
        failures = _Failures(job["output"])
        session.config.pluginmanager.register(failures)
        for item, following in zip(wanted, [*wanted[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if failures.seen:
                return 1
        return 0


class _Failures:
    """A plugin of pytest that writes down what failed."""

    def __init__(self, output: str) -> None:
        self._output = output
        self.seen = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Append a failure to the file."""
        if report.failed:
            self.seen = True
            with open(self._output, "a") as output:
                print(f"{report.longreprtext}\nFAILED {report.nodeid}", file=output)


def _forget_metrics() -> None:
    """Remove what earlier forks counted: files of processes that have ended."""
    if directory := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        shutil.rmtree(directory, ignore_errors=True)
        Path(directory).mkdir(exist_ok=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module of ours, as the code of a mutant; no file is changed."""

    def __init__(self, path: str, code: CodeType) -> None:
        self._name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self._path = str(ROOT / path)
        self._code = code

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is found."""
        if name != self._name:
            return None
        loader = _Loader(name, self._path, self._code)
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


if __name__ == "__main__":
    main()
