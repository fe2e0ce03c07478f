"""Ops that fold axes."""
import numpy as np
import tensorflow as tf

from .core import Const, case
from .elementwise import FLOATS, INF, INTEGERS, NAN, name, numbers

FOLDS = ["Sum", "Mean", "Prod", "Max", "Min"]


def cases():
    folds()
    special()
    truths()
    args()


def axes(*values, dtype=np.int32):
    return np.array(values, dtype)


def folds():
    for op in FOLDS:
        low, high = (1, 3) if op == "Prod" else (-50, 50)
        for dtype in FLOATS + INTEGERS:
            case(op, [numbers([3, 4], dtype, low, high), axes(1)], label=f"{name(dtype)} rows")
            case(op, [numbers([3, 4], dtype, low, high), axes(0)], label=f"{name(dtype)} columns")
            case(op, [numbers([2, 3, 4], dtype, low, high), axes(0, 2)], label=f"{name(dtype)} outer and inner")
        shape = [2, 3, 1, 4, 2]
        for which in ([], [0], [4], [2], [0, 1], [3, 4], [1, 3], [0, 2, 4], [0, 1, 2, 3, 4], [-1], [-5, 3], [2, 0], [-2, 0, 1]):
            x = numbers(shape, np.float32, low, high)
            # Numbers of both signs add up to less than their rounding errors allow.
            atol = 1e-5 if op in ("Sum", "Mean") else None
            case(op, [x, axes(*which)], {"keep_dims": False}, label=f"rank 5 {which}", atol=atol)
            case(op, [x, axes(*which)], {"keep_dims": True}, label=f"rank 5 {which} kept", atol=atol)
        x = numbers([2, 3], np.float32, low, high)
        case(op, [x, Const(axes(1))], label="constant axes")
        case(op, [x, axes(1, dtype=np.int64)], label="int64 axes")
        case(op, [x, Const(np.int32(-1))], label="scalar axis")
        case(op, [x, axes()], {"keep_dims": True}, label="no axes")
        case(op, [np.float32(3), axes()], label="scalar")
        case(op, [np.float32([[3]]), axes(0, 1)], label="one element")
        for shape, which in [([0, 2], [0]), ([0, 2], [1]), ([2, 0], [1]), ([0], [0]), ([0, 0], [0]), ([2, 0, 3], [0, 2]), ([0, 3, 4], [0, 2])]:
            for dtype in (np.float32, np.int32, np.uint8):
                case(op, [np.zeros(shape, dtype), axes(*which)], label=f"empty {name(dtype)} {shape} {which}")
        # Long enough for lanes, and blocks of columns.
        low, high = (0.9, 1.1) if op == "Prod" else (-1, 1)
        case(op, [numbers([2, 300], np.float32, low, high), axes(1)], label="long rows", rtol=5e-6, atol=2e-6)
        case(op, [numbers([300, 2], np.float32, low, high), axes(0)], label="long columns", rtol=5e-6, atol=2e-6)
        case(op, [numbers([3, 140], np.float32, low, high), axes(0)], label="many columns", rtol=5e-6, atol=2e-6)
        case(op, [numbers([2, 150], np.int32, -9, 9), axes(1)], label="long int32")
        case(op, [x, axes(2)], label="axis refused")
        case(op, [x, axes(-3)], label="negative axis refused")
        case(op, [x, axes(0, 0)], label="axis twice refused")
        case(op, [x, axes(0, -2)], label="axis twice, once negative, refused")
        case(op, [x, np.array([1.0], np.float32)], label="float axes refused")
        case(op, [np.array(["a"]), axes(0)], label="string refused")
        case(op, [np.array([True]), axes(0)], label="bool refused")
    case("Sum", [np.array([200, 100], np.uint8), axes(0)], label="wraps around")
    case("Prod", [np.array([2**20, 2**20], np.int32), axes(0)], label="wraps around")
    case("Mean", [np.array([200, 201, 203], np.uint8), axes(0)], label="wider than uint8")
    case("Mean", [np.array([2**31 - 1] * 3, np.int32), axes(0)], label="wider than int32")
    case("Mean", [np.array([-7, 2, 1], np.int32), axes(0)], label="towards zero")
    case("Mean", [np.array([[-7, 2, 0], [9, -2, 2]], np.int64), axes(0, 1)], label="towards zero int64")


