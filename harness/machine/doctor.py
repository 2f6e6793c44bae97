"""Looks at what is installed, which devices work, what is missing and how to get it."""

import json
import os
from typing import List, Optional

from harness.errors import ChildFailedError, RequirementError
from harness.machine import cann, environment
from harness.machine.child import ask
from harness.machine.requirements import ADVICE, Check, check_python
from harness.precision import OpsInfoError
from harness.precision.rules.op_table import load_op_table
from model import vgg

_OPENING_SECONDS = 300.0
"""Longest time that opening the devices may take, for TensorFlow has to start."""


def examine(cache: str) -> List[Check]:
    """Look at the software, the devices and the cache; takes some seconds, for TensorFlow has to start."""
    # The operator table has a check of its own, which a damaged one must not keep from being made.
    machine = environment.describe(op_table="")
    return [
        Check(
            "machine",
            True,
            f"{machine.processor}, {machine.cores} cores, {machine.memory_bytes / 2**30:.0f} GiB, {machine.system}",
        ),
        Check("machine key", True, machine.machine_key, remarks=environment.named(machine.conditions)),
        check_python(),
        _packages(),
        *_devices(),
        *_ascend(),
        _flip(),
        _cache(cache),
        _synthetic_network(cache),
        Check("network imagenet-vgg-verydeep-19.mat", None, "give its path to --network", f"get {vgg.MATCONVNET_FILE}"),
    ]


def _packages() -> Check:
    found = environment.installed_packages()
    tensorflow = set(environment.TENSORFLOW_WHEELS) & set(found)
    detail = ", ".join(f"{name} {version}" for name, version in found.items())
    advice = "" if tensorflow else f"no TensorFlow: {ADVICE}"
    return Check("packages", bool(tensorflow), detail, advice)


def _devices() -> List[Check]:
    """Open the devices in a process of its own, as a run would, so that a broken TensorFlow is reported, not raised."""
    try:
        found = json.loads(ask("opening devices", "harness.devices", "", _OPENING_SECONDS))
    except RequirementError as error:
        return [Check("devices", False, str(error), ADVICE)]
    except ChildFailedError as error:
        return [Check("devices", False, str(error), "see the log")]
    return [
        Check(f"device {name}", True if detail["available"] else None, detail["text"]) for name, detail in found.items()
    ]


def _ascend() -> List[Check]:
    """Return a check for each part of the card's software; that of the operator table reads the table."""
    return [_unreadable(found.name) or _present(found) for found in cann.findings()]


def _unreadable(name: str) -> Optional[Check]:
    if name != cann.OP_TABLE:
        return None
    try:
        load_op_table()
    except OpsInfoError as error:
        return Check(name, False, str(error), "reinstall CANN's operator package")
    return None


def _present(found: cann.Finding) -> Check:
    advice = {
        "npu_bridge": "it comes with Huawei's CANN toolkit, for Python 3.7 and TensorFlow 1.15; "
        "the package of that name on a public index is not Huawei's",
        cann.OP_TABLE: "the packaged table is used",
    }
    if found.detail is not None:
        return Check(found.name, True, found.detail)
    return Check(found.name, None, f"not found (looked for {found.looked_for})", advice.get(found.name, ""))


def _flip() -> Check:
    version = environment.installed_packages().get("flip-evaluator")
    if version is not None:
        return Check("FLIP", True, f"flip-evaluator {version}")
    return Check("FLIP", None, "not evaluated by suite accuracy", "pip install flip-evaluator (not for Python 3.7)")


def _cache(cache: str) -> Check:
    if not cache:
        return Check("cache", None, "this user has no home, so nothing is kept for the next run", "set XDG_CACHE_HOME")
    try:
        os.makedirs(cache, exist_ok=True)
        writable = os.access(cache, os.W_OK)
    except OSError:
        writable = False
    advice = (
        "" if writable else "workers make the synthetic network anew each time; set XDG_CACHE_HOME to change the folder"
    )
    return Check("cache", True if writable else None, f"{cache}{'' if writable else ' cannot be written'}", advice)


def _synthetic_network(cache: str) -> Check:
    try:
        vgg.load("synthetic", cache)
    except vgg.NetworkError as error:
        return Check("network synthetic", False, str(error))
    return Check("network synthetic", True, f"SHA-256 {vgg.SYNTHETIC_DIGEST[:16]}… as expected")
