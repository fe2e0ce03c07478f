"""Reductions and matrix products of half precision, bfloat16, complex numbers and small integers; data movement of all dtypes."""
import numpy as np
import tensorflow as tf

from .core import case
from .registry import BFLOAT16, COMPLEXES, FLOATS, HALVES, INTEGERS, QUANTIZED, name, numbers, supported

NAN, INF = np.nan, np.inf


def cases():
    reductions()
    args()
    norms()
    products()
    layers()
    movement()


def close(dtype):
    if dtype in HALVES:
        return {"rtol": 2.0 ** (-9 if dtype == np.float16 else -6), "atol": 2e-2 if dtype == np.float16 else 2e-1}
    return {"rtol": 1e-5, "atol": 1e-5} if dtype in (np.float32, np.complex64) else {"rtol": 1e-12, "atol": 1e-12}


def axes(*values):
    return np.array(values, np.int32)


def reductions():
    for op in ("Sum", "Mean", "Prod", "Max", "Min"):
        low, high = (0.5, 1.5) if op == "Prod" else (-5, 5)
        for dtype in supported(op, HALVES + COMPLEXES):
            for shape, which in (([3, 4], [1]), ([3, 4], [0]), ([2, 3, 4], [0, 2]), ([2, 3, 4], [0, 1, 2]), ([2, 3, 4], []), ([3, 70], [1]), ([70, 3], [0])):
                case(op, [numbers(shape, dtype, low, high), axes(*which)], label=f"{name(dtype)} {shape} {which}", **close(dtype))
            case(op, [numbers([2, 3], dtype, low, high), axes(-1)], {"keep_dims": True}, label=f"{name(dtype)} kept", **close(dtype))
            case(op, [np.zeros([0, 2], dtype), axes(0)], label=f"{name(dtype)} empty")
            case(op, [numbers([], dtype, low, high), axes()], label=f"{name(dtype)} scalar")
    for dtype in HALVES:
        x = np.array([[NAN, 1, 2], [INF, -INF, 1], [INF, 1, 2]], dtype)
        for op in ("Sum", "Max", "Min", "Mean"):
            case(op, [x, axes(1)], label=f"special {name(dtype)}")
    case("Max", [np.ones([2], np.complex64), axes(0)], label="complex64 refused")
    case("Sum", [np.full([4096], 1, np.float16), axes(0)], label="beyond what half precision counts")


def args():
    for op in ("ArgMax", "ArgMin"):
        for dtype in supported(op, HALVES):
            case(op, [numbers([3, 7], dtype), np.int32(1)], label=f"{name(dtype)} rows")
            case(op, [numbers([3, 7], dtype), np.int32(0)], label=f"{name(dtype)} columns")


def norms():
    for dtype in supported("EuclideanNorm", FLOATS + INTEGERS + HALVES + COMPLEXES):
        low, high = (0, 4) if dtype in INTEGERS else (-5, 5)
        for shape, which in (([3, 4], [1]), ([3, 4], [0]), ([2, 3, 2], [0, 2]), ([2, 3], [])):
            case("EuclideanNorm", [numbers(shape, dtype, low, high), axes(*which)], label=f"{name(dtype)} {shape} {which}", **close(dtype))
        case("EuclideanNorm", [np.zeros([0, 2], dtype), axes(0)], label=f"{name(dtype)} empty")
    case("EuclideanNorm", [numbers([2, 3], np.float32), axes(-1)], {"keep_dims": True}, label="kept")
    case("EuclideanNorm", [np.array([3, 4], np.int32), axes(0)], label="5")
    case("EuclideanNorm", [np.array([3, 3], np.int32), axes(0)], label="rest")
    case("EuclideanNorm", [numbers([2, 300], np.float32), axes(1)], label="long", rtol=1e-5)
    case("EuclideanNorm", [np.float32([[NAN, 1], [INF, 1]]), axes(1)], label="special")
    case("EuclideanNorm", [numbers([2, 3], np.float32), axes(2)], label="axis refused")


