"""Histories made without measuring anything."""

from datetime import datetime, timedelta, timezone

from harness.history.series import Entry
from tests.reports.runs import MIXED, REFERENCE, make_run

__all__ = ["MIXED", "REFERENCE"]


def day(number):
    """ISO 8601 time of a day of 2026, from 0."""
    return (datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=number)).isoformat()


def stored(results, case, name, number=0, branch="main", machine="here", started=None, **changes):
    """A run folder of the revision that was committed on a day, and its path."""
    made = make_run(results / name, case, started=started or day(number), **changes)
    found = made.run.environment.model_copy(
        update={
            "revision": f"{number:012x}", "commit": f"{number:040x}", "committed": day(number), "branch": branch,
            "machine_key": machine,
        }
    )  # fmt: skip
    made = made._replace(run=made.run.model_copy(update={"environment": found}))
    return written(made)


def written(evidence):
    """Write the record of a run into its folder, and return the folder."""
    (evidence.folder / "run.json").write_text(evidence.run.model_dump_json())
    return evidence.folder


def entry(number=0, seconds=0.5, width=0.02, **changes):
    """What a run of the revision of a day says."""
    fields = {
        "suite": "perf", "case": "small", "mode": REFERENCE, "device": "cpu", "machine": "here", "job": "1",
        "committed": day(number), "started": day(number), "run": f"perf-{number}", "revision": f"{number:012x}",
        "commit": f"{number:040x}", "branch": "main", "processor": "some", "op_table": "packaged",
        "emulated": False, "steady": True,
        "step_seconds": seconds, "step_low": seconds * (1 - width), "step_high": seconds * (1 + width), "ratio": 1.0,
        "casts": 69, "bytes_cast": 10**7, "ssim": 0.99, "final_loss": 1e6, "true_loss": 1e6,
        "peak_memory_bytes": 10**9,
    }  # fmt: skip
    return Entry(**{**fields, **changes})
