"""The binary floating-point formats that plans and reports speak of, one line each; imports no TensorFlow."""

from typing import Iterable, NamedTuple


class NumberFormat(NamedTuple):
    """A format of IEEE 754's kind: a sign, an exponent, a fraction, subnormals, infinities and NaN."""

    name: str
    """TensorFlow's name of the dtype."""
    exponent_bits: int
    fraction_bits: int
    is_converted: bool = True
    """The compiler converts tensors from and to it; tensors of other formats keep theirs."""

    @property
    def bytes(self) -> int:
        """Bytes of one number."""
        return (1 + self.exponent_bits + self.fraction_bits) // 8

    @property
    def is_narrow(self) -> bool:
        """Say whether float32 numbers are rounded when they become numbers of this format."""
        return self.fraction_bits < 23

    @property
    def ulp(self) -> float:
        """Distance from 1 to the next number: the largest relative size of one unit in the last place."""
        return 2.0**-self.fraction_bits

    @property
    def largest(self) -> float:
        """Largest finite number."""
        return (2 - self.ulp) * 2.0**self._largest_exponent

    @property
    def overflow(self) -> float:
        """Smallest magnitude that does not round to a finite number; infinite when a float cannot hold it."""
        factor = 2 - self.ulp / 2
        return factor * 2.0**self._largest_exponent if factor < 2 else float("inf")

    @property
    def underflow(self) -> float:
        """Largest magnitude that rounds to zero, half the smallest subnormal; 0 when a float cannot hold it."""
        return 2.0 ** (1 - self._largest_exponent - self.fraction_bits - 1)

    @property
    def _largest_exponent(self) -> int:
        return (1 << (self.exponent_bits - 1)) - 1


FLOAT16 = NumberFormat("float16", exponent_bits=5, fraction_bits=10)
BFLOAT16 = NumberFormat("bfloat16", exponent_bits=8, fraction_bits=7)
FLOAT32 = NumberFormat("float32", exponent_bits=8, fraction_bits=23)
FLOAT64 = NumberFormat("float64", exponent_bits=11, fraction_bits=52, is_converted=False)

FORMATS = {row.name: row for row in (FLOAT32, FLOAT16, BFLOAT16, FLOAT64)}
"""Every format, by name."""
CONVERTED = tuple(row.name for row in FORMATS.values() if row.is_converted)
"""Names of the formats that a step may be asked to compute in."""
NARROW = tuple(row.name for row in FORMATS.values() if row.is_narrow)

_INTEGER_BYTES = {f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)}
NUMBERS = (*FORMATS, *_INTEGER_BYTES, "bool")
"""Names of all dtypes of numbers."""


def dtype_bytes(dtype: str) -> int:
    """Return the bytes of one element of a dtype; 4 for what is no number, such as a handle."""
    if dtype in FORMATS:
        return FORMATS[dtype].bytes
    return 1 if dtype == "bool" else _INTEGER_BYTES.get(dtype, 4)


def short_names(dtypes: Iterable[str]) -> str:
    """Write dtypes in short: "16" for float16, "32" for float32, "b16" for bfloat16, others by name."""
    return ",".join(dtype.replace("float", "") if dtype in CONVERTED else dtype for dtype in dtypes)
