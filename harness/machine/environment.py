"""What machine and software this is."""

import hashlib
import json
import os
import platform
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

import psutil

from harness.machine import cann, git
from harness.precision.rules.op_table import load_op_table
from harness.records import Environment

if sys.version_info >= (3, 8):
    from importlib import metadata
else:
    import importlib_metadata as metadata

PACKAGES = (
    "tensorflow",
    "tensorflow-cpu",
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
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
SPEED_PREFIXES = ("DNNL_", "KMP_", "MKL_", "ONEDNN_", "OPENBLAS_", "OMP_")


def describe(op_table: Optional[str] = None) -> Environment:
    """Describe this machine and its software, without importing TensorFlow.

    Args:
        op_table: where the operator table comes from; asked of the table itself when None.

    Raises:
        OpsInfoError: CANN's operator table cannot be read.
    """
    described = Environment(
        machine=platform.machine(),
        processor=_processor(),
        cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        logical_cores=usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages=installed_packages(),
        accelerators=_accelerators(),
        variables=speed_variables(),
        machine_key="",
        revision=git.describe(),
        op_table=load_op_table().source if op_table is None else op_table,
        load_average=load_average(),
    )
    return described.model_copy(update={"machine_key": machine_key(described)})


def machine_key(described: Environment) -> str:
    """Short hash of what must be equal for two step times to be compared.

    That is: the kind of machine, the processor's model and how many logical cores may be used, the model of each
    accelerator, and major.minor of TensorFlow. Left out is what differs between equal machines or from day to day:
    host name, clock, temperature, size of the memory, kernel.
    """
    versions = (described.packages.get(name) for name in ("tensorflow", "tensorflow-cpu"))
    facts = [
        described.machine,
        described.processor,
        described.logical_cores,
        sorted(described.accelerators),
        next((version.split(".")[:2] for version in versions if version), None),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def speed_variables() -> Dict[str, str]:
    """Those environment variables that change TensorFlow's speed or numbers."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name in SPEED_VARIABLES or name.startswith(SPEED_PREFIXES)
    }


def intra_op_threads(variables: Mapping[str, str]) -> int:
    """Threads that TensorFlow gives one op where nothing is configured."""
    asked = variables.get("TF_NUM_INTRAOP_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else usable_cores()


def load_average() -> Optional[float]:
    """Processes that wanted to run, mean of the last minute."""
    return os.getloadavg()[0]


def now() -> str:
    """The time as ISO 8601, UTC, to the second."""
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
    """Logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _accelerators() -> Tuple[str, ...]:
    """Model of each NVIDIA card, as its driver tells without being loaded, and each Ascend card."""
    models = ["Ascend"] * len(cann.cards())
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        models += [line.split(":", 1)[1].strip() for line in path.read_text().splitlines() if line.startswith("Model:")]
    return tuple(models)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
