import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.settings import StyleSettings


def test_defaults_are_those_of_the_reference_program():
    assert StyleSettings().model_dump() == {
        "content_weight": 5,
        "content_weight_blend": 1,
        "style_weight": 500,
        "style_layer_weight_exp": 1,
        "style_blend_weights": None,
        "style_scales": None,
        "tv_weight": 100,
        "learning_rate": 10,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "pooling": "max",
        "preserve_colors": False,
    }


@given(st.floats(0.01, 100))
def test_each_style_layer_weighs_the_exponent_times_the_one_before(exponent):
    weights = StyleSettings(style_layer_weight_exp=exponent).style_layers()
    assert list(weights) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    assert math.isclose(sum(weights.values()), 1)
    values = list(weights.values())
    assert all(math.isclose(after, exponent * before) for before, after in zip(values, values[1:]))


def test_of_exponent_zero_the_first_style_layer_gets_all():
    assert StyleSettings(style_layer_weight_exp=0).style_layers() == {"relu1_1": 1}


@pytest.mark.parametrize(
    "blend, layers", [(1, {"relu4_2": 1}), (0, {"relu5_2": 1}), (0.75, {"relu4_2": 0.75, "relu5_2": 0.25})]
)
def test_content_blend_is_the_share_of_relu4_2(blend, layers):
    assert StyleSettings(content_weight_blend=blend).content_layers() == layers


def test_blend_weights_and_scales_default_to_equal_shares_and_one():
    assert StyleSettings().style_blend(4) == (0.25,) * 4
    assert StyleSettings().scales(2) == (1, 1)
    assert StyleSettings(style_blend_weights=(3, 1)).style_blend(2) == (0.75, 0.25)


@pytest.mark.parametrize(
    "bad",
    [
        {"content_weight": -1},
        {"content_weight": math.nan},
        {"style_weight": math.inf},
        {"content_weight_blend": 1.01},
        {"style_layer_weight_exp": -1},
        {"style_blend_weights": ()},
        {"style_blend_weights": (0, 0)},
        {"style_blend_weights": (2, -1)},
        {"style_blend_weights": (1, math.nan)},
        {"style_scales": (1, 0)},
        {"style_scales": (math.inf,)},
        {"tv_weight": -1},
        {"learning_rate": 0},
        {"beta1": 1},
        {"beta2": 1},
        {"epsilon": -1e-8},
        {"pooling": "mean"},
        {"content_weight": 0, "style_weight": 0, "tv_weight": 0},
        {"contentweight": 1},
    ],
    ids=str,
)
def test_a_bad_setting_is_refused_by_name(bad):
    with pytest.raises(ValidationError) as caught:
        StyleSettings(**bad)
    assert next(iter(bad)) in str(caught.value)


@pytest.mark.parametrize("name", ["style_blend_weights", "style_scales"])
def test_per_style_settings_must_match_the_number_of_styles(name):
    settings = StyleSettings(**{name: (1, 2)})
    settings.check_style_count(2)
    with pytest.raises(ValueError, match=f"{name} has 2 values for 3 style pictures"):
        settings.check_style_count(3)
