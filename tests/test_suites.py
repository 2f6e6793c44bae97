import suites
from model.settings import StyleSettings


def test_pictures_of_ones_own_are_drawn_as_the_reference_program_draws_them():
    """A suite's settings fit its own pictures: one style has no use for the weights of two."""
    suite = suites.customize(suites.get("accuracy"), {"content": "a.png", "styles": ("b.png",)}, {})
    first, noise = suite.cases
    assert {case.settings for case in suite.cases} == {StyleSettings()}
    assert (first.noise_blend, noise.initial) == (None, "noise")
    assert suites.get("accuracy").cases[0].settings != StyleSettings()


def test_cases_of_ones_own_are_told_apart_by_their_start_and_measured_once():
    accuracy, own = suites.get("accuracy"), {"content": "a.png", "styles": ("b.png",), "size": 64, "steps": 8}
    names = {"content": "a-64", "noise": "a-64-noise", "c.png": "a-64"}
    for initial, name in names.items():
        (case,) = suites.customize(accuracy, {**own, "initial": initial}, {}).cases
        assert (case.id, case.initial) == (name, initial)
    assert [case.id for case in suites.customize(accuracy, own, {}).cases] == ["a-64", "a-64-noise"]


def test_only_options_of_cases_make_a_suite_s_cases_the_user_s_own():
    smoke = suites.get("smoke")
    assert suites.customize(smoke, {"steps": 7}, {}).own_cases
    assert not suites.customize(smoke, {}, {"replicates": 2}).own_cases


def test_a_gate_asks_for_more_processes_and_never_for_fewer():
    perf = suites.get("perf")
    raised = suites.for_gate(perf)
    assert (raised.replicates, raised.max_replicates, raised.budget) == (5, 10, 600.0)
    many = perf.model_copy(update={"replicates": 7, "max_replicates": 20, "budget": 900.0})
    assert suites.for_gate(many) == many
    assert suites.for_gate(suites.get("smoke")) == suites.get("smoke")
