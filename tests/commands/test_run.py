import pytest

import suites
from harness import modes
from harness.commands.run import check_device
from harness.errors import UsageError


@pytest.mark.parametrize(
    "kind, mode, options, health, reason",
    [
        ("cpu", "force_fp16", {"npu": ["deterministic=1"]}, False, "deterministic: there is no card in --device cpu"),
        ("npu", "force_fp16", {"overflow": "ieee"}, False, "--overflow ieee: the card saturates"),
        ("npu", "force_fp16", {"emit": "native"}, False, "--emit native: the card's own compiler narrows the graph"),
        ("npu", "allow_mix_precision_bf16", {}, False, "the 910 has no bfloat16 and refuses the mode"),
        ("npu", "force_fp16", {}, True, "--health counts what the emulation loses"),
        ("cpu", "allow_mix_precision_bf16", {}, True, "allow_mix_precision_bf16 does not round"),
        ("npu", "force_fp16", {"npu": ["iterations_per_loop=5"]}, False, "--steps 12: expected a multiple of"),
    ],
)
def test_what_a_device_cannot_do_is_refused_before_anything_runs(kind, mode, options, health, reason):
    (chosen,) = modes.on_chip([modes.get(mode)], **options)
    suite = suites.get("perf").model_copy(update={"modes": (chosen,)})
    with pytest.raises(UsageError, match=reason):
        check_device(kind, suite, health)


def test_a_card_takes_the_suites_as_they_are():
    for name in ("perf", "accuracy", "smoke", "scaling"):
        check_device("npu", suites.get(name), health=False)
