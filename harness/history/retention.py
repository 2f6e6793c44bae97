"""Which runs an index keeps: the latest of each kind, those of the last days, and always the approved ones."""

import re
from datetime import datetime, timedelta, timezone
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError

_EXPECTED = "expected N runs, or as many days as in 90d, or both as in 200,90d"


class Held(NamedTuple):
    """A run in an index, as far as it matters here."""

    key: str
    suite: str
    machine: str
    committed: str
    started: str
    approved: bool


class Keep(NamedTuple):
    """What is kept: whatever one of the two rules keeps."""

    runs: Optional[int]
    """So many of each suite and machine, of the latest revisions; None: no such rule."""
    days: Optional[int]
    """Those that were started in so many last days; None: no such rule."""

    @classmethod
    def parse(cls, text: str) -> "Keep":
        """Read `200`, `90d` or `200,90d`; raises UsageError."""
        parts = [part.strip() for part in text.split(",")]
        runs = [part for part in parts if re.fullmatch("[0-9]{1,9}", part)]
        days = [part[:-1] for part in parts if re.fullmatch("[0-9]{1,5}d", part)]
        if len(runs) + len(days) != len(parts) or len(runs) > 1 or len(days) > 1:
            raise UsageError(f"--keep {text!r}: {_EXPECTED}")
        found = cls(int(runs[0]) if runs else None, int(days[0]) if days else None)
        if 0 in found:
            raise UsageError(f"--keep {text!r}: nothing would be kept ({_EXPECTED})")
        return found

    def dropped(self, held: Sequence[Held], now: datetime) -> List[str]:
        """Return the keys of the runs that are not kept."""
        kinds: Dict[Tuple[str, str], List[Held]] = {}
        for run in held:
            kinds.setdefault((run.suite, run.machine), []).append(run)
        found = []
        for runs in kinds.values():
            runs.sort(key=lambda run: (run.committed, run.started, run.key), reverse=True)
            found += [run.key for run in runs[self.runs or 0 :] if not run.approved and not self._is_recent(run, now)]
        return found

    def _is_recent(self, run: Held, now: datetime) -> bool:
        if self.days is None:
            return False
        try:
            started = datetime.fromisoformat(run.started)
        except ValueError:
            return False
        if started.tzinfo is None:
            started = started.replace(tzinfo=timezone.utc)
        return started >= now - timedelta(days=self.days)
