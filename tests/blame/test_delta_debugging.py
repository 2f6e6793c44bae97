from hypothesis import given
from hypothesis import strategies as st

from harness.blame.delta_debugging import most_questions, smallest


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))))
def test_what_is_needed_is_found_wherever_it_lies(problem):
    size, needed = problem
    assert smallest(range(size), lambda part: needed <= set(part)) == sorted(needed)


def test_no_element_of_what_is_found_can_be_left_out():
    def does(part):
        return sum(part) >= 20 and len(part) != 4

    found = smallest(list(range(10)), does)
    assert does(found)
    assert not any(does(found[:index] + found[index + 1 :]) for index in range(len(found)))


@given(st.integers(1, 12), st.randoms())
def test_what_is_said_to_be_left_is_never_too_little(size, random):
    answers, left = {}, []

    def does(part):
        return answers.setdefault(tuple(part), random.random() < 0.3)

    smallest(range(size), does, left.append)
    assert left == sorted(left, reverse=True) and all(more >= len(left) - index for index, more in enumerate(left))
    assert not left or left[0] <= most_questions(size)
