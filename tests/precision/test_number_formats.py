"""The table of number formats beside NumPy's own, and what is keyed by it elsewhere."""

import numpy as np
import pytest

from harness.fidelity.bounds import TOLERANCE
from harness.precision.number_formats import (
    BFLOAT16,
    CONVERTED,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    FORMATS,
    NARROW,
    NUMBERS,
    dtype_bytes,
    short_names,
)


@pytest.mark.parametrize("row", [FLOAT16, FLOAT32, FLOAT64], ids=lambda row: row.name)
def test_figures_are_numpy_s(row):
    info = np.finfo(row.name)
    assert (row.bytes, row.ulp, row.largest) == (info.dtype.itemsize, float(info.eps), float(info.max))


@pytest.mark.parametrize("row", [FLOAT16, FLOAT32], ids=lambda row: row.name)
def test_thresholds_are_where_numpy_s_conversion_changes(row):
    def convert(value):
        with np.errstate(over="ignore"):
            return np.float64(value).astype(row.name)

    assert np.isinf(convert(row.overflow)) and convert(np.nextafter(row.overflow, 0)) == row.largest
    assert convert(row.underflow) == 0 and convert(np.nextafter(row.underflow, 1)) > 0


def test_bfloat16_is_the_upper_half_of_float32():
    def number(bits):
        return float(np.uint32(bits).view(np.float32))

    assert BFLOAT16.largest == number(0x7F7F0000) and BFLOAT16.overflow == number(0x7F7F8000)
    assert BFLOAT16.ulp == number(0x3F810000) - 1 and BFLOAT16.underflow == number(0x00008000)


def test_names():
    assert set(NARROW) == {"float16", "bfloat16"} and set(CONVERTED) == {"float32", *NARROW}
    assert set(FORMATS) | {"bool", "int8", "uint64"} <= set(NUMBERS)
    assert short_names(["float16", "bfloat16", "float32", "float64", "int32"]) == "16,b16,32,float64,int32"


@pytest.mark.parametrize("dtype", sorted(set(NUMBERS) - {"bfloat16"}))
def test_bytes_are_numpy_s(dtype):
    assert dtype_bytes(dtype) == np.dtype(dtype).itemsize


def test_bytes_of_what_is_no_number():
    assert dtype_bytes("resource") == 4


def test_every_format_of_a_step_has_tolerances_of_every_kind():
    assert set(TOLERANCE) == set(CONVERTED)
    assert len({frozenset(kinds) for kinds in TOLERANCE.values()}) == 1
