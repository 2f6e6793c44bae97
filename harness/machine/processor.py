"""The processor: its model, and how much of its time this process is granted."""

import platform
import re
from functools import lru_cache
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

Quota = Tuple[float, float]
"""Microseconds of CPU time that are granted in each period, and the microseconds of the period."""


@lru_cache(maxsize=None)
def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's model, `unknown` where nothing tells it.

    On x86-64 /proc/cpuinfo names it. Elsewhere py-cpuinfo looks for it, which takes a second or two; an ARM core
    without a name is described by the numbers of its implementer and part.
    """
    try:
        text = cpuinfo.read_text(errors="replace")
    except OSError:
        text = ""
    return _field("model name", text) or _asked() or _arm_part(text) or platform.processor() or "unknown"


def cpu_quota(root: Path = Path("/")) -> Optional[float]:
    """Return the CPU time that this process may use, in cores; None where it may use all that its affinity allows.

    That is the least quota of its control groups, version 1 or 2, and of those above them. `docker --cpus` sets it,
    and the affinity does not show it. Source: the kernel's Documentation/scheduler/sched-bwc.rst and
    admin-guide/cgroup-v2.rst.
    """
    quotas = [quota for folder in _groups(root) for quota in _quotas(folder)]
    return min((time / period for time, period in quotas if time > 0 and period > 0), default=None)


def throttled_seconds(root: Path = Path("/")) -> Optional[float]:
    """Return how long quotas have held back this process's control group so far; None where none is counted.

    Of several groups, one above the other, the one that was held back longest counts.
    """
    found: List[float] = []
    for folder in _groups(root):
        # Version 2 counts microseconds, version 1 nanoseconds.
        for name, scale in (("throttled_usec", 1e6), ("throttled_time", 1e9)):
            match = re.search(rf"^{name} ([0-9]+)$", _read(folder / "cpu.stat"), re.MULTILINE)
            found += [int(match.group(1)) / scale] if match else []
    return max(found, default=None)


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups for the processor, version 1 or 2, and of those above them."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mount = root / "sys/fs/cgroup"
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        homes = {mount / controllers, mount / "cpu"} if controllers else {mount, mount / "unified"}
        # A container may see its own group as the root.
        folders = [path.strip("/")]
        while folders[-1]:
            folders.append(folders[-1].rpartition("/")[0])
        yield from (home / folder for folder in folders for home in sorted(homes))


def _quotas(folder: Path) -> Iterator[Quota]:
    """Yield the quota of a control group, version 2 or 1."""
    yield from _parsed(_read(folder / "cpu.max"))
    yield from _parsed(" ".join(_read(folder / file) for file in ("cpu.cfs_quota_us", "cpu.cfs_period_us")))


def _parsed(text: str) -> Iterator[Quota]:
    """Yield the quota that a text such as `50000 100000` holds; `max 100000` and `-1 100000` are no quotas."""
    match = re.fullmatch(r"([0-9]+)\s+([0-9]+)", text.strip())
    if match:
        yield float(match.group(1)), float(match.group(2))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _field(name: str, text: str) -> str:
    match = re.search(rf"^{name}\s*:[ \t]*(\S.*)$", text, re.MULTILINE)
    return match.group(1).strip() if match else ""


def _asked() -> str:
    import cpuinfo

    return str(cpuinfo.get_cpu_info().get("brand_raw", ""))


def _arm_part(text: str) -> str:
    maker, part = _field("CPU implementer", text), _field("CPU part", text)
    return f"ARM implementer {maker}, part {part}" if maker and part else ""
