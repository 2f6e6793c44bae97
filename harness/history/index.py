"""The index of a team's runs. It takes runs in, hands out series, and can be made anew of what it holds.

Run folders stay the truth: whoever loses an index pushes them again.
"""

from datetime import datetime, timezone
from typing import Any, List, NamedTuple, Optional, Set, Tuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    bindparam,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from typing_extensions import Literal

from harness.errors import UsageError
from harness.history import database
from harness.history.parcel import Parcel, rows_of, storable, unpack
from harness.history.retention import Held, Keep
from harness.history.series import Entry, Series, entries_of, order, series
from harness.history.tables import FIGURES, FORM, METADATA, RECORDS, VERSION

Outcome = Literal["added", "replaced", "known"]
_LOCK = 0x5374796C65
"""Of PostgreSQL: taken while the tables are made, so that two first pushes do not make them twice."""


class Selection(NamedTuple):
    """Which figures are asked for; None: all."""

    suite: Optional[str] = None
    case: Optional[str] = None
    mode: Optional[str] = None
    machine: Optional[str] = None
    branch: Optional[str] = None
    since: Optional[str] = None
    """Date, ISO 8601: only revisions that were committed on it or later."""


EVERYTHING = Selection()


class Index:
    """Runs and their figures in a database."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine, self._url = engine, url

    @classmethod
    def open(cls, url: str, write: bool = False, existing: bool = False, outdated: bool = False) -> "Index":
        """Open the index at a URL.

        Args:
            write: it is to be changed; where there is none, it is made.
            existing: where there is none, none is made.
            outdated: take one of an earlier version too, to be rebuilt.

        Raises:
            UsageError: the URL is none; the database cannot be reached, is somebody else's, or of another version.
            DatabaseError: the database fails.
        """
        index = cls(database.open_database(url, write, write and not existing), url)
        with database.complaints(url), index._engine.begin() as connection:
            index._check(connection, write and not existing, outdated)
        return index

    @classmethod
    def in_memory(cls) -> "Index":
        """Make an empty index that is gone with the process."""
        index = cls(database.open_in_memory(), "in memory")
        with index._engine.begin() as connection:
            index._make(connection)
        return index

    def _check(self, connection: Connection, make: bool, outdated: bool) -> None:
        what = f"index {database.shown(self._url)}"
        if make and connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        tables = inspect(connection).get_table_names()
        if not tables and make:
            self._make(connection)
        elif not {FORM.name, RECORDS.name} <= set(tables):
            told = "holds other tables" if tables else "is empty"
            raise UsageError(f"{what}: the database {told} (expected an index, which push makes in an empty database)")
        else:
            version = connection.execute(select(func.max(FORM.c.version))).scalar()
            if version is None or version > VERSION:
                raise UsageError(
                    f"{what}: it is of version {version}, this program reads {VERSION} (update StyleBench)"
                )
            if version < VERSION and not outdated:
                raise UsageError(f"{what}: it is of version {version}, expected {VERSION} (index rebuild --index URL)")

    @staticmethod
    def _make(connection: Connection) -> None:
        METADATA.create_all(connection)
        connection.execute(insert(FORM), {"version": VERSION})

    def push(self, parcel: Parcel, approved: bool = False) -> Outcome:
        """Take a run in. One that is there is replaced, unless it is the same or has more of the run.

        Args:
            approved: some baseline was approved from it; once said, this stays.

        Raises:
            UsageError, DatabaseError: see open.
        """
        with database.complaints(self._url):
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(RECORDS), {**parcel.row, "approved": approved})
                    self._insert(connection, parcel.row["run_key"], parcel.figures)
                return "added"
            except IntegrityError:  # it is there, or came at this moment
                with self._engine.begin() as connection:
                    return self._replace(connection, parcel, approved)

    def _replace(self, connection: Connection, parcel: Parcel, approved: bool) -> Outcome:
        here = RECORDS.c.run_key == parcel.row["run_key"]
        if approved:
            connection.execute(update(RECORDS).where(here, ~RECORDS.c.approved).values(approved=True))
        older = (RECORDS.c.digest != parcel.row["digest"]) & (RECORDS.c.progress <= parcel.row["progress"])
        # The update locks the row, so that of two copies at once one waits for the other.
        if not connection.execute(update(RECORDS).where(here, older).values(**parcel.row)).rowcount:
            return "known"
        connection.execute(delete(FIGURES).where(FIGURES.c.run_key == parcel.row["run_key"]))
        self._insert(connection, parcel.row["run_key"], parcel.figures)
        return "replaced"

    @staticmethod
    def _insert(connection: Connection, run_key: str, figures: List[Any]) -> None:
        connection.execute(insert(FIGURES), [{"run_key": run_key, **row} for row in figures])

    def series(self, wanted: Selection = EVERYTHING, last: Optional[int] = None) -> List[Series]:
        """Return the series that are asked for, each in the order of its revisions; raises as `open` does.

        Args:
            last: only so many entries of each series, of the latest revisions; None: all.
        """
        question = select(*_ENTRY).where(*_conditions(wanted))
        with database.complaints(self._url), self._engine.connect() as connection:
            questions = [question] if last is None else _of_the_latest(connection, question, wanted, last)
            entries = [Entry._make(row) for each in questions for row in connection.execute(each).all()]
        return series(sorted(entries, key=order))  # here, since databases differ in how they compare texts

    def names(self) -> List[Tuple[str, str, str]]:
        """Return each suite, case and mode that there are figures of; raises as `open` does."""
        columns = FIGURES.c
        question = select(columns.suite, columns.case_id, columns.mode).distinct()
        with database.complaints(self._url), self._engine.connect() as connection:
            return sorted((row[0], row[1], row[2]) for row in connection.execute(question).all())

    def rebuild(self) -> Tuple[int, List[str]]:
        """Make the figures anew of the records that are held, all or none of them; raises as `open` does.

        Returns:
            The number of runs, and one line about each whose record cannot be read and is left out.
        """
        problems: List[str] = []
        with database.complaints(self._url), self._engine.begin() as connection:
            FIGURES.drop(connection, checkfirst=True)
            FIGURES.create(connection)
            keys = connection.execute(select(RECORDS.c.run_key).order_by(RECORDS.c.run_key)).scalars().all()
            for key in keys:
                chosen = select(RECORDS.c.record, RECORDS.c.committed).where(RECORDS.c.run_key == key)
                record, committed = connection.execute(chosen).one()
                try:
                    rows = rows_of(entries_of(unpack(f"run {key}", record), committed))
                except UsageError as error:
                    problems.append(str(error))
                    continue
                self._insert(connection, key, rows)
            connection.execute(delete(FORM))
            connection.execute(insert(FORM), {"version": VERSION})
        return len(keys) - len(problems), problems

    def prune(self, keep: Keep, approved: Set[str], now: Optional[datetime] = None) -> int:
        """Drop the runs that the rule does not keep, and return their number; raises as `open` does.

        Args:
            approved: ids of runs that baselines were approved from, which are kept beside those that push marked.
            now: the present; None: as the clock says.
        """
        columns = FIGURES.c
        question = (
            select(columns.run_key, columns.suite, columns.machine, columns.committed, columns.started)
            .add_columns(RECORDS.c.approved, columns.run)
            .join_from(FIGURES, RECORDS)
            .distinct()
        )
        ids = set(map(storable, approved))
        with database.complaints(self._url), self._engine.begin() as connection:
            rows = connection.execute(question).all()
            held = [Held._make([*row[:5], row.approved or row.run in ids]) for row in rows]
            dropped = keep.dropped(held, now or datetime.now(timezone.utc))
            if dropped:
                chosen = [{"dropped": key} for key in dropped]
                for table in (FIGURES, RECORDS):
                    connection.execute(delete(table).where(table.c.run_key == bindparam("dropped")), chosen)
        return len(dropped)


_ENTRY = list(FIGURES.c)[1:]
"""The columns that an Entry is made of."""


def _conditions(wanted: Selection) -> List[ColumnElement[bool]]:
    columns = FIGURES.c
    named = zip((columns.suite, columns.case_id, columns.mode, columns.machine, columns.branch), wanted)
    found = [column == storable(name) for column, name in named if name is not None]
    return [*found, *([columns.committed >= wanted.since] if wanted.since is not None else [])]


def _of_the_latest(connection: Connection, question: Select[Any], wanted: Selection, last: int) -> List[Select[Any]]:
    """Return a question for each series, which the table's index answers without a look at all of its entries."""
    keys = connection.execute(select(*_ENTRY[:6]).where(*_conditions(wanted)).distinct()).all()
    columns = FIGURES.c
    latest = [column.desc() for column in (columns.committed, func.coalesce(columns.revision, ""), columns.started)]
    return [
        question.where(*(column == value for column, value in zip(_ENTRY, key))).order_by(*latest).limit(last)
        for key in keys
    ]
