"""The packaged operator table: what its columns may hold, what each word in them means, that its halves agree."""

import json

import pytest
from typing_extensions import get_args

from harness.precision import OpsInfoError
from harness.precision.emission.bounds import BOUNDS
from harness.precision.number_formats import CONVERTED
from harness.precision.rules import generate_table, ops_info
from harness.precision.rules.costs import COUNTS
from harness.precision.rules.kernels import PACKAGED, Bound, Cost
from harness.precision.rules.op_table import OWN_FILE, VENDOR_FILE, read_json, read_packaged

TABLE = read_packaged()


@pytest.fixture
def changed(tmp_path):
    """Reads the packaged table with own columns of one op changed; a column that is None is left out."""

    def read(op_type, **columns):
        raw = read_json(OWN_FILE)
        entry = {**raw["ops"].get(op_type, {}), **columns}
        raw["ops"][op_type] = {name: value for name, value in entry.items() if value is not None}
        path = tmp_path / "own.json"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return read_packaged(own=path)

    return read


def test_every_cost_and_bound_has_a_formula():
    assert set(COUNTS) == set(get_args(Cost)) and set(BOUNDS) == set(get_args(Bound))


def test_columns_that_are_left_out(changed):
    kernel = changed("New", unit="vector", rows=["32>32"]).ops["New"]
    assert (kernel.mixlist, kernel.ai_cpu, kernel.cost, kernel.bound, kernel.writes) == (
        "gray",
        "no",
        "elements",
        "unknown",
        0,
    )
    kernel = changed("New", unit="move", exact=True, rows=["32>32"]).ops["New"]
    assert (kernel.cost, kernel.bound) == ("none", "selected")


def test_cost_of_a_type():
    assert TABLE.cost("Conv2DBackpropFilter") == "filter_gradient" and TABLE.cost("NoSuchType") == "none"
    assert TABLE.cost("MatMulV2") == "product"


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"cost": "elementz"}, "ops: Mul: cost: Input should be 'none', 'elements'"),
        ({"bound": 1}, "ops: Mul: bound: Input should be 'unknown'"),
        ({"unit": "cubes"}, "ops: Mul: unit: Input should be 'cube'"),
        ({"writes": 3}, "ops: Mul: .*writes: expected 0 to 2, the number of inputs"),
        ({"optional": [2]}, "ops: Mul: .*optional: expected positions below 2"),
        ({"colour": "red"}, "ops: Mul: colour: Extra inputs are not permitted"),
        ({"rows": ["32>32", ">32"]}, "ops: Mul: .*rows: expected as many inputs"),
        ({"rows": ["32"]}, r"row '32': expected INPUTS>OUTPUTS \(expected an operator table\)"),
    ],
)
def test_a_bad_column_is_named(changed, columns, message):
    with pytest.raises(OpsInfoError, match=f"own.json: {message}"):
        changed("Mul", **columns)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"ops": {"Mul": 1}}'])
def test_a_file_that_is_no_table_is_named(tmp_path, text):
    (tmp_path / "table.json").write_text(text)
    with pytest.raises(OpsInfoError, match=r"table.json: .* \(expected an operator table\)"):
        read_packaged(tmp_path / "table.json")


def test_a_variadic_row_has_as_many_inputs_or_outputs_as_the_op():
    def first(op_type, inputs, outputs=1):
        row = TABLE.ops[op_type].rows_for(inputs, outputs)[0]
        return ops_info.row_text((row.inputs, row.outputs))

    assert first("AddN", 3) == "16,16,16>16"
    assert first("ConcatV2", 3) == "32,32,int32>32"
    assert first("SplitD", 1, 3) == "16>16,16,16"
    assert first("Split", 2, 2) == "int32,16>16,16"


# Agreement of our own facts with the vendor's


def test_assumed_rows_are_of_types_that_the_vendor_lists_no_rows_of():
    vendor, own = (read_json(path)["ops"] for path in (VENDOR_FILE, OWN_FILE))
    for name, columns in own.items():
        assert not ("rows" in columns and "rows" in vendor.get(name, {})), name
        is_followed = columns.get("no_kernel") or columns.get("local")
        assert bool(columns.get("assumed")) == ("rows" in columns and not is_followed), name
        assert not set(columns) & {"list", "optional"}, name


def test_exact_ops_have_one_float_format_in_each_row():
    for name, kernel in TABLE.ops.items():
        # The mask that SpaceToDepth is given is float16 in every row.
        for row in kernel.rows if kernel.exact and name != "SpaceToDepth" else ():
            assert len({dtype for dtype in row.inputs + row.outputs if dtype in CONVERTED}) <= 1, name


