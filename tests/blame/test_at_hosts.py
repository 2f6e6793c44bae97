"""Searches for a cause on hosts: what they may take, and what is left of those that fail, without Ray."""

from pathlib import Path

import pytest

from harness import modes
from harness.blame import on_host
from harness.blame.at_hosts import HostSearches
from harness.blame.limits import TimeIsUp
from harness.blame.messages import Answer, Attempt, Question, Score
from harness.errors import ChildFailedError
from tests.hosts.here import HereDevice


def _score(number):
    return Score(ops=(str(number),), blocks=(), distance=0.5, fit=False)


@pytest.fixture
def questions(case):
    return [Question(case=case, mode=modes.get(name)) for name in ("force_fp16", "allow_mix_precision")]


@pytest.fixture
def searching(monkeypatch):
    """Makes a search say that it tries a set, and what came of it, so many times, and then fail."""

    def use(sets):
        def search(question, hear):
            assert Path(question.case.content).is_file()
            for number in range(sets):
                hear(Answer(attempt=Attempt(blocks=())))
                hear(Answer(score=_score(number)))
            raise ChildFailedError("the process was killed")

        monkeypatch.setattr(on_host, "blame", search)

    return use


def _heard(searches, question, error, match=None):
    heard = []
    with pytest.raises(error, match=match):
        searches.blame(question, heard.append)
    return [answer.score.ops for answer in heard if answer.score]


def test_a_search_ends_on_its_host_with_the_tries_that_it_has(searching, questions, tmp_path):
    searching(10**9)
    searches = HostSearches([HereDevice(tmp_path)], questions, tries=3)
    for question in questions:
        assert _heard(searches, question, TimeIsUp) == [("0",), ("1",), ("2",)]


def test_a_search_ends_on_its_host_with_the_time_that_it_has(searching, questions, tmp_path):
    searching(10**9)
    assert _heard(HostSearches([HereDevice(tmp_path)], questions, seconds=0.0), questions[0], TimeIsUp) == []


def test_what_a_search_had_found_before_it_failed_is_told(searching, questions, tmp_path):
    searching(2)
    failed = "^the search failed: host test: the process was killed$"
    searches = HostSearches([HereDevice(tmp_path)], questions)
    assert _heard(searches, questions[0], ChildFailedError, failed) == [("0",), ("1",)]


def test_searches_of_a_host_that_went_away_are_done_by_another(searching, questions, tmp_path):
    searching(0)
    searches = HostSearches([HereDevice(tmp_path / "a", lives=1), HereDevice(tmp_path / "b", lives=1)], questions)
    for question in questions:
        _heard(searches, question, ChildFailedError, "the process was killed")


def test_searches_that_no_host_is_left_for_fail(searching, questions, tmp_path):
    searching(0)
    searches = HostSearches([HereDevice(tmp_path, lives=1)], questions)
    _heard(searches, questions[0], ChildFailedError, "the process was killed")
    _heard(searches, questions[1], ChildFailedError, "^the search failed: host test went away, and no other is left$")
