"""The precision modes by name, and the user's changes to them."""

from typing import Any, Dict, List, Optional, Sequence

from pydantic import ValidationError

from harness.devices import npu_options
from harness.devices.kinds import KINDS
from harness.errors import UsageError, nearest
from harness.precision import ALIASES, FURTHER_MODES, MATMUL32, MODES, PrecisionConfigError, load_config
from harness.precision.rules.config import ALLOW_MIX, MUST_KEEP
from harness.records import Mode
from harness.store.files import slug
from model.settings import LossScale

NAMES = (MUST_KEEP, *(name for name in MODES if name != MUST_KEEP), MATMUL32)
"""The four modes of the card, the reference first, and the configuration that the ModelZoo port really used."""
KNOWN = (*NAMES, *FURTHER_MODES, *ALIASES)
_SPELLED = (*NAMES, *FURTHER_MODES, *(f"{alias} (which is {name})" for alias, name in ALIASES.items()))


def get(name: str) -> Mode:
    """Return the mode of this name, blanks around it left out; raises UsageError when there is none."""
    name = name.strip()
    if name not in KNOWN:
        raise UsageError(f"mode {name!r} is unknown{nearest(name, KNOWN)} (expected one of {', '.join(_SPELLED)})")
    precision = load_config(name)
    # Nothing rounds to bfloat16 here: these modes are of hosts that compute in it.
    return Mode(name=ALIASES.get(name, name), precision=precision, emit="native" if precision.is_bf16 else "rounded")


def split(names: str) -> List[str]:
    """Return the names of a list such as `force_fp16, allow_mix_precision`, each once, blanks around them left out."""
    return list(dict.fromkeys(name.strip() for name in names.split(",")))


def defaults(modes: Sequence[Mode], kind: str) -> List[Mode]:
    """Return which of a suite's modes run on a kind of device unless the user names some.

    Those that do not compile there are left out; its reference mode stands in where no other was left.
    """
    compiling = [mode for mode in modes if KINDS[kind].compiles(mode)]
    return compiling or [get(KINDS[kind].reference_mode)]


def with_options(
    modes: Sequence[Mode],
    mixlist: Optional[str] = None,
    customize_dtypes: Optional[str] = None,
    fusion_switch: Optional[str] = None,
    profile: Optional[str] = None,
) -> List[Mode]:
    """Return the modes with the user's files applied where the compiler takes them; the file's name joins the mode's.

    A mixlist goes to the mixed modes, customised dtypes to all but must_keep_origin_dtype; a fusion_switch file, and
    the profile of a compiler of another age, go to every mode.

    Raises:
        UsageError: a file is refused, or no mode takes it.
    """
    changed = [_with_options(mode, mixlist, customize_dtypes, fusion_switch, profile) for mode in modes]
    for option, file, takers in (
        ("--mixlist", mixlist, [mode for mode in modes if mode.precision.rule == ALLOW_MIX]),
        ("--customize-dtypes", customize_dtypes, [mode for mode in modes if mode.precision.mode != MUST_KEEP]),
    ):
        if file is not None and not takers:
            names = ", ".join(mode.name for mode in modes)
            raise UsageError(f"{option} {file}: none of the modes takes it ({names}); choose another mode")
    return changed


def _with_options(
    mode: Mode,
    mixlist: Optional[str],
    customize_dtypes: Optional[str],
    fusion_switch: Optional[str],
    profile: Optional[str],
) -> Mode:
    mixlist = mixlist if mode.precision.rule == ALLOW_MIX else None
    customize_dtypes = customize_dtypes if mode.precision.mode != MUST_KEEP else None
    profile = profile or mode.precision.profile
    files = [file for file in (mixlist, customize_dtypes, fusion_switch) if file is not None]
    added = [slug(file.rsplit("/", 1)[-1]) for file in files]
    if profile != mode.precision.profile:
        added.append(profile)
    if not added:
        return mode
    try:
        precision = load_config(mode.name, mixlist, customize_dtypes, profile, fusion_switch)
    except PrecisionConfigError as error:
        raise UsageError(str(error)) from error
    return mode.model_copy(update={"name": "+".join([mode.name, *added]), "precision": precision})


