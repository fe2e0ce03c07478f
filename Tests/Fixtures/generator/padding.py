"""Tensors with something around them."""
import numpy as np

from .core import Const, case, tf

NUMBERS = [np.float32, np.float64, np.float16, tf.bfloat16.as_numpy_dtype, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
MOVED = NUMBERS + [np.bool_, np.complex64]


def cases():
    pads()
    mirrors()
    gradients()


def name(dtype):
    return np.dtype(dtype).name


def values(shape, dtype=np.float32):
    count = int(np.prod(shape))
    return (np.arange(count) % 100 + 1).reshape(shape).astype(dtype)


def pairs(*numbers, dtype=np.int32):
    return Const(np.array(numbers, dtype).reshape(-1, 2))


def pads():
    for dtype in MOVED:
        case("Pad", [values([2, 3], dtype), pairs([1, 0], [2, 1])], label=name(dtype))
        case("PadV2", [values([2, 3], dtype), pairs([1, 0], [2, 1]), np.array(1, dtype)], label=name(dtype))
    strings = np.array([["a", "bc"], ["", "def"]], object)
    case("Pad", [strings, pairs([0, 1], [1, 0])], label="strings")
    case("PadV2", [strings, pairs([0, 1], [1, 0]), np.array("long enough to be elsewhere", object)], label="strings")
    for shape, amounts in {
        "vector": ([4], [[2, 3]]), "images": ([2, 3, 4, 2], [[0, 0], [1, 2], [2, 1], [0, 0]]), "nothing": ([2, 3], [[0, 0], [0, 0]]),
        "inner axis": ([2, 3, 4], [[0, 0], [0, 0], [1, 1]]), "outer axis": ([2, 3, 4], [[1, 1], [0, 0], [0, 0]]),
        "rank 6": ([2, 1, 2, 1, 2, 2], [[1, 0], [0, 1], [0, 0], [1, 1], [0, 0], [0, 1]]), "an empty tensor": ([0, 3], [[1, 1], [0, 1]]),
        "empty stays empty": ([0, 3], [[0, 0], [1, 1]]),
    }.items():
        (dims, padding) = amounts
        case("Pad", [values(dims), pairs(*padding)], label=shape)
        case("PadV2", [values(dims), pairs(*padding, dtype=np.int64), np.float32(-7.5)], label=shape)
    case("Pad", [np.float32(3), Const(np.zeros([0, 2], np.int32))], label="scalar")
    case("Pad", [values([2, 3]), np.array([[1, 0], [2, 1]], np.int32)], label="paddings fed")
    for label, padding in {"negative": [[-1, 0], [0, 0]], "too few": [[1, 1]], "too many": [[1, 1]] * 3, "three columns": [[1, 1, 1], [1, 1, 1]]}.items():
        case("Pad", [values([2, 3]), np.array(padding, np.int32)], label=label)
        case("PadV2", [values([2, 3]), np.array(padding, np.int32), np.float32(1)], label=label)
    case("Pad", [values([2, 3]), np.array([1, 1], np.int32)], label="a vector")
    case("PadV2", [values([2, 3]), np.array([[1, 1], [1, 1]], np.int32), values([1])], label="value of rank 1")
    case("Pad", [values([2, 3]), np.array([[2**62, 2**62], [2**62, 0]], np.int64)], label="huge")


def mirrors():
    for mode in ("REFLECT", "SYMMETRIC"):
        for dtype in MOVED:
            case("MirrorPad", [values([2, 3], dtype), pairs([1, 0], [2, 1])], {"mode": mode}, label=f"{mode} {name(dtype)}")
        case("MirrorPad", [np.array(["a", "b", "c"], object), pairs([2, 1])], {"mode": mode}, label=f"{mode} strings")
        for dims, padding in (
            ([4], [[3, 3]]), ([5, 4], [[0, 0], [0, 0]]), ([2, 3, 4, 2], [[0, 0], [1, 2], [2, 1], [0, 0]]), ([3, 2, 4], [[2, 2], [0, 0], [0, 3]]),
            ([2, 2, 2, 2, 2], [[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]]), ([0, 3], [[0, 0], [1, 1]]), ([1, 3], [[0, 0], [1, 1]]), ([1], [[1, 1]]), ([3], [[3, 0]]), ([3], [[0, 4]]),
            ([3], [[-1, 0]]), ([2, 3], [[1, 1]]),
        ):
            case("MirrorPad", [values(dims), np.array(padding, np.int32)], {"mode": mode}, label=f"{mode} {dims} {padding}")
        case("MirrorPad", [np.float32(3), Const(np.zeros([0, 2], np.int32))], {"mode": mode}, label=f"{mode} scalar")
        case("MirrorPad", [values([4]), pairs([1, 2], dtype=np.int64)], {"mode": mode}, label=f"{mode} int64 paddings")


def gradients():
    for mode in ("REFLECT", "SYMMETRIC"):
        for dtype in NUMBERS:
            case("MirrorPadGrad", [values([4, 6], dtype), pairs([1, 0], [2, 1])], {"mode": mode}, label=f"{mode} {name(dtype)}")
        for dims, padding in (
            ([9], [[3, 2]]), ([5, 4], [[0, 0], [0, 0]]), ([2, 6, 7, 2], [[0, 0], [1, 2], [2, 1], [0, 0]]), ([6, 2, 7], [[2, 1], [0, 0], [0, 3]]),
            ([4, 4, 5, 3, 4], [[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]]), ([3], [[1, 1]]), ([5], [[3, 0]]), ([3], [[2, 2]]), ([3], [[-1, 0]]), ([2, 3], [[1, 1]]),
        ):
            case("MirrorPadGrad", [values(dims), np.array(padding, np.int32)], {"mode": mode}, label=f"{mode} {dims} {padding}")
