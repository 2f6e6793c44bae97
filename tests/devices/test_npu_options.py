import pytest

from harness import modes
from harness.devices import npu_options
from harness.errors import UsageError


def test_options_are_checked_and_typed(tmp_path):
    given = ["deterministic=0", "mix_compile_mode=TRUE", "dump_step=0|5|10-20", f"dump_path={tmp_path}"]
    assert npu_options.typed(npu_options.parse(given)) == {
        "deterministic": ("i", 0),
        "mix_compile_mode": ("b", True),
        "dump_step": ("s", b"0|5|10-20"),
        "dump_path": ("s", str(tmp_path).encode()),
    }


@pytest.mark.parametrize(
    "given, reason",
    [
        (["deterministic"], "expected key=value"),
        (["determinism=1"], "no such option .expected one of precision_mode_v2,"),
        (["deterministic=2"], "deterministic=2: expected one of 0, 1"),
        (["hcom_parallel=yes"], "expected one of true, false"),
        (["iterations_per_loop=0"], "expected a whole number of at least 1"),
        (["dump_step=1,2"], "expected step numbers and rising ranges"),
        (["dump_step=0|20-10"], "expected step numbers and rising ranges"),
        (["dump_step=7-7"], "expected step numbers and rising ranges"),
        (["dump_path=/no/such/folder"], "expected a folder that can be read and written"),
        (["op_precision_mode=/no/such.ini"], "expected a readable file"),
        (["graph_memory_max_size="], "expected a value"),
        (["aoe_mode=3"], "expected one of 1, 2, 4, mdat"),
        (["jit_compile=on"], "expected one of true, false, auto"),
        (["deterministic=0", "deterministic=1"], "deterministic is given twice"),
        (["precision_mode=force_fp16"], "precision_mode=force_fp16: use --modes"),
        (["use_off_line=false"], "use --device cpu"),
        (["enable_dump=true"], r"enable_dump=true: expected dump_path=FOLDER too"),
        (["enable_dump=true", "enable_dump_debug=true"], "expected one of them, not both"),
        (["optypelist_for_implmode=Conv2D"], "expected op_select_implmode too"),
        (["mix_compile_mode=true", "iterations_per_loop=10"], "expected iterations_per_loop=1"),
        (["aoe_mode=2", "iterations_per_loop=10"], "aoe_mode=2: expected iterations_per_loop=1"),
        (["precision_mode_v2=mixed_bfloat16"], "the 910 has no bfloat16 .expected one of fp16,"),
        (["precision_mode_v2=float8"], "float8: expected one of fp16,"),
    ],
)
def test_what_the_adapter_would_refuse_is_refused_first(given, reason):
    with pytest.raises(UsageError, match=reason):
        npu_options.parse(given)


def test_a_tuner_of_the_environment_lets_no_loop_through(monkeypatch):
    monkeypatch.setenv("AOE_MODE", "2")
    assert npu_options.parse(["iterations_per_loop=1"]) == {"iterations_per_loop": "1"}
    with pytest.raises(UsageError, match="AOE_MODE is '2' in the environment: expected iterations_per_loop=1"):
        npu_options.parse(["iterations_per_loop=10"])


def test_a_mode_and_its_newer_name_may_not_disagree():
    with pytest.raises(UsageError, match="it is force_fp16, which contradicts the mode allow_mix_precision"):
        modes.on_chip([modes.get("allow_mix_precision")], npu=["precision_mode_v2=fp16"])


def test_steps_are_whole_loops():
    npu_options.check_steps({"iterations_per_loop": "5"}, 20)
    with pytest.raises(UsageError, match="--steps 12: expected a multiple of iterations_per_loop, 5"):
        npu_options.check_steps({"iterations_per_loop": "5"}, 12)
