import pytest

from harness import modes
from harness.errors import UsageError
from harness.precision import CustomDtypes


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
