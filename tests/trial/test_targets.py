import numpy as np
import pytest

from harness import modes
from harness.devices.opening import open_device
from harness.step.building import step_targets
from harness.step.inputs import load
from harness.trial import targets


def equal(one, other):
    return len(one) == len(other) and all(
        list(a) == list(b)
        and all(np.array_equal(a[layer], b[layer]) and a[layer].dtype == b[layer].dtype for layer in a)
        for a, b in zip(one, other)
    )


@pytest.mark.parametrize("name", ["must_keep_origin_dtype", "allow_mix_precision"])
def test_stored_targets_are_the_computed_ones_bit_for_bit(case, tmp_path, monkeypatch, name):
    settings = case.settings.model_copy(update={"content_weight_blend": 0.5})
    case = case.model_copy(update={"batch": 2, "styles": case.styles * 2, "settings": settings})
    of = (case, modes.get(name), open_device("cpu"), *load(case, "")[1:])
    path = tmp_path / "targets.npz"
    computed, written = step_targets(*of), targets.shared_targets(str(path), *of)
    monkeypatch.setattr(targets, "step_targets", None)
    read = targets.shared_targets(str(path), *of)
    for kind in ("contents", "styles"):
        assert equal(getattr(computed, kind), getattr(written, kind))
        assert equal(getattr(computed, kind), getattr(read, kind))
    assert len(read.contents) == 2 and len(read.contents[0]) == 2 and len(read.styles[1]) == 5


def test_nothing_is_written_without_a_path(case, tmp_path):
    targets.shared_targets("", case, modes.get("must_keep_origin_dtype"), open_device("cpu"), *load(case, "")[1:])
    assert list(tmp_path.glob("*.npz")) == []