def parse_loss_scale(text: str) -> Optional[LossScale]:
    """Read `none`, a number, or `dynamic`, which may go on as in `dynamic:init=65536,incr_every=200`.

    Raises:
        UsageError: it is none of these, or a value is out of range.
    """
    kind, _, rest = text.partition(":")
    if kind == "none" and not rest:
        return None
    names = [name for name in LossScale.model_fields if name != "dynamic"]
    fields: Dict[str, Any] = {"dynamic": kind == "dynamic"}
    if kind == "dynamic":
        for part in rest.split(",") if rest else ():
            name, separator, value = part.partition("=")
            if name not in names or not separator or name in fields:
                raise UsageError(f"--loss-scale {text}: '{part}': expected NAME=VALUE, NAME one of {', '.join(names)}")
            fields[name] = value
    else:
        fields["init"] = text
    try:
        return LossScale(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"--loss-scale {text}: {first['loc'][0]} {first['input']}: {first['msg'].lower()} "
            "(expected none, a number from 1 to 3.4e38, or dynamic)"
        ) from error


def on_chip(
    modes: Sequence[Mode],
    loss_scale: Optional[LossScale] = None,
    overflow: Optional[str] = None,
    emit: Optional[str] = None,
    npu: Sequence[str] = (),
) -> List[Mode]:
    """Return the modes with loss scaling, how a host computes them, and the card's session options, all named.

    Session options go to every mode, the others to all but must_keep_origin_dtype, which is float32 on a host.

    Raises:
        UsageError: an option of the card is refused, alone or with a mode, or no mode takes one of the others.
    """
    options = npu_options.parse(npu)
    given = {"--loss-scale": loss_scale, "--overflow": overflow, "--emit": emit}
    for option, value in given.items():
        if value and all(mode.precision.mode == MUST_KEEP for mode in modes):
            raise UsageError(f"{option}: half-precision modes take it, {MUST_KEEP} does not; choose another mode")
    modes = [_emitted(mode, emit) for mode in modes]
    if overflow and any(mode.emit == "native" for mode in modes):
        raise UsageError(f"--overflow {overflow}: native kernels follow IEEE 754; it is for --emit rounded")
    changed = []
    for mode in modes:
        npu_options.check_mode(options, mode.precision.mode)
        added: Dict[str, Any] = {"npu_options": options}
        parts = [mode.name]
        if mode.precision.mode != MUST_KEEP:
            added.update(loss_scale=loss_scale, overflow=overflow or "saturate")
            parts += [*_scale_names(loss_scale), *(["ieee"] if overflow == "ieee" else [])]
        parts += [slug(f"{key}={value.rsplit('/', 1)[-1]}") for key, value in options.items()]
        changed.append(mode.model_copy(update={**added, "name": "+".join(parts)}))
    return changed


def _emitted(mode: Mode, emit: Optional[str]) -> Mode:
    if emit is None or emit == mode.emit or mode.precision.mode == MUST_KEEP:
        return mode
    if emit == "rounded":
        raise UsageError(f"--emit rounded: {mode.name} computes in bfloat16 itself; leave the option or the mode out")
    return mode.model_copy(update={"emit": emit, "name": f"{mode.name}+native"})


def _scale_names(loss_scale: Optional[LossScale]) -> List[str]:
    if loss_scale is None:
        return []
    if not loss_scale.dynamic:
        return [f"scale{loss_scale.init:g}"]
    changed = [
        f"{name}{getattr(loss_scale, name):g}"
        for name, field in LossScale.model_fields.items()
        if name != "dynamic" and getattr(loss_scale, name) != field.default
    ]
    return ["-".join(["dynamic", *changed])]
