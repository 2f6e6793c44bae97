"""An independent reading of a plan: NumPy arithmetic in float16 where the plan says float16.

Elementwise ops run in np.float16 itself, so that TensorFlow's float32 arithmetic with rounding is held against
NumPy's half arithmetic. Products and sums accumulate in float64 and are compared with a tolerance.
"""

import numpy as np

LIMIT = np.float16(65504)


def to_half(value):
    """Nearest even, saturated, NaN to 0, by NumPy's own conversion."""
    with np.errstate(all="ignore"):
        half = np.asarray(value).astype(np.float16)
    half = np.where(np.isnan(half), np.float16(0), half)
    return np.clip(half, -LIMIT, LIMIT)


def cast(value, dtype):
    return to_half(value) if dtype == "float16" else np.asarray(value, np.float32)


NATIVE = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Neg": np.negative,
    "Square": np.square,
    "Minimum": np.minimum,
    "Maximum": np.maximum,
    "Relu": lambda x: np.maximum(x, x.dtype.type(0)),
}


def compute(op_type, operands, dtype):
    """Result of one op on operands already in their planned dtypes, in the planned output dtype."""
    with np.errstate(all="ignore"):
        if op_type in NATIVE:
            return cast(NATIVE[op_type](*operands), dtype)
        wide = [np.asarray(operand, np.float64) for operand in operands]
        if op_type == "MatMulV2":
            return cast(wide[0] @ wide[1], dtype)
        if op_type == "AddN":
            total = operands[0].astype(np.float32)
            for operand in operands[1:]:
                total = total + operand.astype(np.float32)
            return cast(total, dtype)
        if op_type == "ReduceSumD":
            return cast(wide[0].sum(), dtype)
        if op_type == "L2Loss":
            return cast((wide[0] ** 2).sum() / 2, dtype)
    raise NotImplementedError(op_type)


def adam(state, gradient, rate, beta1, beta2, epsilon):
    """One update of (var, m, v, beta1_power, beta2_power), all np.float16, in the kernel's order."""
    one = np.float16(1)
    rate, beta1, beta2, epsilon, gradient = (to_half(value) for value in (rate, beta1, beta2, epsilon, gradient))
    var, m, v, power1, power2 = (to_half(value) for value in state)
    with np.errstate(all="ignore"):
        m = to_half(m + to_half(to_half(gradient - m) * to_half(one - beta1)))
        v = to_half(v + to_half(to_half(to_half(gradient * gradient) - v) * to_half(one - beta2)))
        alpha = to_half(to_half(to_half(np.sqrt(to_half(one - power2))) * rate) / to_half(one - power1))
        step = to_half(to_half(m * alpha) / to_half(to_half(np.sqrt(v)) + epsilon))
        return to_half(var - step), m, v, to_half(power1 * beta1), to_half(power2 * beta2)
