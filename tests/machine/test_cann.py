"""What is found of CANN, and the operator table that it brings, on files in its layout."""

import json
import os
import sys

import pytest

import bench
import neural_style
from harness.machine import cann, doctor, environment
from harness.precision import OpsInfoError
from harness.precision.rules import op_table, ops_info
from reports.language import ENGLISH

LAYOUTS = {
    "later": "usr/local/Ascend/ascend-toolkit/latest/opp/built-in/op_impl/ai_core/tbe/config/ascend910",
    "2021": "usr/local/Ascend/opp/op_impl/built-in/ai_core/tbe/config/ascend910",
}
ENTRIES = {
    "Mul": {
        "input0": {"dtype": "float,float16, int32", "format": "ND,ND,ND", "name": "x1"},
        "input1": {"dtype": "float,float16, int32", "format": "ND,ND,ND", "name": "x2"},
        "output0": {"dtype": "float,float16, int32", "format": "ND,ND,ND", "name": "y"},
        "precision_reduce": {"flag": "false"},
    },
    "MaxPool": {
        "input0": {"dtype": "float16,float16"},
        "output0": {"dtype": "float16,float16"},
        "precision_reduce": {"flag": "true"},
    },
    "Sub": {"dynamicFormat": {"flag": "true"}, "input0": {}, "input1": {}, "output0": {}},
    "NotOurs": {"input0": {"dtype": "float"}},
}


@pytest.fixture
def table(host):
    """Installs entries as CANN's table and reads what is in force then."""
    installed = []

    def install(text, layout="later"):
        path = host / LAYOUTS[layout] / "aic-ascend910-ops-info.json"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        installed.append(path)
        op_table.load_op_table.cache_clear()
        return path, op_table.load_op_table()

    yield install
    op_table.load_op_table.cache_clear()


def _rows(kernel):
    return [(row.inputs, row.outputs) for row in kernel.rows]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cann_s_table_is_used_where_it_is_installed(table, layout):
    path, found = table(json.dumps(ENTRIES), layout)
    assert found.source.startswith(f"{path}, SHA-256 ")
    assert found.ops["Mul"].mixlist == "black"
    f32, f16 = ("float32",), ("float16",)
    assert _rows(found.ops["Mul"]) == [(f32 * 2, f32), (f16 * 2, f16)]
    # Columns that differ in format alone are one row.
    assert found.ops["MaxPool"].mixlist == "white" and _rows(found.ops["MaxPool"]) == [(f16, f16)]


def test_what_cann_s_table_does_not_say_stays_as_packaged(table, host):
    op_table.load_op_table.cache_clear()
    packaged = op_table.load_op_table()
    assert packaged.source == "packaged"
    _, found = table(json.dumps(ENTRIES))
    assert found.ops["Sub"] == packaged.ops["Sub"] and found.ops["Conv2D"] == packaged.ops["Conv2D"]
    for column in ("unit", "cost", "bound", "writes"):
        assert all(getattr(found.ops[name], column) == getattr(packaged.ops[name], column) for name in packaged.ops)
    assert found.attribute_forms == packaged.attribute_forms and found.tensorflow == packaged.tensorflow


def test_types_that_cann_alone_knows_are_added(table):
    new = {"input0": {"dtype": "float,float16"}, "input1": {"dtype": "float,float16", "paramType": "optional"}}
    _, found = table(json.dumps({"NotOurs": {**new, "output0": {"dtype": "float,float16"}}, "NoRows": {"input0": {}}}))
    kernel = found.ops["NotOurs"]
    assert (kernel.unit, kernel.mixlist, kernel.optional) == ("vector", "gray", (1,))
    assert _rows(kernel) == [(("float32",) * 2, ("float32",)), (("float16",) * 2, ("float16",))]
    assert "NoRows" not in found.ops


def test_a_table_that_is_named_comes_before_cann_s(table, tmp_path, monkeypatch):
    table(json.dumps(ENTRIES))
    ini = tmp_path / "ops.ini"
    ini.write_text("[Mul]\ninput0.dtype=float16\ninput1.dtype=float16\noutput0.dtype=float16\n")
    monkeypatch.setenv(ops_info.TABLE_VARIABLE, str(ini))
    op_table.load_op_table.cache_clear()
    found = op_table.load_op_table()
    assert found.source.startswith(f"{ini}, SHA-256 ")
    assert _rows(found.ops["Mul"]) == [(("float16",) * 2, ("float16",))] and found.ops["Mul"].mixlist == "gray"