def test_cube_types_are_on_the_cube_unit_and_units_match_their_rows():
    for name, kernel in TABLE.ops.items():
        if name in TABLE.cube_types:
            assert kernel.unit == "cube", name
        if kernel.local:
            assert kernel.unit == "host" and not kernel.rows, name
        if kernel.cost in ("product", "convolution", "input_gradient", "filter_gradient"):
            assert name in TABLE.cube_types, name


@pytest.mark.parametrize("name", ["Dilation2D", "NonMaxSuppressionV2", "ScatterNdUpdate", "SparseTensorDenseMatMul"])
def test_ops_that_ai_cpu_has(name):
    assert TABLE.ops[name].ai_cpu == "yes"


def test_the_whole_table_is_there_and_a_name_that_two_ops_share_is_told_apart():
    assert sum(bool(kernel.rows) for kernel in TABLE.ops.values()) > 650
    # TensorFlow's Roll is another type than the vendor's Roll, whose shift is an attribute.
    assert TABLE.ascend_type("Roll") == "RollV2" and TABLE.ops["Roll"].rows and not TABLE.ops["RollV2"].rows


def test_forms_and_names_lead_to_types_of_the_table():
    for name, form in TABLE.attribute_forms.items():
        kernel, before = TABLE.ops.get(form.type), TABLE.ops.get(name)
        # AvgPoolGradD is given a filter by a fusion, and variadic rows have no length of their own.
        if kernel is None or before is None or not before.rows or name in ("AvgPoolGrad", "ConcatV2"):
            continue
        left = len(before.rows[0].inputs) - len(form.positions(len(before.rows[0].inputs)))
        assert len(kernel.rows[0].inputs) == left, name
    assert TABLE.ascend_type("AddV2") == "Add" and TABLE.ascend_type("VarHandleOp") == "Variable"
    assert TABLE.ascend_type("SelectV2") == "SelectV2" and TABLE.ascend_type("Inv") == "Inv"


def test_where_sources_disagree_the_vendor_s_rows_are_followed():
    kernel = TABLE.ops["BiasAddGrad"]
    assert kernel.disputed and [row.outputs for row in kernel.rows] == [("float32",)] * 2


@pytest.mark.parametrize("name", ["QueueDequeueManyV2", "ScalarSummary", "SaveV2", "StringJoin", "IteratorGetNext"])
def test_ops_that_never_reach_ai_core_are_known_as_such(name):
    assert TABLE.is_host(name) and name not in TABLE.ops


@pytest.mark.parametrize("name", ["Conv2D", "Sum", "DropOutDoMask", "Selu", "StridedSlice"])
def test_ops_that_compute_are_none_of_the_host_s(name):
    assert not TABLE.is_host(name)


# The generator

INI = """[Mul]
input0.name=x1
input0.dtype=float,float16,int32
input0.format=ND,ND,ND
input1.name=x2
input1.dtype=float,float16,int32
output0.name=y
output0.dtype=float,float16,int32
precision_reduce.flag=false
[Sub]
dynamicFormat.flag=true
[Stacked]
input0.name=x
input0.paramType=dynamic
input0.dtype=float16,float
output0.dtype=float16,float
[Passing]
input0.dtype=float16
output0.dtype=float16
opFile.value=Null
"""


def test_the_vendor_s_half_is_generated_from_its_table():
    table = read_json(VENDOR_FILE)
    generated = generate_table.generated(table, ops_info.parse(VENDOR_FILE, INI.encode()))["ops"]
    assert generated["Mul"] == {"ai_cpu": "yes", "rows": ["32,32>32", "16,16>16"], "list": "black"}
    assert generated["Sub"] == table["ops"]["Sub"]
    assert generated["Stacked"] == {"ai_cpu": "unknown", "variadic": "inputs", "rows": ["16>16", "32>32"]}
    assert generated["Conv2D"] == table["ops"]["Conv2D"]


@pytest.mark.parametrize("path", [VENDOR_FILE, OWN_FILE])
def test_the_packaged_files_are_as_the_generator_writes_them(path):
    assert path.read_text(encoding="utf-8") == generate_table.text_of(read_json(path))


def test_the_packaged_table_has_its_date():
    assert TABLE.date == "2022-06-30" and TABLE.source == PACKAGED
    assert VENDOR_FILE.stat().st_size < 80 * 1024
