"""How much memory a new process may take, and what this one no longer needs."""

import ctypes
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

import psutil


def available_bytes(root: Path = Path("/")) -> int:
    """Memory that can be taken without anything being swapped out, as far as the machine and every limit allow.

    The limits are those of this process's control groups and the ones above them, of both versions (`docker --memory`),
    and of its address space (`ulimit -v`). Source: the kernel's admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst.
    """
    return max(0, min([psutil.virtual_memory().available, *_address_space(), *_left_in_groups(root)]))


def give_back() -> None:
    """Give memory that was freed back to the system; the C library keeps it otherwise. Does nothing but in glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _address_space() -> Iterator[int]:
    import resource

    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        yield soft


def _left_in_groups(root: Path) -> Iterator[int]:
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for group in groups:
        _, controllers, folder = group.split(":", 2)
        if not controllers or "memory" in controllers.split(","):
            for home, (limit, used) in _homes(root / "sys/fs/cgroup", controllers, folder):
                most, taken = _number(home / limit), _number(home / used)
                if most is not None and taken is not None:
                    # Files that were read are counted as used, and given up as soon as memory is asked for.
                    yield most - taken + _cached(home)


def _homes(mount: Path, controllers: str, group: str) -> Iterator[Tuple[Path, Tuple[str, str]]]:
    """Folders of a control group and of those above it; a container may see its own as the root."""
    folders: List[str] = [group.strip("/")]
    while folders[-1]:
        folders.append(folders[-1].rpartition("/")[0])
    for folder in folders:
        if controllers:
            yield mount / "memory" / folder, ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            for home in (mount, mount / "unified"):
                yield home / folder, ("memory.max", "memory.current")


def _number(path: Path) -> Optional[int]:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # `max` is no limit
        return None


def _cached(home: Path) -> int:
    try:
        lines = (home / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    counts = dict(line.split(" ", 1) for line in lines if " " in line)
    return int(counts.get("total_inactive_file", counts.get("inactive_file", "0")))
