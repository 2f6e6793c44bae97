"""The packaged operator table: what its columns may hold, and that each word in them has its formula."""

import json

import pytest
from typing_extensions import get_args

from harness.precision import OpsInfoError
from harness.precision.emission.bounds import BOUNDS
from harness.precision.rules import op_table
from harness.precision.rules.costs import COUNTS
from harness.precision.rules.op_table import Bound, Cost, read_op_table


@pytest.fixture
def changed(tmp_path):
    """Reads the packaged table with columns of one op changed; a column that is None is left out."""

    def read(op_type, **columns):
        raw = json.loads(op_table.PACKAGED_FILE.read_text(encoding="utf-8"))
        entry = {**raw["ops"].get(op_type, {}), **columns}
        raw["ops"][op_type] = {name: value for name, value in entry.items() if value is not None}
        path = tmp_path / "table.json"
        path.write_text(json.dumps(raw), encoding="utf-8")
        return read_op_table(path)

    return read


def test_every_cost_and_bound_has_a_formula():
    assert set(COUNTS) == set(get_args(Cost)) and set(BOUNDS) == set(get_args(Bound))


def test_columns_that_are_left_out(changed):
    rows = [[["float32"], ["float32"]]]
    row = {"tf_ops": [], "mixlist": "gray", "ai_cpu": "no", "rows": rows}
    kernel = changed("New", unit="vector", **row).ops["New"]
    assert (kernel.cost, kernel.bound, kernel.writes) == ("elements", "unknown", 0)
    kernel = changed("New", unit="move", exact=True, **row).ops["New"]
    assert (kernel.cost, kernel.bound) == ("none", "selected")


def test_cost_of_types_without_rows():
    table = op_table.load_op_table()
    assert table.cost("Conv2DBackpropFilter") == "filter_gradient" and table.cost("NoSuchType") == "none"
    assert table.cost("MatMulV2") == "product"


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"cost": "elementz"}, "ops: Mul: cost: Input should be 'none', 'elements'"),
        ({"bound": 1}, "ops: Mul: bound: Input should be 'unknown'"),
        ({"unit": "cubes"}, "ops: Mul: unit: Input should be 'cube'"),
        ({"ai_cpu": None}, "ops: Mul: ai_cpu: Field required"),
        ({"writes": 3}, "ops: Mul: .*writes: expected 0 to 2, the number of inputs"),
        ({"colour": "red"}, "ops: Mul: colour: Extra inputs are not permitted"),
        ({"rows": [[["float32"], ["float32"]], [[], ["float32"]]]}, "ops: Mul: .*rows: expected as many inputs"),
        ({"rows": [[["float32"]]]}, "ops: Mul: rows: 0: "),
    ],
)
def test_a_bad_column_is_named(changed, columns, message):
    with pytest.raises(OpsInfoError, match=f"table.json: {message}"):
        changed("Mul", **columns)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"ops": {"Mul": 1}}'])
def test_a_file_that_is_no_table_is_named(tmp_path, text):
    (tmp_path / "table.json").write_text(text)
    with pytest.raises(OpsInfoError, match=r"table.json: .* \(expected an operator table\)"):
        read_op_table(tmp_path / "table.json")
