"""Elementwise ops of one input: float32, float64 and integers."""
import numpy as np

from .core import case
from .registry import FLOATS, INTEGERS, SIGNED, name, numbers, supported

NAN, INF = np.nan, np.inf
# Op: the range of its arguments, and what is special among them.
OPS = {
    "Sign": ((-3, 3), [NAN, INF, -INF, 0, -0.0, 1e-30]),
    "Expm1": ((-6, 6), [NAN, INF, -INF, 0, -0.0, 1e-6, -1e-6, 1e-30, 88, 100, -100]),
    "Log1p": ((-0.9, 20), [NAN, INF, -INF, 0, -0.0, 1e-6, -1e-6, 1e-30, -1, -2, 3e38]),
    "Reciprocal": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 1e30]),
    "Inv": ((-9, 9), [NAN, 0, -0.0]),
    "Sin": ((-20, 20), [NAN, INF, -INF, 0, -0.0, 1e-30, 3.1415927, 1000, -30000]),
    "Cos": ((-20, 20), [NAN, INF, -INF, 0, -0.0, 1e-30, 1.5707964, 1000, -30000]),
    "Tan": ((-20, 20), [NAN, INF, -INF, 0, -0.0, 1e-30, 1000]),
    "Asin": ((-1, 1), [NAN, 0, -0.0, 1, -1, 1.5, -2, 1e-30]),
    "Acos": ((-1, 1), [NAN, 0, -0.0, 1, -1, 1.5, -2]),
    "Atan": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 1e30, 1e-30]),
    "Sinh": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 1e-6, 80, -100]),
    "Cosh": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 80, -100]),
    "Asinh": ((-90, 90), [NAN, INF, -INF, 0, -0.0, 1e-6, 1e6]),
    "Acosh": ((1, 90), [NAN, INF, -INF, 1, 0.5, 1e6]),
    "Atanh": ((-0.95, 0.95), [NAN, 0, -0.0, 1, -1, 2, 1e-6]),
    "Erf": ((-3, 3), [NAN, 0, -0.0, 1e-6, 9]),
    "Erfc": ((-3, 3), [NAN, INF, -INF, 0, -0.0, 1e-6, -9]),
    "Ceil": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 0.5, -0.5, 8388609.0, 3e38]),
    "Round": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 8388609.0, 3e38]),
    "Rint": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 8388609.0, 3e38]),
    "IsNan": ((-9, 9), [NAN, INF, -INF, 0, 3e38]),
    "IsInf": ((-9, 9), [NAN, INF, -INF, 0, 3e38]),
    "IsFinite": ((-9, 9), [NAN, INF, -INF, 0, 3e38]),
    "Elu": ((-9, 9), [NAN, INF, -INF, 0, -0.0, -1e-3, -100]),
    "Selu": ((-9, 9), [NAN, INF, -INF, 0, -0.0, -1e-3, -100]),
    "Softplus": ((-9, 9), [NAN, INF, -INF, 0, -0.0, 13.5, 14.5, 50, -13.5, -50]),
    "Softsign": ((-9, 9), [NAN, 0, -0.0, 1e30, -1e30]),
    "Invert": ((-99, 99), []),
    "PopulationCount": ((-99, 99), []),
    "Abs": ((-9, 9), []),
    "LeakyRelu": ((-9, 9), [NAN, INF, -INF, 0, -0.0]),
}
# TensorFlow's float32 has this much of an error: its series are shorter, or it subtracts what is almost equal.
LOOSE = {"Sinh": 1e-5, "Asinh": 1e-5, "Atanh": 1e-5, "Elu": 1e-5, "Selu": 1e-5, "Expm1": 1e-5, "Erfc": 1e-5, "Tan": 1e-5}


def cases():
    for op, ((low, high), special) in OPS.items():
        for dtype in supported(op, FLOATS + INTEGERS) if op != "LeakyRelu" else FLOATS:
            # TensorFlow ends its process; gives zeros.
            if op in ("Acos", "Round") and dtype in INTEGERS:
                continue
            close = {"rtol": LOOSE[op], "atol": 1e-6} if op in LOOSE and dtype == np.float32 else {}
            if op in ("Sin", "Cos", "Tan") and dtype in FLOATS:
                # Near the zeros TensorFlow's reduction of the argument shows.
                close = {"rtol": close.get("rtol", 2e-6), "atol": 2e-7} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}
            case(op, [numbers([3, 5], dtype, low, high)], label=name(dtype), **close)
            if dtype in SIGNED:
                least = np.iinfo(dtype)
                case(op, [np.array([least.min, least.max, 0, -1], dtype)], label=f"{name(dtype)} extremes")
            if dtype in FLOATS:
                case(op, [np.array(special, dtype)], label=f"special {name(dtype)}", **close)
                case(op, [numbers([37], dtype, low, high)], label=f"long {name(dtype)}", **close)
        first = (supported(op, FLOATS) or supported(op, INTEGERS))[0]
        close = {"rtol": LOOSE[op], "atol": 1e-6} if op in LOOSE else {}
        case(op, [numbers([], first, low, high)], label="scalar", **close)
        case(op, [np.zeros([2, 0], first)], label="empty")
        case(op, [np.array(["a"])], label="string refused")
        if op not in ("Sign",):
            case(op, [np.array([True])], label="bool refused")
    for alpha in (0.0, 0.5, 2.0, -1.0):
        for dtype in FLOATS + [np.int32]:
            case("LeakyRelu", [numbers([2, 9], dtype)], {"alpha": alpha}, label=f"alpha {alpha} {name(dtype)}")
    case("LogicalNot", [np.array([[True, False, True]])], label="bool")
    case("LogicalNot", [np.zeros([0], bool)], label="empty")
    case("LogicalNot", [np.resize([True, False, False], 41)], label="long")
    case("LogicalNot", [np.array([1])], label="int64 refused")
