"""Elementwise functions of two and three numbers; special functions."""
import numpy as np

from .core import case
from .registry import COMPLEXES, FLOATS, INTEGERS, name, numbers, supported

NAN, INF = np.nan, np.inf
SHAPES = [([2, 9], [2, 9]), ([2, 9], [9]), ([7, 3], [7, 1]), ([2, 1], [2, 3]), ([], [5]), ([5], []), ([0], [1]), ([2, 3, 1, 2], [3, 4, 1])]
BINARY = {
    "MulNoNan": ((-9, 9), (-9, 9)), "TruncateDiv": ((-90, 90), (-9, 9)), "FloorDiv": ((-90, 90), (-9, 9)),
    "Mod": ((-90, 90), (-9, 9)), "FloorMod": ((-90, 90), (-9, 9)), "TruncateMod": ((-90, 90), (-9, 9)),
    "Xdivy": ((-9, 9), (-9, 9)), "Xlogy": ((-9, 9), (0.1, 9)), "Xlog1py": ((-9, 9), (-0.9, 9)),
    "Atan2": ((-9, 9), (-9, 9)), "NextAfter": ((-9, 9), (-9, 9)), "Complex": ((-9, 9), (-9, 9)),
    "Igamma": ((0.1, 30), (0.01, 40)), "Igammac": ((0.1, 30), (0.01, 40)), "Zeta": ((1.1, 9), (0.1, 9)),
}
SPECIAL = {
    "MulNoNan": [NAN, INF, -INF, 0, -0.0, 1, -2], "TruncateDiv": [NAN, INF, -INF, 0, -0.0, 1, -2.5],
    "FloorDiv": [NAN, INF, -INF, 0, -0.0, 1, -2.5], "Mod": [NAN, INF, -INF, 0, -0.0, 1, -2.5],
    "FloorMod": [NAN, INF, -INF, 0, -0.0, 1, -2.5], "TruncateMod": [NAN, INF, -INF, 0, -0.0, 1, -2.5],
    "Xdivy": [NAN, INF, -INF, 0, -0.0, 1, -2], "Xlogy": [NAN, INF, 0, 1, 2], "Xlog1py": [NAN, INF, 0, 1, -0.5],
    "Atan2": [NAN, INF, -INF, 0, -0.0, 1, -2], "NextAfter": [NAN, INF, 1, -2, 1e30, 0.5],
}
UNARY = {
    "Erfinv": ((-0.99, 0.99), [0, 1, -1, NAN, 0.5, -0.999999]), "Ndtri": ((0.01, 0.99), [0, 1, 0.5, NAN, 1e-10, 0.999999]),
    "Lgamma": ((0.1, 40), [1, 2, 0, -1, -0.5, NAN, INF, 1e30]), "Digamma": ((0.1, 40), [0, -1, -0.5, -2.3, NAN, INF, 1e6]),
    "BesselI0": ((-20, 20), [0, 50]), "BesselI1": ((-20, 20), [0, 50]), "BesselI0e": ((-60, 60), [0, 1000]),
    "BesselI1e": ((-60, 60), [0, 1000]), "BesselJ0": ((-20, 20), [0, 1]), "BesselJ1": ((-20, 20), [0, 1]),
    "BesselK0": ((0.1, 9), [0, -1, 20]), "BesselK1": ((0.1, 9), [0, -1, 20]), "BesselK0e": ((0.1, 90), [0, 500]),
    "BesselK1e": ((0.1, 90), [0, 500]), "BesselY0": ((0.1, 20), [0, -1]), "BesselY1": ((0.1, 20), [1]),
    "Dawsn": ((-9, 9), [0, 0.1, 50, -50]), "Expint": ((0.1, 30), [0, 50, -1]), "FresnelSin": ((-5, 5), [0, 1, 20]),
    "FresnelCos": ((-5, 5), [0, 1, 20]), "Spence": ((0.01, 9), [0, 1, 2, -1]),
}


def close(op, dtype):
    """TensorFlow computes float32 in float32, by series that end early or subtract what is almost equal."""
    if op in ("NextAfter", "Complex"):
        return {}
    if dtype == np.float32:
        return {"rtol": 3e-4 if op.startswith(("Igamma", "Bessel", "Betainc", "Polygamma")) else 3e-5, "atol": 3e-6}
    if op == "Dawsn":
        return {"rtol": 1e-6}
    return {"rtol": 1e-8 if op.startswith(("Igamma", "Betainc", "Fresnel", "Polygamma")) else 1e-10, "atol": 1e-12}


