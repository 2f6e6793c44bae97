"""A graph that TensorFlow dies of or never ends is bad input; a process that dies before it runs one is not."""

import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.blame.messages import Answer
from harness.check import blaming, checking
from harness.check.messages import BlameQuestion, CheckAnswer, CheckQuestion, RandomRange
from harness.errors import ChildKilledError, ChildSilentError, UsageError
from harness.graphs.source import GraphSource
from tests.check import graphs

GRAPH = GraphSource(path="large.pb")
FORCED = modes.get("force_fp16")


@pytest.fixture
def dies_after(monkeypatch):
    """Lets the process that is asked say this and then be killed."""

    def say(module, *answers):
        def ask(what, program, question, seconds, hear, may_fork):
            for answer in answers:
                hear(answer.model_dump_json())
            raise ChildKilledError(f"{what} failed: its process was killed by SIGSEGV (log l)")

        monkeypatch.setattr(module, "ask", ask)

    return say


@pytest.mark.parametrize("asked, feeds", [({}, "random numbers from -1 to 1"), ({"feeds": ("a.npz",)}, "its feeds")])
def test_what_a_check_runs_is_named_with_its_feeds(dies_after, asked, feeds):
    dies_after(checking, CheckAnswer(phase="reading"), CheckAnswer(phase="float32"))
    told = f"graph large.pb: the check failed: its process was killed by SIGSEGV .log l., run on {feeds} .expected"
    with pytest.raises(UsageError, match=told):
        checking.check(CheckQuestion(graph=GRAPH, modes=(FORCED,), **asked), lambda answer: None)


@pytest.mark.parametrize("heard", [(), ("reading",), ("float32", "planning")])
def test_what_runs_no_graph_is_no_bad_input(dies_after, heard):
    dies_after(checking, *(CheckAnswer(phase=phase) for phase in heard))
    with pytest.raises(ChildKilledError):
        checking.check(CheckQuestion(graph=GRAPH, modes=(FORCED,)), lambda answer: None)


@pytest.mark.parametrize("heard, told", [((), ChildSilentError), (("reading", "float32"), UsageError)])
def test_what_never_ends_is_named_once_it_runs(monkeypatch, heard, told):
    def ask(what, program, question, seconds, hear, may_fork):
        for phase in heard:
            hear(CheckAnswer(phase=phase).model_dump_json())
        raise ChildSilentError(f"{what} failed: nothing came of it in {seconds:g} s (log l)")

    monkeypatch.setattr(checking, "ask", ask)
    with pytest.raises(told, match="nothing came of it in 7200 s"):
        checking.check(CheckQuestion(graph=GRAPH, modes=(FORCED,)), lambda answer: None)


def test_a_search_names_them_too(dies_after):
    question = BlameQuestion(graph=GRAPH, mode=FORCED, random=RandomRange(low=0, high=255))
    dies_after(blaming, Answer(phase="reference"))
    with pytest.raises(UsageError, match="graph large.pb: the search failed: .*, run on random numbers from 0 to 255"):
        blaming.blame(question, lambda answer: None)
    dies_after(blaming)
    with pytest.raises(ChildKilledError):
        blaming.blame(question, lambda answer: None)


@pytest.mark.slow
def test_a_loop_without_an_end_is_named(tmp_path, monkeypatch):
    def make():
        x = tf.placeholder(tf.float32, (2,), name="x")
        end = tf.while_loop(lambda value: tf.reduce_sum(value) < float("inf"), lambda value: [value * 0.5], [x])
        tf.identity(end, name="out")

    monkeypatch.setattr(checking, "_SECONDS", 20.0)
    path = graphs.save(tmp_path / "graph.pb", make)
    told = (
        "graph .*: the check failed: nothing came of it in 20 s .*expected steps shorter than that, and loops that end"
    )
    with pytest.raises(UsageError, match=told):
        checking.check(CheckQuestion(graph=GraphSource(path=path), modes=(FORCED,)), lambda answer: None)