def products():
    for dtype in supported("MatMul", HALVES + COMPLEXES):
        for a in (False, True):
            for b in (False, True):
                shapes = [5, 3] if a else [3, 5], [4, 5] if b else [5, 4]
                case("MatMul", [numbers(s, dtype, -2, 2) for s in shapes], {"transpose_a": a, "transpose_b": b}, label=f"{name(dtype)} {a} {b}", **close(dtype))
        for m, k, n in ((1, 5, 3), (3, 5, 1), (1, 7, 1), (2, 0, 3), (0, 2, 3)):
            case("MatMul", [numbers([m, k], dtype, -2, 2), numbers([k, n], dtype, -2, 2)], label=f"{name(dtype)} {m} {k} {n}", **close(dtype))
    for op in ("BatchMatMul", "BatchMatMulV2"):
        for dtype in supported(op, HALVES + COMPLEXES + ([np.int16] if op == "BatchMatMulV2" else [])):
            for x in (False, True):
                for y in (False, True):
                    shapes = [2, 5, 3] if x else [2, 3, 5], [2, 4, 5] if y else [2, 5, 4]
                    case(op, [numbers(s, dtype, -2, 2) for s in shapes], {"adj_x": x, "adj_y": y}, label=f"{name(dtype)} {x} {y}", **close(dtype))


def layers():
    """Half precision and bfloat16 go through float32 in whatever op computes."""
    for dtype in HALVES:
        x = numbers([2, 5], dtype, -3, 3)
        case("Softmax", [x], label=name(dtype), **close(dtype))
        case("LogSoftmax", [x], label=name(dtype), **close(dtype))
        image, filters = numbers([1, 5, 5, 2], dtype, -1, 1), numbers([3, 3, 2, 3], dtype, -1, 1)
        strides = {"strides": [1, 1, 1, 1], "padding": "SAME"}
        case("Conv2D", [image, filters], strides, label=name(dtype), **close(dtype))
        case("Conv2D", [image, filters], {"strides": [1, 2, 2, 1], "padding": "VALID"}, label=f"strides {name(dtype)}", **close(dtype))
        for op in ("MaxPool", "AvgPool"):
            case(op, [image], {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}, label=name(dtype), **close(dtype))


def movement():
    """Ops that only move elements take every dtype, in TensorFlow all but a few that it has not registered."""
    for dtype in HALVES + COMPLEXES + QUANTIZED + [np.uint16, np.uint32, np.uint64, np.int8]:
        if isinstance(dtype, tf.DType):
            plain = np.random.randint(0, 100, 12)
            x = np.array([(v,) for v in plain], dtype.as_numpy_dtype).reshape(3, 4)
        else:
            x = numbers([3, 4], dtype, 0, 100)
        label = name(dtype)
        case("Reshape", [x, np.array([4, 3], np.int32)], label=label)
        if dtype not in QUANTIZED:
            case("Transpose", [x, np.array([1, 0], np.int32)], label=label)
        if dtype not in (tf.qint16, tf.quint16):
            case("Slice", [x, np.array([1, 1], np.int32), np.array([2, -1], np.int32)], label=label)
        case("ConcatV2", [[x, x], np.int32(1)], label=label)
        case("Pack", [[x, x]], label=label)
        case("GatherV2", [x, np.array([2, 0], np.int32), np.int32(0)], label=label)
        case("ExpandDims", [x, np.int32(1)], label=label)
        if dtype not in QUANTIZED + [np.uint16, np.uint32, np.uint64]:
            case("Tile", [x, np.array([2, 1], np.int32)], label=label)
        if dtype not in QUANTIZED:
            case("Split", [np.int32(1), x], {"num_split": 2}, label=label)
        case("Fill", [np.array([2, 2], np.int32), x[0, 0]], label=label)
