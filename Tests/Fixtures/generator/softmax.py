"""Softmax and its relatives."""
import numpy as np

from .core import case
from .elementwise import FLOATS, INF, NAN, name, numbers


def cases():
    for op in ("Softmax", "LogSoftmax"):
        for dtype in FLOATS:
            # A small logarithm is the difference of large numbers.
            tolerances = dict(rtol=4e-6, atol=3e-7 if op == "LogSoftmax" else None) if dtype == np.float32 else {}
            for shape in ([3], [2, 10], [2, 1], [1, 33], [2, 70], [2, 3, 4], [1, 2, 1, 2, 3], [0, 3], [2, 0], [0]):
                case(op, [numbers(shape, dtype, -9, 9)], label=f"{name(dtype)} {shape}", **tolerances)
            large = np.array([[1e30, -1e30], [1000, 1001], [-1000, -1001], [88, -88], [0, 0]], dtype)
            case(op, [large], label=f"large {name(dtype)}", **tolerances)
            case(op, [np.array([[-INF, 1], [-INF, -INF], [NAN, NAN], [INF, INF]], dtype)], label=f"special {name(dtype)}")
        case(op, [np.float32(3)], label="scalar refused")
        case(op, [np.array([1], np.int32)], label="int32 refused")
    cross_entropies()


def cross_entropies():
    op = "SoftmaxCrossEntropyWithLogits"
    for dtype in FLOATS:
        tolerances = dict(rtol=5e-6, atol=2e-7) if dtype == np.float32 else dict(atol=1e-14)
        for left, right in [
            ([2, 3], [2, 3]), ([1, 3], [2, 3]), ([2, 3], [1, 3]), ([2, 1], [2, 3]), ([2, 1], [1, 3]), ([2, 3], [2, 1]),
            ([3], [2, 3]), ([2, 3], [3]), ([2, 3], []), ([1, 1], [1, 1]), ([0, 3], [0, 3]), ([2, 0], [2, 0]), ([2, 40], [2, 40]),
        ]:
            labels = numbers(right, dtype, 0, 1)
            case(op, [numbers(left, dtype, -9, 9), labels], label=f"{name(dtype)} {left} {right}", **tolerances)
        onehot = np.eye(3, dtype=dtype)
        case(op, [numbers([3, 3], dtype, -99, 99), onehot], label=f"one hot {name(dtype)}", **tolerances)
        case(op, [np.array([[1, -INF], [NAN, 1], [1000, -1000]], dtype), np.array([[1, 0], [1, 0], [1, 0]], dtype)],
             label=f"special {name(dtype)}")
    x = np.zeros([2, 2], np.float32)
    case(op, [x, np.zeros([3, 2], np.float32)], label="shapes refused")
    case(op, [x[0], x[0]], label="rank 1 refused")
    case(op, [x[None], x[None]], label="rank 3 refused")
    case(op, [x, np.zeros([2, 2])], label="dtypes refused")
    case(op, [np.zeros([2, 2], np.int32), np.zeros([2, 2], np.int32)], label="int32 refused")
