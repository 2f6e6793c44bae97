import pytest

import suites
from harness import modes
from harness.devices import kinds
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
        kinds.check(kind, suite, health)


def test_a_card_takes_the_suites_as_they_are():
    for name in ("perf", "accuracy", "smoke", "scaling"):
        kinds.check("npu", suites.get(name), health=False)


@pytest.mark.parametrize("name", kinds.KINDS)
def test_every_kind_runs_its_own_reference_mode_and_a_suites_defaults(name):
    kind = kinds.KINDS[name]
    reference = modes.get(kind.reference_mode)
    assert kind.compiles(reference) and kind.refusal(reference, health=False) is None
    assert all(kind.compiles(mode) for mode in modes.defaults(suites.get("perf").modes, name))
