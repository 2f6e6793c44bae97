import pytest

from harness.records import TrialResult
from reports.language import ENGLISH, Words
from reports.phases import PHASES, PhaseTable, time_by_phase
from tests.builders import result


def timed(mode: str, **phases: float) -> TrialResult:
    return result("case", mode, 1, phases=phases)


def test_the_mean_of_each_part_by_mode_and_the_whole():
    trials = [
        timed("a", steps=4.0, tensorflow=2.0),
        timed("a", steps=6.0, tensorflow=3.0),
        timed("b", tensorflow=1.0, score=0.5),
    ]
    assert time_by_phase(trials) == {"a": {"tensorflow": 2.5, "steps": 5.0}, "b": {"tensorflow": 1.0, "score": 0.5}}
    table = PhaseTable.of(trials, ENGLISH)
    assert table.headings == ["part", "a", "b"]
    assert table.rows == [
        ["importing TensorFlow", "2.5", "1.0"],
        ["steps", "5.0", "–"],
        ["scoring the picture", "–", "0.5"],
        ["whole trial", "7.5", "1.5"],
    ]


def test_a_record_without_them_has_no_table():
    assert PhaseTable.of([result("case", "mode", 1)], ENGLISH).rows == []


@pytest.mark.parametrize("name", PHASES)
def test_every_part_has_chinese(name):
    assert Words("zh")(PHASES[name]) != PHASES[name]
