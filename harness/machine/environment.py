"""Describes this machine and its software, and says what must be equal for two step times to be compared."""

import hashlib
import json
import os
import platform
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple, Union

import psutil

from harness.machine import cann, git
from harness.machine.processor import cpu_quota, processor
from harness.precision.rules.op_table import load_op_table
from harness.records import Environment
from harness.remark import Remark, remark

if sys.version_info >= (3, 8):
    from importlib import metadata
else:
    import importlib_metadata as metadata

TENSORFLOW_WHEELS = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-aarch64")
PACKAGES = (
    *TENSORFLOW_WHEELS,
    "npu_bridge",
    "numpy",
    "scipy",
    "scikit-image",
    "flip-evaluator",
    "Pillow",
    "pydantic",
    "protobuf",
)
SPEED_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "LD_PRELOAD",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
SPEED_PREFIXES = ("DNNL_", "KMP_", "MALLOC_", "MKL_", "ONEDNN_", "OPENBLAS_", "OMP_")


def describe(op_table: Optional[str] = None, device: str = "auto") -> Environment:
    """Describe this machine and its software, without importing TensorFlow.

    Args:
        op_table: value of Environment.op_table; None: the table is loaded and says where it comes from.
        device: devices that steps will run on, as harness.devices.naming.parse reads them.

    Raises:
        OpsInfoError: CANN's operator table cannot be read.
    """
    described = Environment(
        machine=platform.machine(),
        processor=processor(),
        cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        logical_cores=usable_cores(),
        cpu_quota=cpu_quota(),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages=installed_packages(),
        accelerators=_accelerators(),
        drivers=_drivers(),
        variables=speed_variables(),
        revision=git.describe(),
        op_table=load_op_table().source if op_table is None else op_table,
        load_average=load_average(),
    )
    equal = conditions(described, device)
    return described.model_copy(update={"conditions": equal, "machine_key": machine_key(equal), **_head()})


def conditions(described: Environment, device: str) -> Dict[str, str]:
    """Return what must be equal for two step times to be compared, by name.

    These are: the kind of machine, the processor's model, how much of it may be used, the model and driver of each
    accelerator, major.minor of TensorFlow, how many processes run side by side and with how many threads, and the
    variables that change TensorFlow's speed. Left out is what differs between equal machines or from day to day: host
    name, clock, temperature, size of the memory, kernel, the number of the card among its equals.
    """
    names = device.split(",")
    cores = 1 if names[0].startswith("cpu:") else described.logical_cores  # a worker of cpu:N has one for itself
    versions = [described.packages[name] for name in TENSORFLOW_WHEELS if name in described.packages]
    return {
        "machine": described.machine,
        "processor": described.processor,
        "usable cores": str(described.logical_cores),
        "CPU quota": _NONE if described.cpu_quota is None else f"{described.cpu_quota:g} cores",
        "accelerators": ", ".join(sorted(described.accelerators)) or _NONE,
        **{f"driver of {maker}": _minor(version) for maker, version in described.drivers.items()},
        "TensorFlow": _minor(versions[0]) if versions else _NONE,
        "processes side by side": str(len(names)),
        "threads": str(intra_op_threads(described.variables, cores)),
        **described.variables,
    }


_NONE = "none"
"""Value of a condition that a machine has not."""
_NAMED = {
    "machine": "machine_condition",
    "processor": "processor_condition",
    "usable cores": "cores_condition",
    "CPU quota": "quota_condition",
    "accelerators": "accelerators_condition",
    "processes side by side": "processes_condition",
    "threads": "threads_condition",
}
"""Code of the remark that names each condition; variables, drivers and TensorFlow have one name in all languages."""


def machine_key(equal: Mapping[str, str]) -> str:
    """Return a short hash of the conditions: twelve hexadecimal digits."""
    return hashlib.sha256(json.dumps(dict(equal), sort_keys=True).encode()).hexdigest()[:12]


def named(equal: Mapping[str, str]) -> List[Remark]:
    """Return the conditions for people, such as `threads 2`."""
    return [
        remark("condition", name=remark(_NAMED[name]) if name in _NAMED else name, value=_said(value))
        for name, value in equal.items()
    ]


def differing(there: Mapping[str, str], here: Mapping[str, str]) -> List[Remark]:
    """Return the conditions in which two machines or runs differ, such as `threads: 2 there, 1 here`."""
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    unset = remark("not_set")
    return [
        remark(
            "condition_differs",
            name=remark(_NAMED[name]) if name in _NAMED else name,
            there=_said(there[name]) if name in there else unset,
            here=_said(here[name]) if name in here else unset,
        )
        for name in names
    ]


def _said(value: str) -> Union[str, Remark]:
    return remark("no_condition") if value == _NONE else value


def speed_variables() -> Dict[str, str]:
    """Return the environment variables that are set and change TensorFlow's speed or numbers."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name in SPEED_VARIABLES or name.startswith(SPEED_PREFIXES)
    }


def intra_op_threads(variables: Mapping[str, str], cores: Optional[int] = None) -> int:
    """Return how many threads TensorFlow gives one op where the session's options leave it the choice.

    Args:
        variables: environment variables of the process.
        cores: processors that the process may run on; None: those of this process.
    """
    asked = variables.get("TF_NUM_INTRAOP_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else cores or usable_cores()


def load_average() -> Optional[float]:
    """Return the mean number of processes that were ready to run in the last minute."""
    return os.getloadavg()[0]


def now() -> str:
    """Return the present time in ISO 8601, UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def installed_packages() -> Dict[str, str]:
    """Versions of the distributions of PACKAGES that are installed."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def usable_cores() -> int:
    """Return how many logical cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _head() -> Dict[str, Optional[str]]:
    """Return commit, time and branch of what is checked out, by the names of their fields."""
    try:
        commit = git.commit("HEAD")
    except git.GitError:
        return {}
    return {"commit": commit, "committed": git.committed(commit), "branch": git.branch()}


def _accelerators() -> Tuple[str, ...]:
    """Return the model of each Ascend card, and of each NVIDIA card as its driver's files in /proc tell it."""
    models = list(cann.models())
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        models += [line.split(":", 1)[1].strip() for line in path.read_text().splitlines() if line.startswith("Model:")]
    return tuple(models)


def _drivers() -> Dict[str, str]:
    """Return the version of the driver by maker; drivers that are not installed are left out."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        text = ""
    nvidia = re.search(r"Kernel Module\D*([0-9]+(?:\.[0-9]+)+)", text)
    found = {"Ascend": cann.driver_version(), "NVIDIA": nvidia.group(1) if nvidia else None}
    return {maker: version for maker, version in found.items() if version}


def _minor(version: str) -> str:
    """Return major and minor of a version: `2.21` of `2.21.0`."""
    return ".".join(version.split(".")[:2])