def cases():
    for op, ((low, high), special) in UNARY.items():
        for dtype in supported(op, FLOATS):
            case(op, [numbers([3, 7], dtype, low, high)], label=name(dtype), **close(op, dtype))
            case(op, [np.array(special, dtype)], label=f"special {name(dtype)}", **close(op, dtype))
        case(op, [numbers([], np.float32, low, high)], label="scalar", **close(op, np.float32))
        case(op, [np.zeros([0], np.float32)], label="empty")
        case(op, [np.array([1], np.int32)], label="int32 refused")
    for op, (left, right) in BINARY.items():
        for dtype in FLOATS:
            more = {} if op in ("TruncateDiv", "FloorDiv", "MulNoNan", "Xdivy") else close(op, dtype)
            attrs = {}
            if op == "Complex":
                import tensorflow as tf
                attrs = {"Tout": tf.complex64 if dtype == np.float32 else tf.complex128}
            for a, b in SHAPES:
                case(op, [numbers(a, dtype, *left), numbers(b, dtype, *right)], attrs, label=f"{name(dtype)} {a} {b}", **more)
            if op in SPECIAL:
                special = np.array(SPECIAL[op], dtype)
                case(op, [special[:, None], special], attrs, label=f"special {name(dtype)}", **more)
        case(op, [np.ones([2], np.float32), np.ones([3], np.float32)], label="shapes refused")
        case(op, [np.ones([2], np.float32), np.ones([2], np.float64)], label="dtypes refused")
    for op in ("Igamma", "Igammac"):
        a = np.array([1, 1, 0, -1, 0.5, 100, 100, 1e4, 2, INF, 1], np.float64)
        x = np.array([0, INF, 1, 1, -1, 100, 50, 1e4, 1e-9, 1, 1], np.float64)
        case(op, [a, x], label="edges", rtol=1e-7, atol=1e-12)
    case("Zeta", [np.array([2.0, 1, 0.5, 3, 2, 3, 2.5, 4]), np.array([1.0, 1, 1, 0, -1, -0.5, -0.5, 100])], label="edges", rtol=1e-10)
    for dtype in FLOATS:
        case("Polygamma", [np.array([[0], [1], [2], [5]], dtype), numbers([6], dtype, 0.3, 9)], label=name(dtype), **close("Polygamma", dtype))
    case("Polygamma", [np.array([0.5, -1.0, 1]), np.array([1.0, 1, 2])], label="edges", rtol=1e-10)
    case("AccumulateNV2", [[numbers([2, 3], np.float32) for _ in range(3)]], {"shape": [2, 3]}, label="float32")
    betainc()
    clips()
    near()
    cross()


def betainc():
    for dtype in FLOATS:
        more = close("Betainc", dtype)
        case("Betainc", [numbers([9], dtype, 0.5, 9), numbers([9], dtype, 0.5, 9), numbers([9], dtype, 0, 1)], label=name(dtype), **more)
        case("Betainc", [dtype(2), numbers([2, 3], dtype, 0.5, 9), dtype(0.3)], label=f"scalars {name(dtype)}", **more)
        case("Betainc", [dtype(2), dtype(3), numbers([4], dtype, 0, 1)], label=f"two scalars {name(dtype)}", **more)
        case("Betainc", [dtype(2), dtype(3), dtype(0.25)], label=f"all scalars {name(dtype)}", **more)
        case("Betainc", [dtype([2, 2, 2, 0, -1]), dtype([3, 3, 3, 1, 1]), dtype([0, 1, 1.5, 0.5, 0.5])], label=f"edges {name(dtype)}", **more)
    case("Betainc", [np.ones([2], np.float32), np.ones([3], np.float32), np.float32(0.5)], label="shapes refused")


def clips():
    for dtype in supported("ClipByValue", FLOATS + INTEGERS + COMPLEXES):
        low, high = (np.array(v, dtype) for v in (3, 12))
        case("ClipByValue", [numbers([2, 9], dtype), low, high], label=name(dtype))
        case("ClipByValue", [numbers([9], dtype), numbers([9], dtype, 0, 5), numbers([9], dtype, 6, 12)], label=f"whole {name(dtype)}")
        case("ClipByValue", [numbers([9], dtype), low, numbers([9], dtype, 6, 12)], label=f"one scalar {name(dtype)}")
        case("ClipByValue", [numbers([9], dtype), numbers([9], dtype, 0, 5), high], label=f"other scalar {name(dtype)}")
    x = np.float32([1, NAN, INF, -INF, 4])
    case("ClipByValue", [x, np.float32(4), np.float32(3)], label="contradiction")
    case("ClipByValue", [x, np.float32(2), np.float32(3)], label="special")
    case("ClipByValue", [np.float32(5), np.float32(2), np.float32(3)], label="scalars")
    case("ClipByValue", [np.zeros([0], np.float32), np.float32(2), np.float32(3)], label="empty")
    case("ClipByValue", [x[None], np.ones(5, np.float32), np.float32(3)], label="shapes refused")
    case("ClipByValue", [np.float32(1), np.ones(5, np.float32), np.float32(3)], label="scalar by vector refused")


def near():
    for dtype in FLOATS:
        a = numbers([9], dtype)
        case("ApproximateEqual", [a, a + np.resize(dtype([0, 1e-6, 1e-4]), 9)], label=name(dtype))
        case("ApproximateEqual", [a, a + np.resize(dtype([0, 0.1, 1]), 9)], {"tolerance": 0.5}, label=f"tolerance {name(dtype)}")
        case("ApproximateEqual", [dtype([NAN, INF, INF, 1]), dtype([NAN, INF, 1, 1])], label=f"special {name(dtype)}")
    case("ApproximateEqual", [np.ones([2], np.float32), np.ones([1], np.float32)], label="shapes refused")


def cross():
    for dtype in supported("Cross", FLOATS + INTEGERS):
        case("Cross", [numbers([2, 4, 3], dtype, -9, 9), numbers([2, 4, 3], dtype, -9, 9)], label=name(dtype), rtol=1e-5, atol=1e-5)
    case("Cross", [np.float32([1, 2, 3]), np.float32([4, 5, 7])], label="vectors")
    case("Cross", [np.zeros([0, 3], np.float32), np.zeros([0, 3], np.float32)], label="empty")
    case("Cross", [np.ones([2, 2], np.float32), np.ones([2, 2], np.float32)], label="width refused")
    case("Cross", [np.ones([2, 3], np.float32), np.ones([3], np.float32)], label="shapes refused")
    case("Cross", [np.float32(1), np.float32(1)], label="scalars refused")
