"""Backups of the database, made and restored by the tools that operators use."""

import os
import subprocess
from typing import Any

from django.db import connection

from stack.backends.postgres import BINARIES


class Backup:
    """A dump of the database, and its restore, by the tools that operators use."""

    def __init__(self, file: Any) -> None:
        of = connection.settings_dict
        self._file = str(file)
        self._env = {
            **os.environ,
            "PGHOST": of["HOST"],
            "PGPORT": str(of["PORT"]),
            "PGUSER": of["USER"],
            "PGPASSWORD": of["PASSWORD"],
            "PGDATABASE": of["NAME"],
        }

    def dump(self) -> None:
        self._run("pg_dump", "--format=custom", "--file", self._file)

    def restore(self) -> None:
        into = self._env["PGDATABASE"]
        self._run("pg_restore", "--clean", "--if-exists", "--dbname", into, self._file)

    def _run(self, name: str, *arguments: str) -> None:
        command = [str(BINARIES / name), *arguments]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
