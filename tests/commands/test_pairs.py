import click
import pytest

from harness.commands.pairs import PairsType


@pytest.mark.parametrize("text, pairs", [("5", (5, 5)), ("2", (2, 2)), ("3..20", (3, 20)), ("7..7", (7, 7))])
def test_pairs_are_a_number_or_a_range(text, pairs):
    assert PairsType().convert(text, None, None) == pairs


@pytest.mark.parametrize(
    "text", ["1", "0..5", "20..3", "3..", "..20", "3...20", "3-20", "-5", "five", "", "3..201", "9" * 30]
)
def test_what_is_none_is_refused_with_what_was_expected(text):
    with pytest.raises(click.BadParameter, match=r"expected N or A\.\.B, such as 5 or 3\.\.20, from 2 to 200"):
        PairsType().convert(text, None, None)
