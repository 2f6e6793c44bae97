"""Session options of the card: which there are, what they may be, and which contradict each other.

The keys are those of the NpuOptimizer's parameter_map; the refusals are the adapter's own (Ascend/tensorflow,
tf_adapter/util/npu_attrs.cc, and the TF Adapter documentation), made before a session starts.
"""

import os
import re
from typing import Any, Callable, Dict, NamedTuple, Sequence, Tuple

from harness.errors import UsageError
from harness.precision.rules.config import ALLOW_MIX, FORCE_FP16, FORCE_FP32, MUST_KEEP

ITERATIONS_PER_LOOP = "iterations_per_loop"
PRECISION_MODE_V2 = "precision_mode_v2"
V2_MODES = {
    "fp16": FORCE_FP16,
    "origin": MUST_KEEP,
    "cube_fp16in_fp32out": FORCE_FP32,
    "mixed_float16": ALLOW_MIX,
}
"""The precision_mode that each value of precision_mode_v2 is another name of."""

_BOOLEANS = ("true", "false")
# Up to 100 step numbers or ranges, such as 0|5|10-20.
_STEPS = re.compile(r"[0-9]+(-[0-9]+)?(\|[0-9]+(-[0-9]+)?){0,99}")


class Option(NamedTuple):
    """What a session option of the card may be set to."""

    field: str
    """Field of the option's AttrValue: b (Boolean), i (integer) or s (string)."""
    values: Tuple[str, ...] = ()
    """All values that are allowed; empty when `kind` says what is."""
    kind: str = ""
    """What a value must be: an existing `file` or `folder`, a `positive` integer, `steps`; empty: any text."""


OPTIONS = {
    "precision_mode_v2": Option("s", tuple(V2_MODES)),
    "op_precision_mode": Option("s", kind="file"),
    "op_select_implmode": Option(
        "s", ("high_precision", "high_performance", "high_precision_for_all", "high_performance_for_all")
    ),
    "optypelist_for_implmode": Option("s"),
    "deterministic": Option("i", ("0", "1")),
    "graph_run_mode": Option("i", ("0", "1")),
    "mix_compile_mode": Option("b", _BOOLEANS),
    "iterations_per_loop": Option("i", kind="positive"),
    "enable_data_pre_proc": Option("b", _BOOLEANS),
    "hcom_parallel": Option("b", _BOOLEANS),
    "graph_memory_max_size": Option("s"),
    "variable_memory_max_size": Option("s"),
    "enable_small_channel": Option("i", ("0", "1")),
    "jit_compile": Option("s", ("true", "false", "auto")),
    "auto_tune_mode": Option("s"),
    "aoe_mode": Option("s", ("1", "2", "4", "mdat")),
    "work_path": Option("s", kind="folder"),
    "aoe_config_file": Option("s", kind="file"),
    "profiling_mode": Option("b", _BOOLEANS),
    "profiling_options": Option("s"),
    "enable_dump": Option("b", _BOOLEANS),
    "enable_dump_debug": Option("b", _BOOLEANS),
    "dump_path": Option("s", kind="folder"),
    "dump_step": Option("s", kind="steps"),
    "dump_mode": Option("s", ("input", "output", "all")),
    "dump_debug_mode": Option("s", ("aicore_overflow", "atomic_overflow", "all")),
    "dump_data": Option("s", ("tensor", "stats")),
    "enable_exception_dump": Option("i", ("0", "1", "2")),
    "op_compiler_cache_mode": Option("s"),
    "op_compiler_cache_dir": Option("s", kind="folder"),
    "debug_dir": Option("s", kind="folder"),
}
_OURS = {
    "precision_mode": "--modes",
    "modify_mixlist": "--mixlist",
    "customize_dtypes": "--customize-dtypes",
    "fusion_switch_file": "--fusion-switch",
    "use_off_line": "--device cpu, to leave the card out",
}
"""Keys that another option of this program sets, and that option."""


