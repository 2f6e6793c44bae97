"""Configuration files: what they may say, and the one clear line when they say something else."""

import json
import os

import pytest

from harness.precision import (
    MATMUL32,
    CustomDtypes,
    MixList,
    PrecisionConfig,
    PrecisionConfigError,
    fusion_switch_text,
    load_config,
    parse_customize_dtypes,
    parse_fusion_switch,
    parse_modify_mixlist,
)


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="file.cfg"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


def message(function, *arguments, **options):
    with pytest.raises(PrecisionConfigError) as caught:
        function(*arguments, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_configurations_need_no_tensorflow():
    import subprocess
    import sys

    code = "import sys, harness.precision; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.call([sys.executable, "-c", code]) == 0


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"mode": "fp16"}, "precision mode 'fp16': expected one of allow_fp32_to_fp16"),
        ({"mode": "force_fp16", "profile": "2021"}, "profile '2021': expected one of current, early_2022"),
        ({"mode": "force_fp16", "mixlist": MixList()}, "modify_mixlist with mode 'force_fp16'"),
    ],
)
def test_refused_combinations(options, expected):
    assert expected in message(PrecisionConfig, **options)


# modify_mixlist


def test_mixlist_file(write):
    path = write(
        json.dumps(
            {
                "black-list": {"to-add": ["ReduceSumD"], "to-remove": ["L2Loss"]},
                "white-list": {"to-remove": ["Conv2D"]},
                "gray-list": {"to-add": ["L2Loss"]},
            }
        )
    )
    mixlist = parse_modify_mixlist(path)
    assert mixlist.flag("ReduceSumD", "gray") == "black"
    assert mixlist.flag("Conv2D", "white") == "gray"
    assert mixlist.flag("L2Loss", "black") == "gray"
    assert mixlist.flag("Add", "gray") == "gray"


def test_mixlist_removal_must_match_the_built_in_flag():
    assert MixList(removed=(("white", "L2Loss"),)).flag("L2Loss", "black") == "black"


def test_mixlist_addition_to_gray_alone_has_no_effect():
    assert MixList(added=(("gray", "L2Loss"),)).flag("L2Loss", "black") == "black"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "the file is empty, expected a JSON object"),
        ("[1]", "expected a JSON object"),
        ("{,}", "line 1: expected JSON"),
        ('{"red-list": {}}', "red-list: expected black-list, white-list or gray-list"),
        ('{"black-list": ["Add"]}', "black-list: expected an object with to-add and to-remove"),
        ('{"black-list": {"add": ["Add"]}}', "black-list add: expected to-add or to-remove"),
        ('{"black-list": {"to-add": "Add"}}', "black-list to-add: expected an array of Ascend op types"),
        ('{"black-list": {"to-add": [1]}}', "black-list to-add: expected an array of Ascend op types"),
        ('{"black-list": {"to-add": ["Add"]}, "white-list": {"to-add": ["Add"]}}', "'Add': expected at most one"),
        ('{"black-list": {"to-add": ["Add"], "to-remove": ["Add"]}}', "'Add': expected to-add and to-remove on"),
        ('{"gray-list": {"to-remove": ["Add"]}}', "'Add': expected a to-add beside the removal"),
        ('{"black-list": {}, "black-list": {}}', "black-list: expected one entry of this name"),
        (b"\xff\xfe", "expected UTF-8 text"),
        ('{"black-list": ' + "[" * 100_000 + "]" * 100_000 + "}", "expected JSON, nested too deep"),
        ('{"black-list": ' + "1" * 5_000 + "}", "expected "),
    ],
)
def test_mixlist_errors(write, text, expected):
    path = write(text)
    text = message(parse_modify_mixlist, path)
    assert text.startswith(str(path)) and expected in text


def test_a_byte_order_mark_is_skipped_where_the_compiler_skips_it(write):
    text = '{"black-list": {"to-add": ["Mul"]}}'
    marked = write(b"\xef\xbb\xbf" + text.encode(), "marked.json")
    assert parse_modify_mixlist(marked) == parse_modify_mixlist(write(text))
    path = write(b"\xef\xbb\xbfOpType::Mul:InputDtype:float16\n")
    assert "line 1: expected no byte order mark" in message(parse_customize_dtypes, path)


def test_only_files_are_read(tmp_path):
    os.mkfifo(str(tmp_path / "pipe"))
    for parse in (parse_modify_mixlist, parse_customize_dtypes):
        for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
            assert f"{path}: not a regular file, expected a readable file" in message(parse, path)


def test_missing_files_are_named(tmp_path):
    for parse in (parse_modify_mixlist, parse_customize_dtypes):
        text = message(parse, tmp_path / "absent")
        assert "absent: No such file or directory, expected a readable file" in text


# customize_dtypes


