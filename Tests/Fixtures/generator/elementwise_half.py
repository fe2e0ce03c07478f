"""Elementwise ops of half precision and bfloat16."""
import numpy as np
import tensorflow as tf

from .core import case
from .registry import BFLOAT16, HALVES, name, numbers, supported

NAN, INF = np.nan, np.inf
UNARY = {
    (-5, 5): "Abs Neg Sign Exp Expm1 Square Sin Cos Tan Sinh Cosh Tanh Asinh Atan Erf Erfc Sigmoid Floor Ceil Round IsNan IsInf IsFinite "
             "Relu Relu6 LeakyRelu Elu Selu Softplus Softsign BesselI0 BesselI1 BesselI0e BesselI1e BesselJ0 BesselJ1",
    (0.2, 9): "Log Log1p Sqrt Rsqrt Reciprocal Inv Lgamma Digamma BesselK0 BesselK1 BesselK0e BesselK1e BesselY0 BesselY1",
    (-0.9, 0.9): "Asin Acos Atanh", (1.1, 9): "Acosh",
}
BINARY = "Add AddV2 Sub Mul Div RealDiv TruncateDiv FloorDiv FloorMod DivNoNan MulNoNan Xdivy Xlogy Xlog1py Pow Maximum Minimum " \
         "SquaredDifference Atan2 Equal NotEqual Less LessEqual Greater GreaterEqual"


def close(op, dtype):
    """TensorFlow rounds after every step of some formulas, and has short series for others."""
    steps = 16 if op in ("Tan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Lgamma", "Digamma", "Erfc", "Elu", "Selu", "Pow") or "Bessel" in op else 4
    unit = 2.0 ** (-10 if dtype == np.float16 else -7)
    return {"rtol": steps * unit / 2, "atol": unit}


def cases():
    for (low, high), ops in UNARY.items():
        for op in ops.split():
            for dtype in supported(op, HALVES):
                case(op, [numbers([3, 7], dtype, low, high)], label=name(dtype), **close(op, dtype))
                if op in ("Abs", "Neg", "Floor", "Ceil", "Round", "IsNan", "IsInf", "IsFinite", "Relu", "Relu6", "Exp", "Sqrt", "Square"):
                    special = np.array([NAN, INF, -INF, 0, -0.0, 0.5, 2.5, 65504], dtype)
                    case(op, [special], label=f"special {name(dtype)}")
            case(op, [np.zeros([0, 2], np.float16)], label="empty")
            case(op, [numbers([], np.float16, low, high)], label="scalar", **close(op, np.float16))
    for op in BINARY.split():
        low = 0.2 if op in ("Xlogy", "Xlog1py", "Pow") else -9
        for dtype in supported(op, HALVES):
            more = {} if op in ("TruncateDiv", "FloorDiv", "Maximum", "Minimum", "Add", "Mul") else close(op, dtype)
            for left, right in ([2, 9], [2, 9]), ([2, 9], [9]), ([2, 1], [2, 3]), ([], [5]):
                a, b = numbers(left, dtype, low, 9), numbers(right, dtype, low, 3)
                if op == "FloorMod":
                    b = np.where(np.abs(b.astype(np.float32)) < 0.5, np.array(1, dtype), b)
                case(op, [a, b], label=f"{name(dtype)} {left} {right}", **more)
            if op in ("FloorDiv", "TruncateDiv"):
                # Quotients that are rounded to a whole number.
                a, b = np.arange(1, 200, 7).astype(dtype), np.array([0.1, 0.3, 0.7, 1.1], dtype)
                case(op, [a[:, None], b], label=f"near whole numbers {name(dtype)}")
        case(op, [np.ones([2], np.float16), np.ones([3], np.float16)], label="shapes refused")
        case(op, [np.ones([2], np.float16), np.ones([2], BFLOAT16)], label="dtypes refused")
    for dtype in HALVES:
        case("AddN", [[numbers([2, 9], dtype) for _ in range(3)]], label=name(dtype), rtol=0.0, atol=0.05 if dtype == np.float16 else 0.4)
        case("BiasAdd", [numbers([2, 3], dtype), numbers([3], dtype)], label=name(dtype))
        case("ClipByValue", [numbers([9], dtype), np.array(-3, dtype), np.array(5, dtype)], label=name(dtype))
        case("Cross", [numbers([4, 3], dtype, 1, 3), numbers([4, 3], dtype, -3, -1)], label=name(dtype), **close("Lgamma", dtype))
        case("ZerosLike", [numbers([3], dtype)], label=name(dtype))
        case("Identity", [numbers([3], dtype)], label=name(dtype))
        case("Select", [np.array([True, False, True]), numbers([3], dtype), numbers([3], dtype)], label=name(dtype))
        case("LeakyRelu", [numbers([9], dtype)], {"alpha": 0.3}, label=f"alpha {name(dtype)}", **close("LeakyRelu", dtype))
    for dtype in HALVES:
        # The products are rounded before they are subtracted. Nearly parallel vectors show it most.
        a = numbers([64, 3], dtype, -4, 4)
        b = (a.astype(np.float32) * 1.5 + np.random.uniform(-0.1, 0.1, [64, 3])).astype(dtype)
        case("Cross", [a, b], label=f"rounded products {name(dtype)}", rtol=0.0, atol=0.0)
        special = np.array([[INF, 1, 2], [NAN, 1, 2], [65504, 65504, 3], [-0.0, 0, 1], [1e-7, 1e-4, 3e-5], [240, 250, 260]], dtype)
        case("Cross", [special, special[::-1].copy()], label=f"special {name(dtype)}", rtol=0.0, atol=0.0)
