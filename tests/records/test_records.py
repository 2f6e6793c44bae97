import pytest
from pydantic import ValidationError

from harness.records import Case
from harness.records.events import Phase, Sample, parse_event


def test_a_digest_ignores_names_and_paths_and_sees_everything_else(case):
    moved = case.model_copy(update={"id": "other", "content": "elsewhere.png", "network": "a copy.mat"})
    assert moved.digest() == case.digest()
    for change in (
        {"steps": 6},
        {"seed": 1},
        {"initial": "noise"},
        {"settings": case.settings.model_copy(update={"tv_weight": 1.0})},
        {"batch": 2},
        {"inputs": case.inputs.model_copy(update={"network_sha256": "0"})},
    ):
        assert case.model_copy(update=change).digest() != case.digest(), change


def test_a_case_whose_files_were_not_read_has_no_digest(case):
    with pytest.raises(ValueError, match="have not been read"):
        case.model_copy(update={"inputs": None}).digest()


def test_a_case_survives_json(case):
    assert Case.model_validate_json(case.model_dump_json()) == case


def test_events_are_told_apart_by_name():
    sample = Sample(updates=3, phase="step", seconds=0.5, losses={"total": 1.0})
    assert parse_event(sample.model_dump_json()) == sample
    assert parse_event('{"event": "phase", "name": "graph"}') == Phase(name="graph")


@pytest.mark.parametrize("line", ["", "{", "[]", '{"event": "unheard"}', '{"event": "phase", "name": "nap"}'])
def test_anything_else_is_no_event(line):
    with pytest.raises(ValidationError):
        parse_event(line)
