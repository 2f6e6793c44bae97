from hypothesis import given
from hypothesis import strategies as st

from harness.blame.delta_debugging import smallest


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
