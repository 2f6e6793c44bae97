from harness.records import FidelityPlan, Verdict
from reports.advice import origin
from reports.decision import decisions, explanations, tables
from reports.figures import is_far
from reports.findings import sentences
from reports.language import ENGLISH
from reports.verdict_text import sayings
from tests.reports.runs import MIXED, REFERENCE, make_run


def changed(run, **changes):
    return run.model_copy(update=changes)


def told(run):
    return [f"{sentence.text} {sentence.command}".strip() for sentence in sentences(run, ENGLISH)]


def rows(run):
    (table,) = tables(run, ENGLISH)
    return [[table.name(row), *(column.text(row, ENGLISH) for column in table.columns)] for row in table.rows]


def planned(run, **figures):
    """The run with a plan of its second mode that has these figures."""
    first, second = run.plans
    return changed(run, plans=[first, second.model_copy(update={"figures": changed(second.figures, **figures)})])


def test_judged_pictures_decide_and_their_reasons_are_given(evidence):
    assert rows(evidence.run) == [
        [REFERENCE, "yes", "", "0.860", "69", "yes", "0.515"],
        [MIXED, "no", "style Gram saturates at relu1_1", "0.860", "69", "yes", "–"],
    ]
    assert told(evidence.run) == [
        f"Take {REFERENCE}: its picture is right, and a step takes at least 0.860 ms on a 910.",
        f"Wrong: {MIXED}: style Gram saturates at relu1_1. Which ops spoil it: python bench.py blame {MIXED}",
    ]


def test_without_judged_pictures_a_true_loss_far_off_is_a_finding(tmp_path, case):
    run = make_run(tmp_path / "run", case, fidelity=[]).run
    run = changed(
        run, summaries=[run.summaries[0], changed(run.summaries[1], true_loss=84 * run.summaries[0].true_loss)]
    )
    reference, mixed = decisions(run)
    assert (reference.fitness, mixed.fitness) == ("not_judged", "wrong")
    assert rows(run)[1][1:3] == ["no", f"true loss 84 times that of {REFERENCE}"]
    assert any("was not judged" in line and "--suite accuracy" in line for line in told(run))
    near = changed(run.summaries[1], true_loss=1.01 * run.summaries[0].true_loss)
    assert decisions(changed(run, summaries=[run.summaries[0], near]))[1].fitness == "not_judged"


def test_the_quickest_of_the_right_modes_that_compile_is_taken(evidence):
    run = changed(evidence.run, fidelity=[changed(found, fitness="fit", reasons=()) for found in evidence.run.fidelity])
    assert told(planned(run, roofline_seconds=5e-4))[0].startswith(f"Take {MIXED}: ")
    refused = planned(run, roofline_seconds=5e-4, refused=("conv1_1",))
    assert told(refused)[0].startswith(f"Take {REFERENCE}: ")
    assert told(refused)[1] == f"A 910 would not compile {MIXED}."
    assert rows(refused)[1][5] == "no: 1 ops"
    fit, _ = run.fidelity
    only = changed(refused, fidelity=[changed(fit, fitness="wrong"), changed(fit, mode=MIXED)])
    assert told(only)[0] == f"Right, but not for a 910: {MIXED}." and not any("compile" in line for line in told(only))


def test_only_what_is_known_has_a_column(evidence):
    assert [column.heading for column in tables(changed(evidence.run, plans=[]), ENGLISH)[0].columns] == [
        "right?",
        "why",
        "step s",
    ]
    plans = changed(evidence.run, fidelity=[], trials=[], summaries=[], plan_only=True)
    assert [column.heading for column in tables(plans, ENGLISH)[0].columns] == ["910 floor ms", "casts", "compiles"]
    assert told(plans) == []
    assert tables(changed(evidence.run, fidelity=[], trials=[], summaries=[], plans=[]), ENGLISH) == []
    assert explanations([], ENGLISH) == "–: not measured."


def test_a_time_taken_in_passing_is_none(evidence):
    suite = changed(evidence.run.suite, fidelity=FidelityPlan())
    assert {decision.step_seconds for decision in decisions(changed(evidence.run, suite=suite))} == {None}


def test_losses_are_far_apart_beyond_a_factor_of_two():
    assert is_far(84.0, 1.0) and is_far(1.0, 84.0) and is_far(1.0, 0.0)
    assert not (is_far(1.9, 1.0) or is_far(None, 1.0) or is_far(0.0, 0.0))


def test_the_commands_are_of_the_pictures_at_hand(evidence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case = evidence.run.suite.cases[0]
    pictures = {"content": str(tmp_path / "my photo.jpg"), "styles": ("a.jpg", "/b.jpg"), "size": 64, "steps": 8}
    suite = changed(evidence.run.suite, own_cases=True, cases=(changed(case, network="synthetic", **pictures),))
    options = "--content 'my photo.jpg' --styles a.jpg --styles /b.jpg --size 64 --steps 8"
    assert told(changed(evidence.run, suite=suite))[1].endswith(f"python bench.py blame {MIXED} {options}")
    assert told(changed(evidence.run, suite=suite, fidelity=[]))[-1].endswith(f"python bench.py choose {options}")
    wrong = Verdict(gate="fitness", case=case.id, mode=MIXED, outcome="fail", reason="wrong")
    (advice,) = sayings([wrong])[0].advice(ENGLISH, origin(changed(evidence.run, suite=suite), tmp_path / "run"))
    assert advice.text() == f"find the cause: python bench.py blame {MIXED} {options}"


def test_floors_of_several_cases_are_said_to_be_a_sum(evidence):
    (case,) = evidence.run.suite.cases
    suite = changed(evidence.run.suite, cases=(case, changed(case, id="other")))
    twice = {
        name: [*getattr(evidence.run, name), *(changed(item, case="other") for item in getattr(evidence.run, name))]
        for name in ("fidelity", "plans", "summaries", "trials")
    }
    first = told(changed(evidence.run, suite=suite, **twice))[0]
    assert first == (
        f"Take {REFERENCE}: its 2 pictures are right, and a step of each takes at least 1.720 ms in all on a 910."
    )