def test_customize_file_by_name_and_type(write):
    path = write(
        "block1/Relu::InputDtype:float16,OutputDtype:float16\n"
        "OpType::MatMulV2:InputDtype:float16,float16OutputDtype:float32\n"
        "OpType::Add:OutputDtype:float32\n"
        "OpType::Mul:InputDtype:,FLOAT\n"
    )
    assert parse_customize_dtypes(path) == (
        CustomDtypes("block1/Relu", False, ("float16",), ("float16",)),
        CustomDtypes("MatMulV2", True, ("float16", "float16"), ("float32",)),
        CustomDtypes("Add", True, (), ("float32",)),
        CustomDtypes("Mul", True, ("", "float32"), ()),
    )


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "the file is empty"),
        ("OpType::Add:InputDtype:float16\n\n", "line 2 '': expected 'Opname::"),
        ("# by type", "line 1 '# by type': expected 'Opname::"),
        ("OpType::Add", "line 1 'OpType::Add': expected"),
        ("OpType::Add:float16", "line 1 'OpType::Add:float16': expected"),
        ("OpType::Add:OutputDtype:float16,InputDtype:float16", "found 'inputdtype:float16'"),
        ("::InputDtype:float16", "expected 'Opname::"),
        ("OpType::Add:InputDtype:half", "'Add': expected a dtype such as float16 or float32, found 'half'"),
        ("OpType::Relu:InputDtype:float16,float16", "'Relu': expected at most 1 input and 1 output dtypes"),
        (
            "OpType::Add:InputDtype:float16\nOpType::Add:InputDtype:float32",
            "line 2 'Add': expected one entry, an earlier line contradicts it",
        ),
        ("OpType::Add:InputDtype:float16," + " " * 1024, "line 1: expected at most 1023 bytes"),
    ],
)
def test_customize_errors(write, text, expected):
    path = write(text)
    text = message(parse_customize_dtypes, path)
    assert text.startswith(str(path)) and expected in text


def test_lines_that_the_compiler_reads_although_they_are_not_of_its_documented_form(write):
    line = "OpType::Conv2DBackpropInput:int32,InputDtype:float16,float16,OutputDtype:float32"
    path = write(f"{line}\na/Add:InputDtype:float16")
    assert parse_customize_dtypes(path) == (
        CustomDtypes("Conv2DBackpropInput", True, ("float16", "float16"), ("float32",)),
        CustomDtypes("a/Add", False, ("float16",), ()),
    )


def test_types_that_no_table_knows_are_read(write):
    assert parse_modify_mixlist(write('{"black-list": {"to-add": ["MatMu1V2"]}}')).added == (("black", "MatMu1V2"),)
    assert parse_customize_dtypes(write("OpType::Plus:InputDtype:float16"))[0].key == "Plus"


# fusion_switch


def test_fusion_switch_as_json_and_as_lines(write):
    switch = {"Switch": {"GraphFusion": {"ALL": "off", "Pow2SquareFusionPass": "on"}, "UBFusion": {"ALL": "off"}}}
    off = load_config("force_fp16", fusion_switch=write(json.dumps(switch))).fusions_off
    assert "RealDiv2MulsFusionPass" in off and "Pow2SquareFusionPass" not in off
    assert not {"SingleBatchNormFusion", "DreluFusionPass", "AABiasaddConvFusion"} & set(off)
    config = load_config("force_fp16", fusion_switch=write("RealDiv2MulsFusionPass : off\nDreluFusionPass:off\n"))
    assert config.fusions_off == ("RealDiv2MulsFusionPass",)
    again = parse_fusion_switch(write(fusion_switch_text(config)))
    off = {("RealDiv2MulsFusionPass", False), ("DreluFusionPass", False)}
    assert {(switch.name, switch.is_on) for switch in again} == off
    only_kernels = write('{"Switch": {"UBFusion": {"ALL": "off"}}}')
    assert load_config("force_fp16", fusion_switch=only_kernels).fusions_off == ()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "the file is empty"),
        ("APass", "line 1: expected PASS:on or PASS:off"),
        ("APass:perhaps", "line 1: expected on or off"),
        ("APass:on\nAPass:off", "line 2: APass: expected one line for each pass"),
        ("{", "expected JSON"),
        ("{}", "expected an object with an object Switch in it"),
        ('{"Switch": {"Graph": {}}}', "Graph: expected GraphFusion or UBFusion"),
        ('{"Switch": {"GraphFusion": []}}', "GraphFusion: expected an object of passes"),
        ('{"Switch": {"GraphFusion": {"APass": true}}}', "GraphFusion: APass: expected on or off"),
    ],
)
def test_fusion_switch_errors(write, text, expected):
    path = write(text)
    text = message(parse_fusion_switch, path)
    assert text.startswith(str(path)) and expected in text


def test_repeated_but_equal_lines_are_one_entry(write):
    line = "OpType::Add:InputDtype:float16\n"
    assert len(parse_customize_dtypes(write(line + line))) == 1


def test_matmul32_configuration():
    config = load_config(MATMUL32)
    assert config.mode == "allow_mix_precision"
    assert {entry.key for entry in config.custom_dtypes} == {"MatMulV2", "BatchMatMulV2"}
    assert {(entry.inputs, entry.outputs) for entry in config.custom_dtypes} == {(("float16", "float16"), ("float32",))}


def test_a_given_file_beats_the_packaged_one(write):
    path = write("OpType::MatMulV2:OutputDtype:float16\nOpType::Add:OutputDtype:float32\n")
    entries = {entry.key: entry.outputs for entry in load_config(MATMUL32, custom_dtypes=path).custom_dtypes}
    assert entries == {"MatMulV2": ("float16",), "BatchMatMulV2": ("float32",), "Add": ("float32",)}
