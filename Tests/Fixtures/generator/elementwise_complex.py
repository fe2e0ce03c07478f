"""Elementwise ops of complex numbers."""
import numpy as np
import tensorflow as tf

from .core import case
from .registry import COMPLEXES, name, numbers, supported

UNARY = "Neg Sign Exp Expm1 Log Log1p Sqrt Rsqrt Square Reciprocal Inv Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Sigmoid Conj"
BINARY = "Add AddV2 Sub Mul Div RealDiv DivNoNan MulNoNan Xdivy Xlogy Xlog1py Pow SquaredDifference Equal NotEqual"


def close(dtype):
    return {"rtol": 2e-5, "atol": 2e-6} if dtype == np.complex64 else {"rtol": 1e-10, "atol": 1e-12}


def cases():
    for op in UNARY.split():
        for dtype in supported(op, COMPLEXES):
            case(op, [numbers([3, 5], dtype, -2, 2)], label=name(dtype), **close(dtype))
            case(op, [numbers([], dtype, 0.2, 2)], label=f"scalar {name(dtype)}", **close(dtype))
            case(op, [np.zeros([0, 2], dtype)], label=f"empty {name(dtype)}")
        if op in ("Neg", "Sign", "Square", "Conj", "Sqrt"):
            case(op, [np.complex64([0, 1, -1, 1j, -1j])], label="axes", **close(np.complex64))
    for op, result in ("Real", {}), ("Imag", {}), ("ComplexAbs", {}), ("Angle", {}):
        for dtype, part in (np.complex64, tf.float32), (np.complex128, tf.float64):
            case(op, [numbers([3, 5], dtype, -2, 2)], {"Tout": part}, label=name(dtype))
            case(op, [np.zeros([0], dtype)], {"Tout": part}, label=f"empty {name(dtype)}")
        case(op, [np.complex64([0, 1, -1, 1j, -1j, 3e30 + 4e30j])], label="axes")
        case(op, [np.complex64([1])], {"Tout": tf.float64}, label="Tout refused")
    for op in BINARY.split():
        for dtype in supported(op, COMPLEXES):
            for left, right in ([2, 9], [2, 9]), ([2, 9], [9]), ([7, 3], [7, 1]), ([2, 1], [2, 3]), ([], [5]), ([0], [1]):
                a, b = numbers(left, dtype, -2, 2), numbers(right, dtype, -2, 2)
                if op.endswith("qual") and left == right:
                    b[0] = a[0]
                case(op, [a, b], label=f"{name(dtype)} {left} {right}", **close(dtype))
        case(op, [np.ones([2], np.complex64), np.ones([3], np.complex64)], label="shapes refused")
        case(op, [np.ones([2], np.complex64), np.ones([2], np.complex128)], label="dtypes refused")
    zeros = np.complex64([0, 0, 1 + 1j])
    for op in ("DivNoNan", "MulNoNan", "Xdivy", "Xlogy"):
        case(op, [np.complex64([1, 0, 2j]), zeros], label="zeros") if op != "Xdivy" else case(op, [zeros, np.complex64([1, 0, 2j])], label="zeros", **close(np.complex64))
    for op in ("Maximum", "Less", "FloorDiv", "Floor", "Abs", "Relu"):
        inputs = [np.complex64([1])] * (1 if op in ("Floor", "Abs", "Relu") else 2)
        case(op, inputs, label="complex64 refused")
    for dtype in COMPLEXES:
        case("AddN", [[numbers([2, 3], dtype) for _ in range(3)]], label=name(dtype), **close(dtype))
        case("BiasAdd", [numbers([2, 3], dtype), numbers([3], dtype)], label=name(dtype), **close(dtype))
        case("ZerosLike", [numbers([3], dtype)], label=name(dtype))
        case("Identity", [numbers([3], dtype)], label=name(dtype))
        case("Select", [np.array([True, False, True]), numbers([3], dtype), numbers([3], dtype)], label=name(dtype))
