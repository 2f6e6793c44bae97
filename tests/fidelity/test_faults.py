"""Faults of every kind, built one at a time into the suite's own cases: the gate sees each, and where it begins."""

import pytest

import suites
from harness.fidelity import probes
from harness.gates import approval
from harness.step import inputs
from harness.store.baselines import Baselines
from harness.store.files import slug
from reports.language import ENGLISH
from tests.fidelity.faults import FAULTS, SETTINGS
from tests.fidelity.runs import REFERENCE, judged, make_run, redrawn

CASES = {case.id: case for case in suites.get("accuracy").cases}
FIRST, NOISE = CASES
AT_ONCE = {
    "style blend ignored": (FIRST, "style loss"),
    "content blend ignored": (FIRST, "content loss"),
    "beta2 ignored": (FIRST, "picture after 1 updates"),
    "style scales ignored": (FIRST, "style loss"),
    "clipped before the last update": (FIRST, "picture after"),
    "written grey": (FIRST, "SSIM to baseline"),
    "written rounded": (FIRST, "SSIM to baseline"),
    "content gradient stopped": (NOISE, "relu4_2 gradient"),
    "noise doubled": (NOISE, "relu1_1 activation"),
    "no bias in conv4_1": (NOISE, "relu4_1 activation"),
    "colours of the content ignored, or kept": (NOISE, "SSIM to baseline"),
}
"""By fault: where it is looked for in the narrow network, and the figure that must be first beyond its limit."""


@pytest.fixture(scope="module")
def approved(tmp_path_factory):
    """By case: a healthy run of it, small and in the narrow network, its folder and its approved baselines."""
    found = {}
    for name, case in CASES.items():
        folder = tmp_path_factory.mktemp(name)
        small = inputs.resolve(case.model_copy(update={"network": "synthetic-narrow", "size": 48}), cache="")
        found[name] = _approve(make_run(small, folder), folder)
    return found


def _approve(run, folder):
    baselines = Baselines(folder / "baselines")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CI", raising=False)
        proposals = approval.propose(judged(run, folder, baselines), baselines, "the first", folder)
        approval.approve(proposals, baselines)
    return run, folder, baselines


@pytest.mark.any_tensorflow
@pytest.mark.parametrize("name", AT_ONCE)
def test_a_fault_is_caught_where_it_begins(name, approved):
    case, begins = AT_ONCE[name]
    item, verdict = _faulty(name, *approved[case])
    assert (verdict.outcome, verdict.reason) == ("fail", "regressed")
    failed = [ENGLISH.remark(bound.figure) for bound in item.regression_bounds if bound.gates and not bound.ok]
    assert failed[0].startswith(begins), failed


def _faulty(name, run, folder, baselines, mode=REFERENCE):
    with pytest.MonkeyPatch.context() as patch:
        {**SETTINGS, **FAULTS}[name](patch)
        # What noise does to a faulty step is nobody's limit.
        patch.setattr(probes, "measure_envelopes", lambda *inputs: (None,))
        run = judged(redrawn(run, folder, mode, slug(name)), folder, baselines)
    (verdict,) = [found for found in run.verdicts if (found.gate, found.mode) == ("regression", mode)]
    (item,) = [found for found in run.fidelity if found.mode == mode]
    return item, verdict


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The same in the suite's own size and network, in every mode."""
    suite, found = suites.get("accuracy"), {}
    names = tuple(mode.name for mode in suite.modes)
    for name, case in CASES.items():
        folder = tmp_path_factory.mktemp(f"whole-{name}")
        found[name] = _approve(make_run(inputs.resolve(case, cache=""), folder, names, suite.fidelity), folder)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SETTINGS, *FAULTS])
def test_every_fault_is_caught_in_every_mode(name, whole):
    """By one of the cases: each has settings and starts that the other has not."""
    first, *_ = whole.values()
    modes = [mode.name for mode in first[0].suite.modes]
    assert not [mode for mode in modes if not _is_caught(name, mode, whole)]


def _is_caught(name, mode, whole):
    for case in [FIRST] if name in SETTINGS else [NOISE, FIRST]:  # the cheaper one first
        item, verdict = _faulty(name, *whole[case], mode=mode)
        failed = [ENGLISH.remark(bound.figure) for bound in item.regression_bounds if bound.gates and not bound.ok]
        print(name, mode, case, verdict.outcome, *failed[:1], sep=" | ")
        if verdict.outcome != "pass":
            return True
    return False
