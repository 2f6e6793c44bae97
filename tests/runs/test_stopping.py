import pytest

from harness import modes
from harness.records import TrialResult
from harness.runs.stopping import another_round, relative_half_width, unmet


@pytest.fixture
def trials(suite):
    def make(*seconds, mode=suite.modes[0].name, **changes):
        return [
            TrialResult(
                trial=f"{mode}.{replicate}",
                case="small",
                mode=mode,
                replicate=replicate,
                log="",
                samples="",
                started="",
                **{
                    "device": "cpu",
                    "status": "ok",
                    "steady": True,
                    "step_seconds": value,
                    "wall_seconds": 10.0,
                    **changes,
                },
            )
            for replicate, value in enumerate(seconds, 1)
        ]

    return make


@pytest.fixture
def adaptive(suite):
    return suite.model_copy(update={"replicates": 2, "max_replicates": 10, "half_width": 0.02})


def test_the_half_width_is_that_of_the_interval_over_processes(trials):
    assert relative_half_width(trials(1.0)) is None
    assert relative_half_width(trials(1.0, 1.0, 1.0)) == pytest.approx(0)
    # exp(t * s / sqrt(n)) - 1 with t = 12.706 at one degree, s = log(1.01) / sqrt(2)
    assert relative_half_width(trials(1.0, 1.01)) == pytest.approx(1.01 ** (12.706 / 2) - 1, rel=1e-4)


@pytest.mark.parametrize(
    "seconds, changes, follows",
    [
        ((1.0, 1.2), {}, True),
        ((1.0, 1.0), {}, False),
        ((1.0, 1.2), {"max_replicates": 2}, False),
        ((1.0, 1.2), {"max_replicates": None}, False),
        ((1.0, 1.2), {"budget": 29.9}, False),  # two rounds took 20 s, a third would take 10
        ((1.0, 1.2), {"budget": 30.0}, True),
        ((1.0,), {"replicates": 1}, True),
    ],
)
def test_a_round_follows_while_it_is_needed_allowed_and_affordable(adaptive, trials, seconds, changes, follows):
    assert another_round(adaptive.model_copy(update=changes), trials(*seconds)) is follows


def test_devices_side_by_side_spend_their_time_once(adaptive, trials):
    other = modes.get("force_fp16")
    two = adaptive.model_copy(update={"modes": (*adaptive.modes, other), "budget": 45.0})
    spread = trials(1.0, 1.2, device="cpu:0") + trials(1.0, 1.2, device="cpu:1", mode=other.name)
    assert another_round(two, spread)  # the first two rounds took 20 s, a third takes 10
    assert not another_round(two, trials(1.0, 1.2) + trials(1.0, 1.2, mode=other.name))
    # Of the third round the busiest device counts: 20 + 20 and 13 more.
    third = trials(0.0, 0.0, 1.2, device="cpu:0", wall_seconds=20.0)[2:]
    assert not another_round(two, spread + third)


def test_one_wide_mode_is_enough_and_failures_ask_for_nothing(adaptive, trials):
    both = adaptive.model_copy(update={"modes": (*adaptive.modes, modes.get("force_fp16"))})
    assert another_round(both, trials(1.0, 1.0) + trials(1.0, 1.3, mode="force_fp16"))
    assert not another_round(both, trials(1.0, 1.0) + trials(1.0, 1.3, mode="force_fp16", status="crashed"))
    assert not another_round(both, trials(1.0, 1.0) + trials(5.0, confirmation=True))


def test_what_is_not_met_is_named(adaptive, trials):
    def said(found, **changes):
        return unmet(adaptive.model_copy(update=changes), found, found)

    assert said(trials(1.0, 1.0)) == []
    assert said(trials(1.0), replicates=1, max_replicates=1) == ["no interval from 1 process"]
    wide = trials(1.0, 1.01)
    assert said(wide, max_replicates=2) == ["half-width 6.5 % > 2.0 %: no more than 2 processes were allowed"]
    assert said(wide, budget=25) == ["half-width 6.5 % > 2.0 %: time budget of 25 s spent"]
    assert said(wide, replicates=3) == ["half-width 6.5 % > 2.0 %: interrupted"]
    unsteady = trials(1.0, 1.0, steady=False)
    assert said(unsteady[:1] + trials(1.0, 1.0)[1:]) == ["never steady in 1 of 2 processes"]
    drifting = trials(1.0, 1.0, drift=-0.042)[:1] + trials(1.0, 1.0, drift=0.029)[1:]
    assert said(drifting) == ["drift of up to -4.2 % in 1 of 2 processes"]
