"""The check of a user's graph in words and tables, shared by all formats."""

import shlex
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from harness.precision import MATMUL32
from harness.records import CheckedFetch, GraphCheck, ModeCheck
from harness.records.fidelity import Fitness
from harness.remark import Remark, remark
from reports.figures import NOT_MEASURED
from reports.findings import Sentence
from reports.language import Words

FITNESS: Dict[Fitness, str] = {"fit": "yes", "wrong": "no", "not_judged": "not judged"}
MOST_LOST = 10
"""Ops that are named of those that lost values in a mode; the rest is in check.json."""


class CheckColumn(NamedTuple):
    """A column of a table."""

    heading: str
    cells: Tuple[str, ...]
    number: bool = True
    rank: int = 0
    """Where there is no room, the column of the highest rank gives way first; those of rank 0 stay."""


class CheckTable(NamedTuple):
    """A table; the first column names its rows."""

    title: str
    names: CheckColumn
    columns: Tuple[CheckColumn, ...]
    fitness: Tuple[Fitness, ...] = ()
    """Of each row, where the column `right?` says it."""


def tables(check: GraphCheck, words: Words) -> List[CheckTable]:
    """Return the decision first, then every fetch, then what was lost, then every op where that was asked for."""
    found = [decision(check, words), fetches(check, words)]
    found += [lost(check, words)] if any(mode.lost for mode in check.modes) else []
    return found + [_ops(mode, words) for mode in check.modes if mode.ops]


def decision(check: GraphCheck, words: Words) -> CheckTable:
    """Return a row for each mode: is it right, why not, what the card makes of it."""
    modes = check.modes
    return CheckTable(
        "",
        CheckColumn(words("mode"), tuple(mode.mode.name for mode in modes), False),
        (
            CheckColumn(words("right?"), tuple(words(FITNESS[mode.fitness]) for mode in modes), False),
            CheckColumn(words("why"), tuple(why(mode, words) for mode in modes), False),
            CheckColumn(words("910 floor ms"), tuple(f"{m.plan.roofline_seconds * 1e3:.3g}" for m in modes)),
            CheckColumn(words("casts"), tuple(str(mode.plan.casts) for mode in modes), rank=1),
            CheckColumn(words("compiles"), tuple(_compiles(mode, words) for mode in modes), False),
        ),
        tuple(mode.fitness for mode in modes),
    )


def why(mode: ModeCheck, words: Words) -> str:
    """Return what decided: the worst fetch beside its limit, what saturated, and the first op that parts."""
    told: List[Remark] = list(mode.reasons)
    worst = mode.worst
    if not told and worst is not None and worst.limit is not None:
        told = [remark("fetch_keeps_limit", fetch=worst.name, distance=worst.furthest, limit=worst.limit)]
        told = told if worst.furthest else [remark("as_float32")]
    if mode.first is not None:
        told.append(remark("first_parts", op=mode.first.op, type=mode.first.type, dtypes=mode.first.dtypes))
    return words.semicolon.join(map(words.remark, told))


def fetches(check: GraphCheck, words: Words) -> CheckTable:
    """Return a row for each fetch in each mode."""
    pairs = [(mode, fetch) for mode in check.modes for fetch in mode.fetches]

    def column(heading: str, text: Callable[[CheckedFetch], str], rank: int = 0) -> CheckColumn:
        return CheckColumn(words(heading), tuple(text(fetch) for _, fetch in pairs), rank=rank)

    columns = [
        CheckColumn(words("fetch"), tuple(fetch.name for _, fetch in pairs), False),
        CheckColumn(words("right?"), tuple(words(FITNESS[fetch.fitness]) for _, fetch in pairs), False),
        column("distance", lambda fetch: f"{fetch.mean:.3g}"),
        column("95 % interval", _interval, 3),
        column("limit", lambda fetch: NOT_MEASURED if fetch.limit is None else f"{fetch.limit:.3g}"),
        column("headroom", lambda fetch: NOT_MEASURED if fetch.headroom is None else f"{fetch.headroom:.3g}", 1),
        column("cosine", _cosine, 2),
        column("largest error", lambda fetch: f"{max(error.largest for error in fetch.errors):.3g}", 1),
    ]
    names = CheckColumn(words("mode"), tuple(mode.mode.name for mode, _ in pairs), False)
    return CheckTable(words("Fetches"), names, tuple(columns), tuple(fetch.fitness for _, fetch in pairs))


def lost(check: GraphCheck, words: Words) -> CheckTable:
    """Return a row for each op that lost values in a mode, those that saturated or made NaN first."""
    rows = []
    for mode in check.modes:
        ordered = sorted(mode.lost, key=lambda op: (-(op.saturated + op.nan > 0), -op.flushed))
        rows += [(mode.mode.name, op) for op in ordered[:MOST_LOST]]
    return CheckTable(
        words("What float16 lost"),
        CheckColumn(words("mode"), tuple(name for name, _ in rows), False),
        (
            CheckColumn(words("op"), tuple(op.op for _, op in rows), False),
            CheckColumn(words("type"), tuple(op.type for _, op in rows), False, rank=1),
            CheckColumn(words("saturated"), tuple(f"{op.saturated:,}" for _, op in rows)),
            CheckColumn(words("became zero"), tuple(f"{op.flushed:,}" for _, op in rows)),
            CheckColumn("NaN", tuple(f"{op.nan:,}" for _, op in rows)),
        ),
    )