def test_rows_that_cann_s_table_lists_are_no_longer_assumed(table):
    op_table.load_op_table.cache_clear()
    assert op_table.load_op_table().ops["Reciprocal"].assumed
    entry = {"input0": {"dtype": "float16,float"}, "output0": {"dtype": "float16,float"}}
    _, found = table(json.dumps({"Reciprocal": entry, "PadD": {"dynamicFormat": {"flag": "true"}}}))
    assert not found.ops["Reciprocal"].assumed and found.ops["PadD"].assumed


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"Mul": 1}',
        '{"Mul": {"precision_reduce": "true"}}',
        '{"Mul": {"precision_reduce": {"flag": []}}}',
        '{"Mul": {"dynamicFormat": null}}',
        '{"Mul": {"input0": "float16"}}',
        '{"Mul": {"output0": {"dtype": 16}}}',
        "[Mul]\nno delimiter here\n",
    ],
)
def test_a_table_that_cannot_be_read_is_named(table, text):
    with pytest.raises(OpsInfoError, match="aic-ascend910-ops-info.json: .*expected"):
        table(text)


def test_doctor_shows_what_must_be_equal_for_times_to_be_compared(host, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_devices", lambda: [])  # seconds of TensorFlow
    monkeypatch.setattr(environment, "cpu_quota", lambda: 0.5)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    (check,) = [check for check in doctor.examine(str(tmp_path)) if check.name == "machine key"]
    for part in (
        "CPU quota 0.5 cores",
        "threads ",
        "TensorFlow ",
        "OMP_NUM_THREADS 3",
    ):
        assert part in ", ".join(map(ENGLISH.remark, check.remarks))
    assert check.detail == environment.describe().machine_key


def test_a_damaged_table_is_a_finding_of_doctor_and_one_line_elsewhere(host, monkeypatch, capfd, tmp_path, picture):
    path = host / LAYOUTS["later"] / "aic-ascend910-ops-info.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    monkeypatch.setattr(doctor, "_devices", lambda: [])  # seconds of TensorFlow
    op_table.load_op_table.cache_clear()
    (check,) = [check for check in doctor.examine(str(tmp_path)) if check.name == "Ascend op table"]
    assert check.ok is False and str(path) in check.detail and check.advice
    command = "bench.py --suite smoke --network synthetic-narrow --output".split()
    monkeypatch.setattr(sys, "argv", [*command, str(tmp_path / "results")])
    assert bench.main() == 2
    printed = capfd.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and str(path) in printed.err
    job = ["--content", picture, "--styles", picture, "--network", "synthetic-narrow", "--device", "cpu"]
    assert neural_style.main([*job, "--width", "40", "--output", str(tmp_path / "out.png")]) == 2
    assert f"neural_style.py: {path}: " in capfd.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "results").exists() and not (tmp_path / "out.png").exists()


def test_the_opp_path_of_the_environment_comes_first(table, host, monkeypatch, tmp_path):
    table(json.dumps(ENTRIES))
    monkeypatch.setenv("ASCEND_OPP_PATH", str(tmp_path))
    assert ops_info.find() is None and all(str(tmp_path) in str(path) for path in ops_info.candidates())


def test_nothing_found_says_what_was_looked_for(host):
    found = cann.findings()
    assert [finding.name for finding in found] == [
        "Ascend driver",
        "CANN",
        "Ascend cards",
        "npu_bridge",
        "Ascend op table",
    ]
    assert all(finding.detail is None for finding in found)
    assert str(host / "usr/local/Ascend/driver/version.info") in found[0].looked_for
    assert str(host / "dev/davinci0") in found[2].looked_for


def test_driver_toolkit_and_cards_are_found(cards, table):
    driver = cards / "usr/local/Ascend/driver/version.info"
    toolkit = cards / f"usr/local/Ascend/ascend-toolkit/latest/{os.uname().machine}-linux/ascend_toolkit_install.info"
    for path, text in ((driver, "Version=21.0.2\n"), (toolkit, "package_name=Ascend-cann-toolkit\nversion=5.1.RC1\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    path, _ = table("{}")
    details = [finding.detail for finding in cann.findings()]
    numbers = ", ".join(f"npu:{number} ({cards}/dev/davinci{file})" for number, file in enumerate((0, 2, 5)))
    assert details == [f"21.0.2 ({driver})", f"5.1.RC1 ({toolkit})", numbers, "importable", str(path)]


def test_the_variables_that_choose_a_card_are_recorded(monkeypatch):
    monkeypatch.setenv("DEVICE_ID", "3")
    monkeypatch.setenv("UNRELATED", "3")
    assert cann.variables()["DEVICE_ID"] == "3" and "UNRELATED" not in cann.variables()
