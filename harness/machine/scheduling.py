"""Watches what the system does to this process: waits for a processor, moves, throttling. Linux tells it in /proc.

Sources: the kernel's Documentation/scheduler/sched-stats.rst (schedstat), filesystems/proc.rst (stat, status).
"""

import contextlib
import os
import re
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set, Tuple

from harness.machine.processor import throttled_seconds
from harness.records.scheduling import Scheduling

_BUSY = (0, 1, 2, 5, 6)
"""Columns of /proc/stat that count work: user, nice, system, irq, softirq. Guests' time is within the first two."""
_STOLEN = 7
_MIGRATIONS = re.compile(r"^se\.nr_migrations\s*:\s*([0-9]+)", re.MULTILINE)


class Watch:
    """Looks at this process when it is made, and again when it is asked what happened since."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        self._before = self._look()

    def seen(self) -> Scheduling:
        """Return what happened since the watch was made."""
        before, now = self._before, self._look()
        # A thread that has ended took its figures with it, so that sums may have shrunk.
        gone = {name: max(now[name] - value, 0.0) for name, value in before.items() if name in now}
        others = gone["busy"] - gone["cpu"] if "busy" in gone else None
        return Scheduling(
            seconds=max(gone["time"], 1e-9),
            niceness=os.getpriority(os.PRIO_PROCESS, 0),
            affinity=ranges(sorted(self._cores)),
            cpu_seconds=gone["cpu"],
            waiting_seconds=gone.get("waiting"),
            others_seconds=None if others is None else max(others, 0.0),
            stolen_seconds=gone.get("stolen"),
            migrations=_whole(gone.get("migrations")),
            involuntary_switches=_whole(gone.get("involuntary")),
            throttled_seconds=gone.get("throttled"),
            thermal_throttles=_whole(gone.get("thermal")),
        )

    def _look(self) -> Dict[str, float]:
        """Return what the system has counted so far, by name, times in seconds; what it does not tell is left out."""
        import resource

        found: Dict[str, Optional[float]] = {
            "time": time.monotonic(),
            "cpu": time.process_time(),
            "involuntary": resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
            "throttled": throttled_seconds(self._root),
            "thermal": _thermal_throttles(self._root),
        }
        found["waiting"], found["migrations"] = _threads(self._root / "proc/self/task")
        found["busy"], found["stolen"] = _processors(self._root / "proc/stat", self._cores)
        return {name: float(value) for name, value in found.items() if value is not None}


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers in short: `0-3,8`."""
    parts: List[List[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def _threads(folder: Path) -> Tuple[Optional[float], Optional[float]]:
    """Return the seconds that the process's threads waited for a processor, and how often they moved to another."""
    waited: List[float] = []
    moves: List[int] = []
    for task in _listed(folder):
        with contextlib.suppress(OSError, ValueError, IndexError):  # a thread that has ended; a kernel without them
            waited.append(int((task / "schedstat").read_text().split()[1]) / 1e9)
        with contextlib.suppress(OSError):
            moves += map(int, _MIGRATIONS.findall((task / "sched").read_text()))
    return (sum(waited) if waited else None), (sum(moves) if moves else None)


def _processors(path: Path, cores: Set[int]) -> Tuple[Optional[float], Optional[float]]:
    """Return the seconds that these processors worked, and those that a hypervisor kept from them."""
    busy, stolen = [], []
    with contextlib.suppress(OSError, ValueError, IndexError):
        tick = os.sysconf("SC_CLK_TCK")
        for name, *columns in (line.split() for line in path.read_text().splitlines() if line.startswith("cpu")):
            if name[3:].isdigit() and int(name[3:]) in cores:
                busy.append(sum(int(columns[index]) for index in _BUSY) / tick)
                stolen.append(int(columns[_STOLEN]) / tick)
    return (sum(busy) if busy else None), (sum(stolen) if stolen else None)


def _thermal_throttles(root: Path) -> Optional[int]:
    counts = []
    for path in (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/core_throttle_count"):
        with contextlib.suppress(OSError, ValueError):
            counts.append(int(path.read_text()))
    return sum(counts) if counts else None


def _listed(folder: Path) -> List[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _whole(value: Optional[float]) -> Optional[int]:
    return None if value is None else int(value)
