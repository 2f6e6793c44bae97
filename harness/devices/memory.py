"""Whether a case's steps fit into this machine, told before anything is computed."""

from pathlib import Path
from typing import Sequence

from harness.devices import naming
from harness.errors import UsageError
from harness.machine import environment
from harness.machine.memory import available_bytes
from harness.records import Case, Mode
from harness.step import inputs
from harness.step.memory import needed_bytes

_GIB = 2**30


def resolve(case: Case, cache: str, modes: Sequence[Mode], device: str, forward_only: bool = False) -> Case:
    """Return the case with what its files hold; raises as inputs.load and `require` do."""
    loaded = inputs.load(case, cache)
    require(loaded, modes, device, "--size", forward_only)
    return loaded.case


def require(loaded: inputs.Loaded, modes: Sequence[Mode], device: str, option: str, forward_only: bool = False) -> None:
    """Raise UsageError when the case needs more memory than there is.

    Args:
        device: one or several; each CPU has a process of its own, and the memory of other kinds is not known.
        option: what makes the picture smaller.
        forward_only: the step is planned and never made.
    """
    processes = sum(_takes_this_memory(chosen.kind) for chosen in naming.parse(device))
    emulated = any(mode.format != "float32" for mode in modes)
    needed = processes * needed_bytes(loaded, _tensorflow(), emulated, forward_only)
    available = available_bytes()
    if needed <= available:
        return
    height, width = loaded.pictures.shape
    several = f"{loaded.case.batch} pictures of " if loaded.case.batch > 1 else ""
    styles = ", ".join(f"{style.shape[1]}x{style.shape[0]}" for style in loaded.pictures.styles)
    raise UsageError(
        f"case {loaded.case.id}: {several}{width}x{height} pixels, styles of {styles}, need about "
        f"{needed / _GIB:.1f} GiB, this machine has {available / _GIB:.1f} GiB available: give {option}"
    )


def holds(processes: int, cases: Sequence[Case], cache: str, modes: Sequence[Mode], device: str) -> bool:
    """True when the machine's memory holds as many processes at once, each making the steps of any of the cases."""
    if not _takes_this_memory(naming.parse(device)[0].kind):
        return True
    emulated = any(mode.format != "float32" for mode in modes)
    needed = max(needed_bytes(inputs.load(case, cache), _tensorflow(), emulated) for case in cases)
    return processes * needed <= available_bytes()


def is_of_host(device: str) -> bool:
    """Return True when the devices compute in this machine's own memory: its CPU, `auto` where it has nothing else."""
    return all(_takes_this_memory(chosen.kind) for chosen in naming.parse(device))


def _takes_this_memory(kind: str) -> bool:
    # What `auto` stands for is known to TensorFlow alone, which this process does not import.
    return kind == "cpu" or (kind == "auto" and not Path("/proc/driver/nvidia/gpus").exists())


def _tensorflow() -> int:
    """Major version of the one that is installed."""
    packages = environment.installed_packages()
    versions = [packages[name] for name in environment.TENSORFLOW_WHEELS if name in packages]
    return 1 if versions and versions[0].startswith("1.") else 2
