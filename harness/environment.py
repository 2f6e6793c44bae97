"""What machine and software this is."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Dict, Optional

import psutil

from harness.records import Environment

if sys.version_info >= (3, 8):
    from importlib import metadata
else:
    import importlib_metadata as metadata

PACKAGES = ("tensorflow", "tensorflow-cpu", "npu_bridge", "numpy", "scipy", "Pillow", "pydantic", "protobuf")
ROOT = Path(__file__).resolve().parent.parent


def describe() -> Environment:
    """Describe this machine and its software, without importing TensorFlow."""
    environment = Environment(
        machine=platform.machine(),
        processor=_processor(),
        cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        logical_cores=_usable_cores(),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages=installed_packages(),
        revision=_revision(),
        load_average=os.getloadavg()[0],
    )
    return environment.model_copy(update={"machine_key": machine_key(environment)})


def machine_key(environment: Environment) -> str:
    """Short hash of what makes absolute times comparable: processor, usable cores, architecture, TensorFlow's x.y."""
    versions = (environment.packages.get(name) for name in ("tensorflow", "tensorflow-cpu"))
    framework = [".".join(version.split(".")[:2]) for version in versions if version]
    facts = [environment.machine, environment.processor, environment.logical_cores, framework]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


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


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _revision() -> Optional[str]:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
