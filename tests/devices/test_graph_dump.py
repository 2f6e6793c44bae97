import pytest

from harness.devices import graph_dump
from harness.precision import load_config, plan_graph
from harness.remark import remark
from tests.precision import graphs

OP = 'op {{\n  name: "{name}"\n  type: "{type}"\n  input: "x:0"\n}}\n'


@pytest.fixture
def plan():
    step = graphs.dense_step()
    return plan_graph(step.graph_def, step.fetches, load_config("force_fp16"))


def _dump(path, casts, others=3):
    types = ["Cast"] * casts + ["Mul"] * others
    path.write_text('name: "ge_default"\n' + "".join(OP.format(name=f"n{i}", type=t) for i, t in enumerate(types)))


def test_casts_of_the_card_are_counted_against_the_plan(plan, tmp_path):
    planned = sum(1 for cast in plan.casts if cast.producer != "constant")
    _dump(tmp_path / "ge_proto_00000012_graph_1_PreRunAfterBuild.txt", casts=1, others=1)  # the initialiser's
    _dump(tmp_path / "ge_proto_00000031_graph_2_PreRunBegin.txt", casts=99)
    step = tmp_path / "ge_proto_00000040_graph_2_PreRunAfterBuild.txt"
    _dump(step, planned)
    found = {"ops": planned + 3, "file": step.name, "planned": planned}
    assert graph_dump.compare(plan, tmp_path) == remark("casts_as_planned", casts=planned, **found)
    _dump(step, planned + 2)
    found["ops"] += 2
    assert graph_dump.compare(plan, tmp_path) == remark("casts_not_as_planned", casts=planned + 2, **found)


def test_the_other_format_is_read_too(plan, tmp_path):
    path = tmp_path / "ge_onnx_00000040_graph_2_PreRunAfterBuild.pbtxt"
    path.write_text('graph {\n  node {\n    op_type: "ge:Cast"\n  }\n  node {\n    op_type: "ge:Conv2D"\n  }\n}\n')
    told = graph_dump.compare(plan, tmp_path).values
    assert (told["casts"], told["ops"], told["file"]) == (1, 2, path.name)


def test_without_a_dump_nothing_is_claimed(plan, tmp_path):
    assert graph_dump.compare(plan, tmp_path).code == "casts_not_checked"