def _ops(mode: ModeCheck, words: Words) -> CheckTable:
    ops = mode.ops
    return CheckTable(
        words("Every op in {mode}", mode=mode.mode.name),
        CheckColumn(words("op"), tuple(op.op for op in ops), False),
        (
            CheckColumn(words("type and dtypes"), tuple(f"{op.type} {op.dtypes}" for op in ops), False, 1),
            CheckColumn(words("distance"), tuple(f"{op.distance:.3g}" for op in ops)),
            CheckColumn(words("limit"), tuple(f"{op.limit:.3g}" for op in ops)),
            CheckColumn(words("parts"), tuple(words("yes") if op.parts else "" for op in ops), False),
            CheckColumn(words("rule"), tuple(words.message(op.rule) for op in ops), False, 2),
        ),
    )


def _interval(fetch: CheckedFetch) -> str:
    return NOT_MEASURED if fetch.interval is None else "{:.2g} – {:.2g}".format(*fetch.interval)


def _cosine(fetch: CheckedFetch) -> str:
    known = [error.cosine for error in fetch.errors if error.cosine is not None]
    return f"{min(known):.6f}" if known else NOT_MEASURED


def _compiles(mode: ModeCheck, words: Words) -> str:
    return words("no: {count} ops", count=len(mode.plan.refused)) if mode.plan.refused else words("yes")


def legend(words: Words) -> str:
    """Return what the columns hold, in one line."""
    told = [
        ("distance", "relative L2 to float32, geometric mean over the samples; of integers the share that differs"),
        ("limit", "twice as far as one ulp of float16 on inputs and weights moves it, at most"),
        ("headroom", "error to float64 over that of float32"),
    ]
    return words.sentence([words(name) + words.colon + words(text) for name, text in told])


def subject(check: GraphCheck, words: Words) -> List[str]:
    """Return what was run and fed, a line each."""
    feeds = check.feeds
    runs = words("run for {names}", names=", ".join(check.fetches))
    if check.is_guessed:
        runs += words.aside(words("what nothing reads; --fetch NAME for another"))
    lines = [runs]
    if feeds.files:
        lines.append(words("fed from {count} files", count=len(feeds.files)))
    elif feeds.low is not None and feeds.high is not None:
        ends = {"low": f"{feeds.low:g}", "high": f"{feeds.high:g}"}
        text = "fed random numbers from {low} to {high}, seed {seed}, {count} samples: not your data (--feeds FILE.npz)"
        lines.append(words(text, seed=feeds.seed, count=feeds.samples, **ends))
    else:
        lines.append(words("takes no feeds"))
    if check.initializers:
        names = ", ".join(check.initializers)
        lines.append(words("{steps} steps from {names} on", steps=check.steps, names=names))
    return lines + list(map(words.remark, check.remarks))


def sentences(check: GraphCheck, words: Words) -> List[Sentence]:
    """Return in plain words which mode to take, which are wrong, and which the card does not compile."""
    right = [mode for mode in check.modes if mode.fitness == "fit"]
    usable = [mode for mode in right if not mode.plan.refused]
    said = []
    if usable:
        best = min(usable, key=lambda mode: mode.plan.roofline_seconds)
        text = "Take {mode}: what it computes is right, and takes at least {floor} ms on a 910."
        said.append(Sentence(words(text, mode=best.mode.name, floor=f"{best.plan.roofline_seconds * 1e3:.3g}")))
    elif right:
        said.append(Sentence(words("Right, but not for a 910: {modes}.", modes=_names(right, words))))
    wrong = [mode for mode in check.modes if mode.fitness == "wrong"]
    if wrong:
        said.append(Sentence(words("Wrong: {modes}. Which ops spoil it:", modes=_names(wrong, words)), blame(check)))
    refused = [mode for mode in check.modes if mode.plan.refused]
    if usable and refused:
        said.append(Sentence(words("A 910 would not compile {modes}.", modes=_names(refused, words))))
    return said


def blame(check: GraphCheck) -> str:
    """Return the command that looks for what spoils the first wrong mode; empty when none is wrong."""
    wrong = [mode.mode for mode in check.modes if mode.fitness == "wrong"]
    if not wrong:
        return ""
    # What comes after it in the mode's name is said by the options.
    name = MATMUL32 if wrong[0].name.startswith(MATMUL32) else wrong[0].precision.mode
    return " ".join(["python", "bench.py", "blame", *map(shlex.quote, (name, *check.options))])


def _names(modes: Sequence[ModeCheck], words: Words) -> str:
    return words.comma.join(mode.mode.name for mode in modes)
