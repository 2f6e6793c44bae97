import pytest

from harness import modes
from harness.errors import UsageError
from harness.precision import CustomDtypes
from model.settings import LossScale


@pytest.fixture
def files(tmp_path):
    mixlist, dtypes = tmp_path / "mix.json", tmp_path / "dtypes.cfg"
    mixlist.write_text('{"black-list": {"to-add": ["MatMulV2"]}}')
    dtypes.write_text("OpType::MatMulV2:InputDtype:float16,float16,OutputDtype:float32\n")
    return str(mixlist), str(dtypes)


def test_the_names_are_the_cards_four_modes_and_the_ports():
    assert set(modes.NAMES) == {
        "allow_fp32_to_fp16",
        "force_fp16",
        "must_keep_origin_dtype",
        "allow_mix_precision",
        "allow_mix_precision+matmul32",
    }
    assert all(modes.get(name).name == name for name in modes.NAMES)


def test_a_mixlist_goes_to_the_mixed_modes_and_into_their_names(files):
    changed = modes.with_options([modes.get("force_fp16"), modes.get("allow_mix_precision")], mixlist=files[0])
    assert [mode.name for mode in changed] == ["force_fp16", "allow_mix_precision+mix.json"]
    assert changed[0].precision.mixlist is None
    assert changed[1].precision.mixlist.added == (("black", "MatMulV2"),)


def test_customised_dtypes_go_to_every_mode_but_the_reference(files):
    chosen = [modes.get("must_keep_origin_dtype"), modes.get("force_fp16")]
    changed = modes.with_options(chosen, customize_dtypes=files[1])
    assert [mode.name for mode in changed] == ["must_keep_origin_dtype", "force_fp16+dtypes.cfg"]
    entry = CustomDtypes("MatMulV2", True, ("float16", "float16"), ("float32",))
    assert changed[1].precision.custom_dtypes == (entry,)


def test_both_files_can_be_given_and_the_port_s_dtypes_stay(files):
    (mode,) = modes.with_options([modes.get("allow_mix_precision+matmul32")], *files)
    assert mode.name == "allow_mix_precision+matmul32+mix.json+dtypes.cfg"
    assert {entry.key for entry in mode.precision.custom_dtypes} == {"MatMulV2", "BatchMatMulV2"}


def test_a_file_that_no_mode_takes_is_refused(files):
    with pytest.raises(UsageError, match=r"--mixlist .*mix.json: none of the modes takes it \(force_fp16\)"):
        modes.with_options([modes.get("force_fp16")], mixlist=files[0])
    with pytest.raises(UsageError, match="--customize-dtypes .*: none of the modes takes it"):
        modes.with_options([modes.get("must_keep_origin_dtype")], customize_dtypes=files[1])


def test_a_mode_survives_json(files):
    (mode,) = modes.with_options([modes.get("allow_mix_precision")], *files)
    assert type(mode).model_validate_json(mode.model_dump_json()) == mode


def test_loss_scaling_goes_to_the_float16_modes_and_into_their_names():
    chosen = [modes.get("must_keep_origin_dtype"), modes.get("allow_mix_precision")]
    plain, scaled = modes.on_chip(chosen, modes.parse_loss_scale("1024"), "ieee")
    assert plain == chosen[0]
    assert scaled.name == "allow_mix_precision+scale1024+ieee"
    assert scaled.loss_scale == LossScale(init=1024) and scaled.overflow == "ieee"
    (dynamic,) = modes.on_chip(chosen[1:], modes.parse_loss_scale("dynamic:init=64,incr_every=5"))
    assert dynamic.name == "allow_mix_precision+dynamic-init64-incr_every5"
    assert type(dynamic).model_validate_json(dynamic.model_dump_json()) == dynamic


def test_what_was_not_asked_for_is_not_stored():
    assert set(modes.get("force_fp16").model_dump()) == {"name", "precision"}


@pytest.mark.parametrize(
    "text, reason",
    [
        ("half", "expected none, a number from 1 to 3.4e38, or dynamic"),
        ("0.5", "init 0.5: input should be greater than or equal to 1"),
        ("none:init=2", "expected none, a number"),
        ("dynamic:init", "'init': expected NAME=VALUE, NAME one of init, incr_every,"),
        ("dynamic:start=2", "'start=2': expected NAME=VALUE"),
        ("dynamic:init=2,init=4", "'init=4': expected"),
        ("dynamic:decr_ratio=2", "decr_ratio 2: input should be less than 1"),
    ],
)
def test_a_loss_scale_that_cannot_be_used_is_named(text, reason):
    with pytest.raises(UsageError, match=f"--loss-scale {text}: .*{reason}|--loss-scale {text}: {reason}"):
        modes.parse_loss_scale(text)


def test_float32_has_no_use_for_loss_scaling():
    with pytest.raises(UsageError, match="--loss-scale: half-precision modes take it"):
        modes.on_chip([modes.get("must_keep_origin_dtype")], modes.parse_loss_scale("2"))


def test_bf16_modes_are_native_and_force_fp32_has_two_names():
    assert modes.get("allow_mix_precision_bf16").emit == "native"
    assert modes.get("allow_mix_precision_bf16").format == "bfloat16"
    assert modes.get("cube_fp16in_fp32out") == modes.get("force_fp32")
    assert modes.get("force_fp32").format == "float16"


def test_float16_modes_can_be_native_and_say_so_in_their_name():
    chosen = [modes.get(name) for name in ("must_keep_origin_dtype", "allow_mix_precision", "allow_fp32_to_bf16")]
    changed = modes.on_chip(chosen, emit="native")
    assert [mode.name for mode in changed] == [
        "must_keep_origin_dtype",
        "allow_mix_precision+native",
        "allow_fp32_to_bf16",
    ]
    assert [mode.emit for mode in changed] == ["rounded", "native", "native"]
    assert modes.on_chip(chosen[:2], emit="rounded") == chosen[:2]


@pytest.mark.parametrize(
    "name, options, reason",
    [
        ("must_keep_origin_dtype", {"emit": "native"}, "--emit: half-precision modes take it"),
        ("allow_mix_precision_bf16", {"emit": "rounded"}, "computes in bfloat16 itself"),
        ("allow_mix_precision", {"emit": "native", "overflow": "ieee"}, "native kernels follow IEEE 754"),
        ("allow_fp32_to_bf16", {"overflow": "saturate"}, "native kernels follow IEEE 754"),
    ],
)
def test_contradictory_ways_of_computing_are_refused(name, options, reason):
    with pytest.raises(UsageError, match=reason):
        modes.on_chip([modes.get(name)], **options)


def test_files_named_in_any_script_make_modes_that_are_told_apart(tmp_path):
    names = []
    for name in ("名单一.json", "名单二.json"):
        (tmp_path / name).write_text('{"black-list": {"to-add": ["Mul"]}}')
        (mode,) = modes.with_options([modes.get("allow_mix_precision")], mixlist=str(tmp_path / name))
        names.append(mode.name)
    assert names == ["allow_mix_precision+名单一.json", "allow_mix_precision+名单二.json"]
