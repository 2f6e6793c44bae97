import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

import bench
from harness.errors import UsageError
from harness.history.database import DatabaseError
from harness.history.index import Index, Selection
from harness.history.parcel import Parcel, run_key
from harness.history.retention import Held, Keep
from harness.store.run_folder import RunFolder
from tests.conftest import ROOT
from tests.history.histories import MIXED, REFERENCE, day, stored, written
from tests.history.postgresql import server
from tests.reports.conftest import HOSTILE
from tests.reports.runs import make_run


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.any_tensorflow)])
def url(request, tmp_path):
    """URL of a database that holds nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'history.db'}"
    else:
        with server().database() as found:
            yield found


def push(url, *folders, approved=False):
    parcels = [Parcel.of(*RunFolder(folder).load_with_bytes()) for folder in folders]
    index = Index.open(url, write=True)
    return [index.push(parcel, approved) for parcel in parcels]


def runs_of(series):
    return [entry.run for entry in series.entries]


class TestEveryDatabase:
    """What an index owes its callers, whichever database holds it."""

    def test_series_are_in_the_order_of_revisions_and_not_of_arrival(self, url, tmp_path, case):
        for number, name in ((3, "c"), (1, "a"), (2, "b")):
            assert push(url, stored(tmp_path, case, name, number)) == ["added"]
        found = Index.open(url).series()
        assert [series.key[1:4] for series in found] == [("small", MIXED, "cpu"), ("small", REFERENCE, "cpu")]
        assert all(runs_of(series) == ["a", "b", "c"] for series in found)

    def test_figures_come_back_as_they_were(self, url, tmp_path, case):
        folder = stored(tmp_path, case, "run")
        push(url, folder)
        run = RunFolder(folder).load()
        for series in Index.open(url).series():
            (entry,) = series.entries
            summary = run.summary_of(entry.case, entry.mode)
            assert (entry.step_seconds, entry.step_low) == (summary.step_seconds, summary.step_seconds_low)
            assert (entry.ratio, entry.true_loss) == (summary.ratio_to_reference, summary.true_loss)
            assert (entry.emulated, entry.steady) == (entry.mode == MIXED, True)
            assert (entry.casts, entry.bytes_cast, entry.branch) == (69, 9166848, "main")
            assert entry.peak_memory_bytes == summary.peak_memory_bytes
            assert entry.ssim == (0.987 if entry.mode == MIXED else None)

    def test_pushing_twice_is_pushing_once(self, url, tmp_path, case):
        folder = stored(tmp_path, case, "run")
        assert push(url, folder) + push(url, folder) + push(url, folder, folder) == ["added"] + ["known"] * 3
        assert [runs_of(series) for series in Index.open(url).series()] == [["run"], ["run"]]

    def test_a_run_that_went_on_replaces_itself_and_never_the_other_way_round(self, url, tmp_path, case):
        whole = make_run(tmp_path / "run", case)
        summary = whole.run.summaries[0]
        early = {"complete": False, "trials": whole.run.trials[:1], "summaries": [summary], "plans": []}
        part = whole._replace(run=whole.run.model_copy(update={**early, "fidelity": []}))
        assert push(url, written(part)) == ["added"]
        assert len(Index.open(url).series()) == 1
        assert push(url, written(whole)) == ["replaced"]
        assert len(Index.open(url).series()) == 2
        assert push(url, written(part)) == ["known"]
        assert len(Index.open(url).series()) == 2

    def test_pushes_at_once_lose_nothing_and_the_first_makes_the_tables(self, url, tmp_path, case):
        folders = [stored(tmp_path, case, f"run-{number}", number) for number in range(6)]
        outcomes = []

        def all_of_them():
            outcomes.extend(push(url, *folders))

        threads = [threading.Thread(target=all_of_them) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["added"] * 6 + ["known"] * 12
        assert all(len(series.entries) == 6 for series in Index.open(url).series())

    @pytest.mark.parametrize(
        "wanted, expected",
        [
            ({}, {"a", "b", "c"}),
            ({"suite": "tiny"}, {"a", "b", "c"}),
            ({"suite": "perf"}, set()),
            ({"case": "small"}, {"a", "b", "c"}),
            ({"case": "large"}, set()),
            ({"mode": MIXED}, {"a", "b", "c"}),
            ({"machine": "here"}, {"a", "b"}),
            ({"branch": "topic"}, {"b"}),
            ({"since": "2026-01-03"}, {"b", "c"}),
            ({"machine": "here", "since": "2026-01-03"}, {"b"}),
            ({"case": "small' OR 1=1 --"}, set()),
            ({"case": "%"}, set()),
            ({"case": "sm\0all"}, set()),
        ],
    )
    def test_what_is_asked_for_is_found_and_nothing_else(self, url, tmp_path, case, wanted, expected):
        push(url, stored(tmp_path, case, "a", 1))
        push(url, stored(tmp_path, case, "b", 2, branch="topic"))
        push(url, stored(tmp_path, case, "c", 3, branch=None, machine="there"))
        found = Index.open(url).series(Selection(**wanted))
        assert {run for series in found for run in runs_of(series)} == expected

    def test_only_the_latest_of_each_series_can_be_asked_for(self, url, tmp_path, case):
        for number in (2, 0, 3, 1):
            push(url, stored(tmp_path, case, f"run-{number}", number, machine="there" if number == 3 else "here"))
        found = Index.open(url).series(Selection(mode=MIXED), last=2)
        assert [runs_of(series) for series in found] == [["run-1", "run-2"], ["run-3"]]
        recent = Selection(since=day(2))
        assert len(Index.open(url).series(recent)) == 4
        assert Index.open(url).series(recent, last=9) == Index.open(url).series(recent)

    def test_what_does_not_compare_is_not_in_one_series(self, url, tmp_path, case):
        push(url, stored(tmp_path, case, "a", names=(REFERENCE,)))
        push(url, stored(tmp_path, case.model_copy(update={"steps": 6}), "b", names=(REFERENCE,)))
        push(url, stored(tmp_path, case, "c", names=(REFERENCE,), machine="there"))
        assert sorted(runs_of(series) for series in Index.open(url).series()) == [["a"], ["b"], ["c"]]

    def test_hostile_text_is_stored_as_text(self, url, tmp_path, case):
        bad = "'; DROP TABLE stylebench_figures; --" + HOSTILE + "\0" + "x" * 5000
        folder = stored(tmp_path, case.model_copy(update={"id": bad}), "run", branch=bad, machine=bad)
        for _ in range(2):
            push(url, folder)
        wanted = Selection(case=bad, branch=bad, machine=bad)
        found = Index.open(url).series(wanted)
        assert len(found) == 2 and all(HOSTILE.splitlines()[0] in series.head.case for series in found)
        assert Index.open(url).series(Selection(case=bad[:-1])) == []

    def test_figures_are_made_anew_of_the_records(self, url, tmp_path, case):
        push(url, *(stored(tmp_path, case, f"run-{number}", number) for number in range(3)))
        before = Index.open(url).series()
        change(url, "UPDATE stylebench_figures SET step_seconds = 7")
        change(url, "UPDATE stylebench_index SET version = 0")
        with pytest.raises(UsageError, match=r"of version 0, expected 1 \(index rebuild"):
            Index.open(url)
        assert Index.open(url, write=True, existing=True, outdated=True).rebuild() == (3, [])
        assert Index.open(url).series() == before

    def test_a_record_that_cannot_be_read_is_named_and_the_others_are_rebuilt(self, url, tmp_path, case):
        folders = [stored(tmp_path, case, f"run-{number}", number) for number in range(2)]
        push(url, *folders)
        key = run_key(RunFolder(folders[0]).load())
        change(url, f"UPDATE stylebench_records SET record = 'no record' WHERE run_key = '{key}'")
        count, (problem,) = Index.open(url, write=True, existing=True, outdated=True).rebuild()
        assert count == 1 and problem.startswith(f"run {key}: damaged")

    def test_what_the_rule_does_not_keep_is_dropped_and_approved_runs_never(self, url, tmp_path, case):
        folders = [stored(tmp_path, case, f"run-{number}", number) for number in range(6)]
        push(url, folders[0], approved=True)
        push(url, *folders)
        index = Index.open(url, write=True)
        assert index.prune(Keep.parse("2"), {"run-2"}) == 2
        assert all(runs_of(series) == ["run-0", "run-2", "run-4", "run-5"] for series in Index.open(url).series())
        assert index.prune(Keep.parse("2"), {"run-2"}) == 0
        assert push(url, folders[1]) == ["added"]

    def test_a_newer_index_is_refused_and_left_as_it_is(self, url, tmp_path, case):
        folder = stored(tmp_path, case, "run")
        push(url, folder)
        change(url, "UPDATE stylebench_index SET version = 99")
        for options in ({}, {"write": True}, {"write": True, "existing": True, "outdated": True}):
            with pytest.raises(UsageError, match="of version 99, this program reads 1"):
                Index.open(url, **options)

    def test_somebody_elses_database_is_refused_and_left_as_it_is(self, url, tmp_path, case):
        change(url, "CREATE TABLE runs (id INTEGER)")
        for options in ({}, {"write": True}, {"write": True, "existing": True, "outdated": True}):
            with pytest.raises(UsageError, match="the database holds other tables"):
                Index.open(url, **options)
        assert tables(url) == ["runs"]

    def test_an_empty_database_is_none_to_read(self, url, tmp_path):
        if url.startswith("sqlite"):
            (tmp_path / "history.db").write_bytes(b"")
        with pytest.raises(UsageError, match="is empty"):
            Index.open(url)
        assert tables(url) == []


def change(url, statement):
    """Change a database as somebody else would."""
    from harness.history import database

    engine = database.open_database(url, True, True)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def tables(url):
    from sqlalchemy import inspect

    from harness.history import database

    return inspect(database.open_database(url, True, True)).get_table_names()


# What is no index


@pytest.fixture
def bench_says(monkeypatch, capsys):
    """Runs a command; returns status, output and errors."""

    def bench_says(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", *map(str, arguments)])
        status = bench.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return bench_says


@pytest.fixture
def refused(bench_says):
    """Runs a command that must end in one line; returns the line."""

    def refused(*arguments, status=2):
        found, out, err = bench_says(*arguments)
        assert (found, out, err.count("\n")) == (status, "", 1), (found, out, err)
        return err

    return refused


@pytest.fixture
def folder(tmp_path, case):
    return stored(tmp_path / "results", case, "run")


def commands(folder, url):
    return [
        ("push", folder, "--index", url),
        ("history", "--index", url),
        ("index", "rebuild", "--index", url),
        ("index", "prune", "--keep", "1", "--index", url),
    ]


@pytest.mark.parametrize(
    "url, reason",
    [
        ("", "not a URL of a database"),
        ("results/history.db", "not a URL of a database"),
        ("sqlite://", "no name of a file"),
        ("sqlite:///:memory:", "no name of a file"),
        ("sqlite:///a.db?mode=rw", "no name of a file"),
        ("sqlite:////", "not a regular file"),
        ("sqlite:////dev/null", "not a regular file"),
        ("sqlite:////dev/null/a.db", "File exists"),
        ("mysql://root:secret@host/d", "a database of kind mysql"),
        ("postgresql+nothing://host/d", "index postgresql+nothing://host/d: "),
        ("postgresql://a:secret@127.0.0.1:1/d", "Connection refused"),
        ("postgresql://a:secret@127.0.0.1:port/d", "not a URL of a database"),
        ("postgresql://a:a/secret@127.0.0.1:port/d?password=secret", "not a URL of a database"),
        ("postgresql://a@127.0.0.1:1/d?password=secret", "Connection refused"),
        ("http://example.org", "a database of kind http"),
    ],
)
def test_a_url_that_is_none_is_one_line_without_its_password(url, reason, folder, refused, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for arguments in commands(folder, url):
        line = refused(*arguments)
        assert (reason in line or "no such file" in line) and "secret" not in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture.png", "results", "style.png"]


def test_a_word_that_is_missing_or_unknown_is_one_line(refused):
    assert "Missing command." in refused("index")
    assert "No such command 'drop'" in refused("index", "drop")
    assert "Missing argument 'RUN...'" in refused("push")
    assert "Missing option '--keep'" in refused("index", "prune")
    assert "does not match the format '%Y-%m-%d'" in refused("history", "--since", "yesterday")


def test_only_push_makes_an_index(folder, refused, bench_says, tmp_path):
    url = f"sqlite:///{tmp_path / 'new' / 'history.db'}"
    for arguments in commands(folder, url)[1:]:
        assert "no such file (python bench.py push RUN makes one)" in refused(*arguments)
    assert not (tmp_path / "new").exists()
    assert bench_says(*commands(folder, url)[0])[0] == 0


@pytest.mark.parametrize("content", [b"no database at all, and quite long " * 100, b"SQLite format 3\0" + b"\xff" * 99])
def test_a_file_that_is_no_database_is_left_as_it_is(content, folder, refused, tmp_path):
    path = tmp_path / "history.db"
    path.write_bytes(content)
    for arguments in commands(folder, f"sqlite:///{path}"):
        assert "not a database" in refused(*arguments)
    assert path.read_bytes() == content


def test_a_database_of_somebody_else_is_one_line_of_every_command(folder, refused, tmp_path):
    path = tmp_path / "history.db"
    connection = sqlite3.connect(str(path))
    connection.execute("CREATE TABLE stylebench_figures (a)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for arguments in commands(folder, f"sqlite:///{path}"):
        assert "the database holds other tables" in refused(*arguments)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "spoil, reason",
    [
        (lambda text: text.replace('"schema_version":1', '"schema_version":99'), "schema version 99, expected 1"),
        (lambda text: text[:100], "not JSON"),
        (lambda text: text.replace('"summaries":[', '"summaries":[3,'), "summaries.0"),
    ],
)
def test_one_run_that_cannot_be_read_and_none_is_pushed(spoil, reason, folder, refused, case, tmp_path):
    bad = stored(tmp_path / "results", case, "bad") / "run.json"
    bad.write_text(spoil(bad.read_text()))
    line = refused("push", folder, bad.parent, "--index", f"sqlite:///{tmp_path / 'history.db'}")
    assert reason in line and str(bad) in line
    assert not (tmp_path / "history.db").exists()


def test_a_run_that_says_nothing_is_none_to_push(refused, tmp_path, case):
    empty = make_run(tmp_path / "run", case, trials=[], summaries=[], plans=[], fidelity=[], complete=False)
    line = refused("push", empty.folder, "--index", f"sqlite:///{tmp_path / 'history.db'}")
    assert "nothing was measured, planned or judged in it" in line


def test_a_full_disk_loses_nothing_that_was_there(small_disk, tmp_path, case, refused, bench_says):
    url = f"sqlite:///{small_disk}/history.db"
    folders = [stored(tmp_path / "results", case, f"run-{number}", number) for number in range(3)]
    assert bench_says("push", folders[0], "--index", url)[0] == 0
    with open(f"{small_disk}/rest", "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 1024)
    line = refused("push", *folders, "--index", url, status=70)
    assert "disk" in line and "what was stored before is whole" in line
    os.unlink(f"{small_disk}/rest")
    assert [runs_of(series) for series in Index.open(url).series()] == [["run-0"], ["run-0"]]


def test_a_read_only_index_can_be_read_and_is_refused_to_writers(small_disk, folder, refused, bench_says):
    url = f"sqlite:///{small_disk}/history.db"
    assert bench_says("push", folder, "--index", url)[0] == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    push, history, rebuild, prune = commands(folder, url)
    for arguments in (history, prune):  # prune has nothing to drop
        assert bench_says(*arguments)[0] == 0
    for arguments in (push, rebuild):
        assert "readonly database" in refused(*arguments)


def test_a_connection_that_is_lost_is_one_line_and_the_next_push_goes_through(tmp_path, case, folder):
    with server().database() as url:
        push(url, folder)
        index = Index.open(url, write=True)
        parcel = Parcel.of(*RunFolder(stored(tmp_path, case, "next", 2)).load_with_bytes())
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        change(url, f"{ended} AND pid <> pg_backend_pid()")
        with pytest.raises((DatabaseError, UsageError)) as told:
            index.push(parcel)
        assert "index postgresql" in str(told.value) and "\n" not in str(told.value)
        assert index.push(parcel) == "added"


# Commands


def test_what_is_pushed_is_shown(folder, bench_says, tmp_path):
    url = f"sqlite:///{tmp_path / 'history.db'}"
    told = bench_says("push", folder, "--index", url)
    assert told == (0, f"1 runs added, 0 replaced, 0 were there already: {url}\n", "")
    assert "0 runs added, 0 replaced, 1 were there already" in bench_says("push", folder, "--index", url)[1]
    status, out, _ = bench_says("history", "--index", url, "--mode", REFERENCE, "--machine", "here")
    assert status == 0 and "0.515" in out and "0000000" in out and MIXED not in out
    assert "No stored run of that kind." in bench_says("history", "--index", url, "--branch", "none")[1]
    assert "the figures of 1 runs were made anew" in bench_says("index", "rebuild", "--index", url)[1]
    assert bench_says("index", "prune", "--keep", "1", "--index", url)[1] == "0 runs dropped\n"


def test_an_approved_run_is_marked_when_it_is_pushed(folder, bench_says, tmp_path, case):
    baseline = tmp_path / "baselines" / "tiny" / "small" / "a.json"
    baseline.parent.mkdir(parents=True)
    baseline.write_text(json.dumps({"run": "run", "case": "small", "mode": {"name": REFERENCE}}))
    url = f"sqlite:///{tmp_path / 'history.db'}"
    later = stored(tmp_path / "results", case, "later", 5)
    bench_says("push", folder, later, "--index", url, "--baselines", tmp_path / "baselines")
    assert "◆" in bench_says("history", "--index", url, "--baselines", tmp_path / "baselines")[1]
    assert bench_says("index", "prune", "--keep", "1", "--index", url, "--baselines", tmp_path)[1] == "0 runs dropped\n"


def test_a_suite_s_own_baselines_mark_its_runs(bench_says, tmp_path, case):
    own = tmp_path / "own"
    (own / "tiny" / "small").mkdir(parents=True)
    baseline = {"run": "run", "case": "small", "mode": {"name": REFERENCE}}
    (own / "tiny" / "small" / "a.json").write_text(json.dumps(baseline))
    for number, name in enumerate(("run", "later")):
        made = make_run(tmp_path / "results" / name, case, started=day(number))
        suite = made.run.suite.model_copy(update={"baselines": str(own)})
        written(made._replace(run=made.run.model_copy(update={"suite": suite})))
    results, url = tmp_path / "results", f"sqlite:///{tmp_path / 'history.db'}"
    marked = [line for line in bench_says("history", "--output", results)[1].splitlines() if "◆ 2026" in line]
    assert len(marked) == 1
    bench_says("push", results / "run", results / "later", "--index", url)
    assert bench_says("index", "prune", "--keep", "1", "--index", url)[1] == "0 runs dropped\n"


def test_a_push_that_is_killed_leaves_runs_whole_or_out(folder, tmp_path, case):
    folders = [stored(tmp_path / "results", case, f"run-{number}", number) for number in range(20)]
    url = f"sqlite:///{tmp_path / 'history.db'}"
    push(url, folder)
    command = [sys.executable, "bench.py", "push", *map(str, folders), "--index", url]
    pushing = subprocess.Popen(command, cwd=str(ROOT), stdout=subprocess.DEVNULL)
    while pushing.poll() is None and len(Index.open(url).series()[0].entries) < 3:
        pass
    pushing.send_signal(signal.SIGKILL)
    pushing.wait()
    assert len({tuple(runs_of(series)) for series in Index.open(url).series()}) == 1
    push(url, *folders)
    assert all(len(series.entries) == 21 for series in Index.open(url).series())


KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE stylebench_figures SET step_seconds = 7")
connection.execute("UPDATE stylebench_records SET record = randomblob(1000000)")
os.kill(os.getpid(), 9)
"""


