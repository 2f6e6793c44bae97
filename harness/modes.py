"""The precision modes by name, and the user's changes to them."""

from typing import List, Optional, Sequence

from harness.errors import UsageError
from harness.precision import MATMUL32, MODES, PrecisionConfigError, load_config
from harness.precision.config import ALLOW_MIX, MUST_KEEP
from harness.records import Mode
from harness.store import slug

NAMES = (MUST_KEEP, *(name for name in MODES if name != MUST_KEEP), MATMUL32)
"""The four modes of the card, the reference first, and the configuration that the ModelZoo port really used."""


def get(name: str) -> Mode:
    """Return the mode of this name; raises UsageError when there is none."""
    if name not in NAMES:
        raise UsageError(f"mode {name!r} is unknown (expected one of {', '.join(NAMES)})")
    return Mode(name=name, precision=load_config(name))


def with_options(
    modes: Sequence[Mode], mixlist: Optional[str] = None, customize_dtypes: Optional[str] = None
) -> List[Mode]:
    """Return the modes with the user's files applied where the compiler takes them; the file's name joins the mode's.

    A mixlist goes to the mixed modes, customised dtypes to all but must_keep_origin_dtype.

    Raises:
        UsageError: a file is refused, or no mode takes it.
    """
    changed = [_with_options(mode, mixlist, customize_dtypes) for mode in modes]
    for option, file, takers in (
        ("--mixlist", mixlist, [mode for mode in modes if mode.precision.mode == ALLOW_MIX]),
        ("--customize-dtypes", customize_dtypes, [mode for mode in modes if mode.precision.mode != MUST_KEEP]),
    ):
        if file is not None and not takers:
            names = ", ".join(mode.name for mode in modes)
            raise UsageError(f"{option} {file}: none of the modes takes it ({names}); choose another mode")
    return changed


def _with_options(mode: Mode, mixlist: Optional[str], customize_dtypes: Optional[str]) -> Mode:
    mixlist = mixlist if mode.precision.mode == ALLOW_MIX else None
    customize_dtypes = customize_dtypes if mode.precision.mode != MUST_KEEP else None
    files = [file for file in (mixlist, customize_dtypes) if file is not None]
    if not files:
        return mode
    try:
        precision = load_config(mode.name, mixlist, customize_dtypes)
    except PrecisionConfigError as error:
        raise UsageError(str(error)) from error
    return Mode(name="+".join([mode.name, *(slug(file.rsplit("/", 1)[-1]) for file in files)]), precision=precision)
