"""A PostgreSQL server of Debian's package, for the tests: started once a session, on a socket of its own."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest


class Server:
    """A running server in a temporary folder."""

    def __init__(self, programs):
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="stylebench-postgresql-"))
        self._sockets = self._folder / "s"
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(str(self._folder), "postgres", "postgres")
        self._call("initdb", "-D", str(self._data), "-A", "trust", "-U", "tests", "-E", "UTF8", "--no-sync")
        self._call("mkdir", str(self._sockets), programs="")
        options = f"-k {self._sockets} -c listen_addresses='' -c fsync=off"
        self._call("pg_ctl", "-D", str(self._data), "-o", options, "-l", str(self._folder / "log"), "-w", "start")
        atexit.register(self._stop)

    @property
    def _data(self):
        return self._folder / "data"

    def _call(self, program, *arguments, programs=None):
        command = [os.path.join(self._programs if programs is None else programs, program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # A server that is started must not hold the pipe of its caller.
        with open(os.devnull, "wb") as nowhere, tempfile.TemporaryFile() as told:
            ended = subprocess.run(command, cwd="/", stdin=nowhere, stdout=nowhere, stderr=told)
            told.seek(0)
            assert ended.returncode == 0, told.read().decode()

    def _stop(self):
        self._call("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(str(self._folder), ignore_errors=True)

    @contextmanager
    def database(self):
        """URL of a database of its own, which is dropped afterwards."""
        import psycopg

        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://tests@/{name}?host={self._sockets}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _address(self, name):
        return f"host={self._sockets} user=tests dbname={name}"


@functools.lru_cache(maxsize=None)
def _started():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        return "no PostgreSQL: apt-get install postgresql"
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        return f"no driver of PostgreSQL: {error}"
    return Server(str(found[-1].parent))


def server():
    """The server; skips the test where there is none, unless POSTGRESQL_REQUIRED is set: then it fails."""
    found = _started()
    if isinstance(found, str):
        pytest.fail(found) if os.environ.get("POSTGRESQL_REQUIRED") else pytest.skip(found)
    return found