def test_a_reader_undoes_what_a_killed_writer_had_begun(folder, tmp_path):
    path = tmp_path / "history.db"
    push(f"sqlite:///{path}", folder)
    before = Index.open(f"sqlite:///{path}").series()
    subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert (tmp_path / "history.db-journal").stat().st_size
    assert Index.open(f"sqlite:///{path}").series() == before


# Retention


def test_rules_of_what_is_kept():
    assert Keep.parse("200") == (200, None)
    assert Keep.parse("90d") == (None, 90)
    assert Keep.parse("90d, 200") == (200, 90)
    for text in ("", "0", "0d", "-1", "1,2", "all", "1.5", "90D", "9" * 20, "²"):
        with pytest.raises(UsageError, match="expected N runs"):
            Keep.parse(text)


def test_a_rule_keeps_the_latest_of_each_kind_and_the_recent_ones():
    from datetime import datetime, timezone

    now = datetime(2026, 1, 11, tzinfo=timezone.utc)
    held = [Held(f"a{number}", "perf", "a", day(number), day(number), False) for number in range(10)]
    held += [Held("b0", "perf", "b", day(0), day(0), False), Held("c0", "smoke", "a", day(0), "yesterday", False)]
    assert sorted(Keep(3, None).dropped(held, now)) == [f"a{number}" for number in range(7)]
    assert sorted(Keep(None, 2).dropped(held, now)) == [*(f"a{number}" for number in range(8)), "b0", "c0"]
    assert sorted(Keep(1, 2).dropped(held, now)) == [f"a{number}" for number in range(8)]
    assert Keep(1, None).dropped([run._replace(approved=True) for run in held], now) == []
