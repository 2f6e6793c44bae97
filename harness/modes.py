"""The precision modes by name."""

from harness.errors import UsageError
from harness.records import REFERENCE_MODE, Mode

MODES = {
    "allow_fp32_to_fp16": "float32 operators the card has no float32 kernel for run in float16",
    "force_fp16": "every operator with a float16 kernel runs in float16",
    "must_keep_origin_dtype": "every operator keeps its dtype; on a host, float32 throughout: the reference",
    "allow_mix_precision": "operators run in float16 or float32 by the card's lists",
}


def get(name: str) -> Mode:
    """Return the mode of this name.

    Raises:
        UsageError: there is no such mode, or it cannot be run yet.
    """
    if name not in MODES:
        raise UsageError(f"mode {name!r} is unknown (expected one of {', '.join(MODES)})")
    if name != REFERENCE_MODE:
        raise UsageError(f"mode {name} is not available yet (this version runs {REFERENCE_MODE}; see the README)")
    return Mode(name=name, precision_mode=name)
