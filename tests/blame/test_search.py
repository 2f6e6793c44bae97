import pytest

from harness import modes
from harness.blame import search
from harness.blame.blocks import Swap, block_of, swaps, with_swaps
from harness.blame.messages import Question, Score
from harness.blame.sets import SetSearch
from harness.devices.opening import open_device
from harness.errors import ChildFailedError, RequirementError, UsageError
from harness.precision import customize_dtypes_text, load_config, plan_graph
from harness.step import building, inputs
from suites import shipped_case


@pytest.fixture
def step(case):
    loaded = inputs.load(case, cache="")
    mode = modes.get("allow_mix_precision")
    graph = building.build_step(loaded.case, mode, open_device("cpu"), loaded.pictures, loaded.network)
    return graph.graph_def, [graph.update, *graph.losses.values()]


@pytest.mark.parametrize(
    "op, block",
    [
        ("conv3_2/Conv2D", "forward conv3"),
        ("pool4/MaxPool", "forward conv4"),
        ("gram_relu4_1/MatMul", "gram relu4_1"),
        ("gradients/gram_relu4_1/MatMul_grad/MatMul_1", "backward gram_relu4_1"),
        ("gradients/relu1_1/Relu_grad/ReluGrad", "backward conv1"),
        ("gradients/AddN_3", "backward sums"),
        ("style_loss/relu5_1/L2Loss", "losses style_loss"),
        ("Adam/update_picture/ResourceApplyAdam", "optimizer Adam"),
        ("add_1", "losses total"),
    ],
)
def test_every_op_belongs_to_a_block(op, block):
    assert block_of(op) == block


@pytest.mark.parametrize("name", ["allow_mix_precision", "force_fp16", "allow_fp32_to_fp16"])
def test_ops_kept_in_float32_have_a_kernel_on_the_card(name, step):
    config = load_config(name)
    found = swaps(plan_graph(*step, config))
    kept = {op.name: op for op in plan_graph(*step, with_swaps(config, found)).ops}
    assert {swap.group for swap in found} >= {"forward", "gram", "backward"}
    for swap in found:
        assert kept[swap.op].engine == "ai_core"
        assert "float16" not in kept[swap.op].outputs


def test_what_is_written_is_read_back(step, tmp_path):
    config = load_config("allow_mix_precision+matmul32")
    chosen = with_swaps(config, swaps(plan_graph(*step, config)))
    file = tmp_path / "float32.cfg"
    file.write_text(customize_dtypes_text(chosen))
    read = load_config("allow_mix_precision", custom_dtypes=file)
    assert set(read.custom_dtypes) == set(chosen.custom_dtypes)


@pytest.mark.parametrize(
    "code, error, told",
    [
        ("raise ImportError('no library')", RequirementError, "the search: ImportError: no library .pip install"),
        (
            "import os; os.kill(os.getpid(), 11)",
            ChildFailedError,
            "the search failed: its process was killed by SIGSEGV",
        ),
        (
            "import sys; sys.stderr.write('x' * 10**7); raise OSError('after much talk')",
            ChildFailedError,
            "the search failed: OSError: after much talk",
        ),
    ],
)
def test_a_search_that_fails_says_why(tensorflow_that, case, code, error, told):
    tensorflow_that(code)
    with pytest.raises(error, match=told):
        search.blame(Question(case=case, mode=modes.get("force_fp16")), lambda answer: None)


def test_a_customised_op_that_the_step_has_not_is_a_usage_error(case, tmp_path):
    file = tmp_path / "dtypes.cfg"
    file.write_text("no/such/op::InputDtype:float32,OutputDtype:float32\n")
    (mode,) = modes.with_options([modes.get("force_fp16")], customize_dtypes=str(file))
    with pytest.raises(UsageError, match="dtypes.cfg.*no/such/op"):
        search.blame(Question(case=case, mode=mode), lambda answer: None)


@pytest.mark.slow
def test_plain_mixed_precision_is_blamed_on_the_gram_products(tmp_path):
    case = inputs.resolve(shipped_case(size=64, steps=10), cache="")
    heard = []
    found = search.blame(Question(case=case, mode=modes.get("allow_mix_precision")), heard.append)
    assert sorted(found.blocks) == [f"gram_relu{stage}_1/MatMul" for stage in range(1, 6)]
    assert found.neutral and found.fit_after and not found.fit_before
    scores = [answer.score for answer in heard if answer.score]
    assert len(scores) == len(found.scores) and not scores[0].fit
    attempts = [answer.attempt for answer in heard if answer.attempt]
    assert len(attempts) == len(scores) and {attempt.stage for attempt in attempts} >= {0, 1, 2}


@pytest.mark.parametrize("hints, found", [((), ()), ((("a",), ("b", "a", "z")), ("a", "b")), ((("z",),), ())])
def test_what_mended_another_mode_is_tried_first(hints, found):
    """Two ops are what it takes, and all three do not fit."""
    asked = []

    def score(chosen):
        ops = tuple(swap.op for swap in chosen)
        asked.append(set(ops))
        return Score(ops=ops, blocks=(), distance=0.0, fit=ops == ("a", "b"))

    every = [Swap(op, "MatMulV2", "gram", None) for op in "abc"]
    searched = SetSearch(score, lambda answer: None, hints=hints).run(lambda: every)
    assert tuple(swap.op for swap in searched.swaps) == found and searched.is_hint == bool(found)
    assert asked[1:] == ([{"a"}, {"a", "b"}] if found else [{"a", "b", "c"}])


@pytest.mark.slow
def test_a_fit_mode_has_nothing_to_blame(tmp_path):
    case = inputs.resolve(shipped_case(size=64, steps=10), cache="")
    found = search.blame(Question(case=case, mode=modes.get("allow_mix_precision+matmul32")), lambda answer: None)
    assert found.fit_before and found.blocks == () and found.customize_dtypes == ""
