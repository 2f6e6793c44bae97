"""Databases by URL: how one is opened, and what it complains of, in one line."""

import os
import re
import sqlite3
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from harness.errors import UsageError

_EXPECTED = "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"
_WAIT = 60.0
"""Seconds that a writer waits for the one before it."""
_REFUSED = re.compile("read-?only|permission denied|not a database|unable to open|authentication|does not exist", re.I)
"""What a database says when the command, and not its own state, is to be mended."""


class DatabaseError(OSError):
    """A database that did its work until now fails: its disk is full, its server is gone."""


def open_database(url: str, write: bool, make: bool) -> Engine:
    """Return the engine of a database; nothing is read or written yet, but the folder of a new SQLite file is made.

    Args:
        write: it is to be changed.
        make: a file of SQLite's that is not there is to be made.

    Raises:
        UsageError: the URL is none, or of another kind of database; its driver is missing; there is no such file.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "")
        _check_file(path, make)
        return _sqlite(path, write)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        return create_engine(parsed, connect_args={"connect_timeout": 10} if "psycopg" in parsed.drivername else {})
    except ImportError as error:
        raise UsageError(f"index {shown(url)}: {error} (pip install 'psycopg[binary]')") from error
    except SQLAlchemyError as error:
        raise UsageError(f"index {shown(url)}: {_first_line(error)} ({_EXPECTED})") from error


def open_in_memory() -> Engine:
    """Return the engine of an empty database that is gone with it."""
    return _transactional(create_engine("sqlite://", poolclass=StaticPool), "BEGIN")


def shown(url: str) -> str:
    """Return a URL without its password, and without options, of which one may be the password."""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return re.sub("//.*@", "//***@", url.split("?")[0])


@contextmanager
def complaints(url: str) -> Iterator[None]:
    """Turn what the database complains of into one line.

    Raises:
        UsageError: it cannot be read or written by this command.
        DatabaseError: it fails.
    """
    try:
        yield
    except SQLAlchemyError as error:
        line = f"index {shown(url)}: {_first_line(error)}"
        connecting = isinstance(error, DBAPIError) and error.statement is None and not error.connection_invalidated
        if connecting or _REFUSED.search(line):
            raise UsageError(f"{line} (expected a database that can be reached, read and, to push, written)") from error
        raise DatabaseError(f"{line}; what was stored before is whole") from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise UsageError(f"index {shown(url)!r}: not a URL of a database ({_EXPECTED})") from error
    backend = parsed.drivername.split("+")[0]
    if backend not in ("sqlite", "postgresql"):
        raise UsageError(f"index {shown(url)}: a database of kind {backend} ({_EXPECTED})")
    if backend == "sqlite" and (not parsed.database or parsed.database == ":memory:" or parsed.query or parsed.host):
        raise UsageError(f"index {shown(url)}: no name of a file, or more than one ({_EXPECTED})")
    return parsed


def _check_file(path: Path, make: bool) -> None:
    """Raise UsageError unless the path is of a regular file, or of none and one is to be made."""
    try:
        if not os.path.lexists(str(path)):
            if not make:
                raise UsageError(f"index {path}: no such file (python bench.py push RUN makes one)")
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not stat.S_ISREG(os.stat(str(path)).st_mode):
            raise UsageError(f"index {path}: not a regular file")
    except UsageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"index {path}: {reason} (expected a file in a folder that can be written)") from error


def _sqlite(path: Path, write: bool) -> Engine:
    # A reader too may have to undo what a writer that was killed had begun; a file that is write-protected is read all
    # the same.
    address = f"file:{quote(os.path.abspath(str(path)))}?mode={'rwc' if write else 'rw'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=_WAIT)

    # A writer takes its turn at once: one that had read first could be told to begin again.
    return _transactional(
        create_engine("sqlite://", creator=connect, poolclass=NullPool), "BEGIN IMMEDIATE" if write else "BEGIN"
    )


def _transactional(engine: Engine, begin: str) -> Engine:
    """Let each transaction begin with this statement; Python's sqlite3 would leave some statements outside of it."""

    @event.listens_for(engine, "connect")
    def _take_over(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _first_line(error: SQLAlchemyError) -> str:
    told = str(getattr(error, "orig", None) or error).strip()
    return told.splitlines()[0] if told else type(error).__name__
