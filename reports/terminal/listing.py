"""What there is to choose from: suites with their cases, modes, and devices, each in one sentence."""

from pathlib import Path
from typing import Dict, Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.precision import ALIASES
from harness.records import Case, Suite
from reports.language import ENGLISH, Words
from reports.terminal.console import open_console

MODES: Dict[str, str] = {
    "must_keep_origin_dtype": "lowers nothing: the float32 that every other mode is held against on a host; on the "
    "910 it does not compile, as far as we know",
    "allow_fp32_to_fp16": "lowers what has no float32 kernel, convolutions and matrix products, and keeps the rest in "
    "float32: what the card's other modes are held against",
    "force_fp16": "lowers every op that has a float16 kernel: fewest casts, and most that can saturate",
    "allow_mix_precision": "lowers what is on the compiler's white list, and what stands between such ops: fast, but "
    "its Gram matrices saturate",
    "allow_mix_precision+matmul32": "the same, but matrix products keep a float32 result: what the ModelZoo port used, "
    "and the first to try",
    "force_fp32": "reads float16 in the cube unit alone and keeps every result it can in float32: the nearest to "
    "float32 that the card has",
    "allow_mix_precision_bf16": "lowers as allow_mix_precision does, to bfloat16, which does not saturate: for CPUs "
    "with bfloat16; the 910 refuses it",
    "allow_fp32_to_bf16": "lowers as allow_fp32_to_fp16 does, to bfloat16, which does not saturate: for CPUs with "
    "bfloat16; the 910 refuses it",
}
"""By name: what the mode lowers, and what it is good for."""
DEVICES: Dict[str, str] = {
    "auto": "a card where there is one, else a GPU that TensorFlow sees, else the CPU",
    "cpu": "float16 modes are emulated, bfloat16 modes run in kernels of their own; cpu:N is one core",
    "gpu": "as on the CPU; never tried",
    "npu": "an Ascend 910 through npu_bridge; npu:N is one card",
}
"""By kind: what runs there."""
_INDENT = " " * 4


def print_suites(suites: Sequence[Suite], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print each suite with its cases and modes."""
    console = console or open_console()
    _print_heading(console, words("Suites"))
    for suite in suites:
        _print_entry(console, suite.name, words(suite.purpose))
        for case in suite.cases:
            _print_under(console, _case(case, words))
        _print_under(console, words("modes") + words.colon + ", ".join(mode.name for mode in suite.modes))


def print_modes(names: Sequence[str], words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print what each mode lowers and what it is good for."""
    console = console or open_console()
    _print_heading(console, words("Modes"))
    for name in names:
        _print_entry(console, name, words(MODES[name]))
        others = [alias for alias, meant in ALIASES.items() if meant == name]
        if others:
            _print_under(console, words("also called {names}", names=", ".join(others)))


def print_devices(cores: int, cards: int, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the kinds of device, and how many cores and cards of them are on this machine."""
    console = console or open_console()
    here = {
        "cpu": words("{count} cores here", count=cores),
        "gpu": words("`python bench.py doctor` says whether there is one"),
        "npu": words("{count} cards here", count=cards),
    }
    _print_heading(console, words("Devices"))
    for kind, text in DEVICES.items():
        _print_entry(console, kind, words.semicolon.join(filter(None, [words(text), here.get(kind)])))


def _print_heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _print_entry(console: Console, name: str, text: str) -> None:
    console.print(Text(name, style="bold"), soft_wrap=True)
    if text:
        _print_under(console, text)


def _print_under(console: Console, text: str) -> None:
    for line in Text(text).wrap(console, max(console.width - len(_INDENT), 1)):
        console.print(Text(_INDENT + line.plain.rstrip()), soft_wrap=True)


def _case(case: Case, words: Words) -> str:
    start = words(case.initial) if case.initial in ("content", "noise") else Path(case.initial).name
    parts = [
        Path(case.content).name,
        words("{size} pixels wide", size=case.size) if case.size else words("its own size"),
        words("{steps} steps from {start}", steps=case.steps, start=start),
        words("network {network}", network=Path(case.network).name),
    ]
    return words("case {id}", id=case.id) + words.colon + words.comma.join(parts)
