"""What of a plan is compared, and how a difference reads."""

import pytest

from harness.plans.figures import differences
from reports.language import ENGLISH
from tests.builders import FIGURES


def _said(before, after):
    old, new = (FIGURES.model_copy(update={"layers": layers}) for layers in (before, after))
    return [ENGLISH.remark(change) for change in differences(old, new)]


def _grams(decision):
    return {f"gram_relu{n}_1": f"gram_relu{n}_1/truediv: {decision}; gram_relu{n}_1/x: Mul 16,16>16" for n in (1, 2, 3)}


@pytest.mark.parametrize(
    "before, after, said",
    [
        (
            _grams("RealDiv 32,32>32"),
            _grams("Muls 32>32"),
            "gram_relu1_1/truediv and 2 alike in gram_relu1_1, gram_relu2_1, gram_relu3_1: "
            "RealDiv 32,32>32 -> Muls 32>32",
        ),
        ({"a": "a/x: Mul 16,16>16"}, {}, "a/x: gone, was Mul 16,16>16"),
        ({}, {"a": "a/x: Mul 16,16>16; a/y: Mul 16,16>16"}, "a/x and 1 alike in a: new, Mul 16,16>16"),
        # Of an older record, whose ops have no names: by layer.
        (
            {"a": "Mul 16,16>16; Add 16,16>16"},
            {"a": "a/x: Mul 16,16>16; a/y: Add 32,32>32"},
            "a: Add 16,16>16 -> Add 32,32>32",
        ),
    ],
)
def test_a_change_names_the_first_op_of_all_that_changed_alike(before, after, said):
    assert _said(before, after) == [said]


def test_a_plan_without_names_equals_the_same_with_names():
    assert _said({"a": "Mul 16,16>16"}, {"a": "a/x: Mul 16,16>16"}) == []


def test_an_op_under_another_name_is_a_change():
    assert _said({"a": "a/x: Mul 16,16>16"}, {"a": "a/y: Mul 16,16>16"}) == [
        "a/x: gone, was Mul 16,16>16",
        "a/y: new, Mul 16,16>16",
    ]


def test_the_cause_comes_before_what_follows_from_it():
    layers = {"a": "a/x: Mul 16,16>16"}
    old = FIGURES.model_copy(update={"layers": layers})
    changed = {"casts": 9, "bytes_cast": 9, "flop": 9, "roofline_seconds": 9.0, "units": {"vector float32": 9}}
    new = FIGURES.model_copy(update={"layers": {"a": "a/x: Mul 32,32>32"}, **changed})
    codes = [change.code for change in differences(old, new)]
    assert codes[:3] == ["plan_casts", "plan_op", "plan_bytes_cast"] and "plan_unit" in codes[3:]
