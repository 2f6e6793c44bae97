import pytest

from harness import modes
from harness.records import Scheduling, Suite, TrialFidelity
from harness.remark import remark
from harness.runs.summary import growth, summarize
from reports.language import ENGLISH
from tests.builders import result


@pytest.fixture
def sized(case, float32):
    """A suite of one case in several widths, as high as wide."""

    def make(*widths, **changes):
        cases = [
            case.model_copy(
                update={
                    "id": f"case-{width}",
                    "size": width,
                    "inputs": case.inputs.model_copy(update={"width": width, "height": width}),
                    **changes,
                }
            )
            for width in widths
        ]
        return Suite(name="scaling", purpose="", cases=cases, modes=(float32,), replicates=1)

    return make


def _trials(suite, exponent, **changes):
    mode = suite.modes[0].name
    return [
        result(case.id, mode, **{"replicate": 1, "step": (case.size**2 / 1e6) ** exponent, **changes})
        for case in suite.cases
    ]


def test_growth_is_the_exponent_of_the_pixels(sized):
    suite = sized(10, 20, 40, 80)
    time, memory = growth(suite, summarize(suite, _trials(suite, 1.1)))
    assert (time.quantity, time.sizes, time.pixels) == ("step time", 4, (100, 6400))
    assert (time.exponent, time.low, time.high) == pytest.approx((1.1, 1.1, 1.1))
    assert memory.quantity == "peak memory" and memory.exponent == pytest.approx(0.0)


def test_what_cannot_be_fitted_is_left_out(sized):
    suite = sized(10, 20)
    assert growth(suite, summarize(suite, _trials(suite, 1.0))) == []
    suite = sized(10, 20, 40)
    unmeasured = _trials(suite, 1.0, step_seconds=None, peak_memory_bytes=None)
    assert growth(suite, summarize(suite, unmeasured)) == []
    others = suite.model_copy(update={"cases": (*suite.cases[:2], sized(40, steps=99).cases[0])})
    assert growth(others, summarize(others, _trials(others, 1.0))) == []


def test_confirmations_and_failures_count_in_no_figure(sized):
    suite = sized(10)
    confirmation = _trials(suite, 1.0, confirmation=True, replicate=2, step_seconds=99.0)
    crashed = _trials(suite, 1.0, status="crashed", replicate=2, step_seconds=99.0)
    (summary,) = summarize(suite, _trials(suite, 0.0) + confirmation + crashed)
    assert (summary.ok, summary.replicates, summary.step_seconds) == (1, 2, 1.0)


def test_one_unsteady_process_makes_the_summary_unsteady(sized):
    suite = sized(10)
    (summary,) = summarize(suite, _trials(suite, 1.0) + _trials(suite, 1.0, steady=False, replicate=2))
    assert summary.steady is False
    assert remark("unsteady_processes", unsteady=1, processes=2) in summary.unmet


@pytest.mark.parametrize(
    "mode, device, share",
    [
        ("must_keep_origin_dtype", "cpu", 0.5),
        ("allow_mix_precision_bf16", "cpu", 0.25),
        # Nothing measured a rate of float16.
        ("force_fp16", "cpu", None),
        # The card's compiler lowers the measured product as it does the step.
        ("force_fp16", "npu:1", 0.5),
    ],
)
def test_the_share_of_peak_is_of_the_rate_of_the_step_s_format(sized, mode, device, share):
    suite = sized(64).model_copy(update={"modes": (modes.get(mode),)})
    figures = {"device": device, "step_flop": 10**12, "matmul_tflops": 2.0, "matmul_tflops_bfloat16": 4.0}
    trials = [trial.model_copy(update={"step_seconds": 1.0, **figures}) for trial in _trials(suite, 1.0)]
    assert summarize(suite, trials, mode)[0].share_of_peak == share


def test_losses_are_medians_over_the_last_pictures_where_those_were_measured(sized):
    losses = {"final_losses": {"total": 9.0}, "true_losses": {"total": 8.0}}
    medians = TrialFidelity(reported_losses={"total": 3.0}, true_losses={"total": 2.0}, window=5)
    for fidelity, expected in ((None, (9.0, 8.0)), (medians, (3.0, 2.0))):
        suite = sized(100)
        (found,) = summarize(suite, _trials(suite, 0, fidelity=fidelity, **losses))
        assert (found.final_loss, found.true_loss) == expected


@pytest.fixture
def two_modes(sized, float32):
    return sized(10).model_copy(update={"modes": (float32, modes.get("force_fp16"))})


def _timed(suite, *seconds, mode=0, first=1, **fields):
    name = suite.modes[mode].name
    return [result("case-10", name, number, step, **fields) for number, step in enumerate(seconds, first)]


def test_ratios_are_taken_within_a_round(two_modes):
    # The machine is half as fast in the second round; the mode takes twice the reference mode's time in each.
    trials = _timed(two_modes, 1.0, 2.0) + _timed(two_modes, 4.0, mode=1, first=2)
    assert [summary.ratio_to_reference for summary in summarize(two_modes, trials)] == [1.0, 2.0]
    # A round whose modes ran on two devices is none.
    elsewhere = _timed(two_modes, 4.0, mode=1, first=2, device="cpu:1")
    assert summarize(two_modes, _timed(two_modes, 1.0, 2.0) + elsewhere)[1].ratio_to_reference is None


def test_an_emulated_mode_has_no_ratio_for_it_may_have_shared_the_machine(two_modes):
    trials = _timed(two_modes, 1.0) + _timed(two_modes, 4.0, mode=1, emulated=True)
    assert [summary.ratio_to_reference for summary in summarize(two_modes, trials)] == [1.0, None]


def test_a_disturbed_round_says_nothing_of_the_ratio_while_there_is_another(two_modes):
    half = Scheduling(seconds=1.0, cpu_seconds=1.0, waiting_seconds=1.0, others_seconds=1.0)
    trials = _timed(two_modes, 1.0, 1.0) + _timed(two_modes, 9.0, mode=1, scheduling=half)
    assert summarize(two_modes, trials)[1].ratio_to_reference == pytest.approx(9.0)
    trials += _timed(two_modes, 3.0, mode=1, first=2)
    assert summarize(two_modes, trials)[1].ratio_to_reference == pytest.approx(3.0)


def test_rounds_on_unlike_machines_are_never_pooled(two_modes):
    ours = _timed(two_modes, 1.0, 1.0, host="a", machine_key="here")
    theirs = _timed(two_modes, 8.0, 8.0, first=3, host="b", machine_key="there")
    half = _timed(two_modes, 4.0, mode=1, first=3, host="b", machine_key="there")
    reference, mode = summarize(two_modes, ours + theirs + half, machine_key="here")
    assert (reference.ok, reference.step_seconds) == (2, 1.0)
    (stratum,) = reference.strata
    assert (stratum.machine_key, stratum.hosts, stratum.processes) == ("there", ("b",), 2)
    assert stratum.step_seconds == pytest.approx(8.0)
    (apart,) = [told for told in reference.unmet if told.code == "other_stratum"]
    assert ENGLISH.remark(apart) == "apart: 2 processes on an unlike machine, b (there), 8 s a step"
    assert mode.step_seconds is None and [told.code for told in mode.unmet] == ["other_stratum"]
    assert mode.strata[0].ratio_to_reference == 0.5
