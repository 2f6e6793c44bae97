import suites
from model.settings import StyleSettings


def test_pictures_of_ones_own_are_drawn_as_the_reference_program_draws_them():
    """A suite's settings fit its own pictures: one style has no use for the weights of two."""
    suite = suites.customize(suites.get("accuracy"), {"content": "a.png", "styles": ("b.png",)}, {})
    first, noise = suite.cases
    assert {case.settings for case in suite.cases} == {StyleSettings()}
    assert (first.noise_blend, noise.initial) == (None, "noise")
    assert suites.get("accuracy").cases[0].settings != StyleSettings()


def test_a_gate_asks_for_more_processes_and_never_for_fewer():
    perf = suites.get("perf")
    raised = suites.for_gate(perf)
    assert (raised.replicates, raised.max_replicates, raised.budget) == (5, 10, 600.0)
    many = perf.model_copy(update={"replicates": 7, "max_replicates": 20, "budget": 900.0})
    assert suites.for_gate(many) == many
    assert suites.for_gate(suites.get("smoke")) == suites.get("smoke")