def special():
    for dtype in FLOATS:
        x = np.array([[NAN, 1, 2], [INF, -INF, 1], [-INF, -INF, -INF], [INF, 1, 2], [1, 2, NAN]], dtype)
        for op in FOLDS:
            case(op, [x, axes(1)], label=f"special rows {name(dtype)}")
            case(op, [x, axes(0)], label=f"special columns {name(dtype)}")
        long = np.zeros(200, dtype)
        for place in (0, 70, 130, 199):
            long[:] = 1
            long[place] = NAN
            for op in ("Max", "Min"):
                case(op, [long.copy(), axes(0)], label=f"NaN at {place} {name(dtype)}")


def truths():
    for op in ("All", "Any"):
        x = np.array([[True, False, True], [True, True, True], [False, False, False]])
        for which in ([], [0], [1], [0, 1], [-1]):
            case(op, [x, axes(*which)], label=f"{which}")
            case(op, [x, axes(*which)], {"keep_dims": True}, label=f"{which} kept")
        case(op, [np.zeros([0, 2], bool), axes(0)], label="empty")
        case(op, [np.arange(300) < 300, axes(0)], label="long")
        case(op, [np.arange(300) > 300, axes(0)], label="long")
        case(op, [x, axes(2)], label="axis refused")


def args():
    for op in ("ArgMax", "ArgMin"):
        for dtype in FLOATS + INTEGERS:
            case(op, [numbers([3, 7], dtype), np.int32(1)], label=f"{name(dtype)} rows")
            case(op, [numbers([3, 7], dtype), np.int32(0)], label=f"{name(dtype)} columns")
        case(op, [np.array([False, True, True, False]), np.int32(0)], label="bool")
        for axis in range(-4, 4):
            case(op, [numbers([2, 3, 1, 4], np.float32), Const(np.int32(axis))], label=f"axis {axis}")
        for output in (tf.int32, tf.int64):
            case(op, [numbers([2, 3], np.float32), np.int64(1)], {"output_type": output}, label=output.name)
        ties = np.array([[1, 3, 3, 0, 0], [2, 2, 2, 2, 2]], np.float32)
        case(op, [ties, np.int32(1)], label="ties")
        case(op, [ties.T, np.int32(0)], label="ties in columns")
        long = np.resize(np.float32([1, 5, 2, 0, 5, 0]), 200)
        case(op, [long, np.int32(0)], label="long")
        case(op, [np.stack([long, np.roll(long, 3)] * 40, 1)[:20], np.int32(0)], label="many columns")
        for special_values in ([NAN, 1, 2], [NAN, NAN], [-INF, -INF], [INF, INF], [NAN, -INF, -INF], [1, NAN, 2], [INF, NAN, -INF]):
            case(op, [np.float32(special_values), np.int32(0)], label=f"special {special_values}")
        case(op, [np.zeros([2, 0], np.float32), np.int32(0)], label="empty")
        case(op, [np.zeros([0, 2], np.float32), np.int32(0)], label="empty axis refused")
        case(op, [np.zeros([2, 2], np.float32), np.int32(2)], label="axis refused")
        case(op, [np.zeros([2, 2], np.float32), np.int32(-3)], label="negative axis refused")
        case(op, [np.zeros([2, 2], np.float32), np.array([0], np.int32)], label="axis vector refused")
        case(op, [np.float32(1), np.int32(0)], label="scalar refused")
        case(op, [np.array(["a"]), np.int32(0)], label="string refused")