def parse(given: Sequence[str]) -> Dict[str, str]:
    """Return the value of each option, by key, from texts `key=value`.

    Raises:
        UsageError: an unknown key or value, a file that is not there, a key twice, or options that the adapter refuses
            together.
    """
    options: Dict[str, str] = {}
    for text in given:
        key, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"--npu-option {text}: expected key=value")
        if key in _OURS:
            raise UsageError(f"--npu-option {text}: use {_OURS[key]}")
        if key not in OPTIONS:
            raise UsageError(f"--npu-option {text}: no such option (expected one of {', '.join(OPTIONS)})")
        if key in options:
            raise UsageError(f"--npu-option {text}: {key} is given twice")
        if (key, value) == (PRECISION_MODE_V2, "mixed_bfloat16"):
            raise UsageError(f"--npu-option {text}: the 910 has no bfloat16 (expected one of {', '.join(V2_MODES)})")
        options[key] = _checked(text, OPTIONS[key], value)
    _check_together(options)
    return options


def check_mode(options: Dict[str, str], precision_mode: str) -> None:
    """Raise UsageError when the options' precision_mode_v2 is another mode than `precision_mode`."""
    value = options.get(PRECISION_MODE_V2)
    if value is not None and V2_MODES[value] != precision_mode:
        raise UsageError(
            f"--npu-option {PRECISION_MODE_V2}={value}: it is {V2_MODES[value]}, which contradicts the mode "
            f"{precision_mode}; expected --modes {V2_MODES[value]}"
        )


def loop_steps(options: Dict[str, str]) -> int:
    """Return how many steps one call makes: iterations_per_loop, 1 when it is not set."""
    return int(options.get(ITERATIONS_PER_LOOP, "1"))


def check_steps(options: Dict[str, str], steps: int) -> None:
    """Raise UsageError unless `steps` is a multiple of iterations_per_loop."""
    loop = loop_steps(options)
    if steps % loop:
        raise UsageError(f"--steps {steps}: expected a multiple of iterations_per_loop, {loop}")


def typed(options: Dict[str, str]) -> Dict[str, Tuple[str, Any]]:
    """Return, by key, the field of the option's AttrValue and the value in that field's type."""
    convert: Dict[str, Callable[[str], Any]] = {
        "b": lambda value: value == "true",
        "i": int,
        "s": lambda value: value.encode(),
    }
    return {key: (OPTIONS[key].field, convert[OPTIONS[key].field](value)) for key, value in options.items()}


def _checked(text: str, option: Option, value: str) -> str:
    if option.field == "b":
        value = value.lower()
    expected = ""
    if option.values and value not in option.values:
        expected = f"one of {', '.join(option.values)}"
    elif option.kind == "positive" and not (value.isdigit() and int(value) > 0):
        expected = "a whole number of at least 1"
    elif option.kind == "steps" and not _are_steps(value):
        expected = "step numbers and rising ranges such as 0|5|10-20, at most 100"
    elif option.kind == "file" and not os.access(value, os.R_OK):
        expected = "a readable file"
    elif option.kind == "folder" and not (os.path.isdir(value) and os.access(value, os.R_OK | os.W_OK)):
        expected = "a folder that can be read and written"
    elif not value:
        expected = "a value"
    if expected:
        raise UsageError(f"--npu-option {text}: expected {expected}")
    return os.path.abspath(value) if option.kind in ("file", "folder") else value


def _are_steps(text: str) -> bool:
    if not _STEPS.fullmatch(text):
        return False
    ranges = [part.split("-") for part in text.split("|") if "-" in part]
    return all(int(first) < int(last) for first, last in ranges)


def _check_together(options: Dict[str, str]) -> None:
    on = {key for key, value in options.items() if value == "true"}
    if {"enable_dump", "enable_dump_debug"} <= on:
        raise UsageError("--npu-option enable_dump and enable_dump_debug: expected one of them, not both")
    for key in ("enable_dump", "enable_dump_debug"):
        if key in on and "dump_path" not in options:
            raise UsageError(f"--npu-option {key}=true: expected dump_path=FOLDER too")
    if "optypelist_for_implmode" in options and "op_select_implmode" not in options:
        raise UsageError("--npu-option optypelist_for_implmode: expected op_select_implmode too")
    if loop_steps(options) == 1:
        return
    if "mix_compile_mode" in on:
        raise UsageError("--npu-option mix_compile_mode=true: expected iterations_per_loop=1")
    # The adapter would set the loop back to 1 in silence.
    if "aoe_mode" in options:
        raise UsageError(f"--npu-option aoe_mode={options['aoe_mode']}: expected iterations_per_loop=1")
    if os.environ.get("AOE_MODE"):
        raise UsageError(
            f"AOE_MODE is {os.environ['AOE_MODE']!r} in the environment: expected iterations_per_loop=1, or to unset it"
        )
