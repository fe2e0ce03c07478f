"""Space that becomes batch, depth or patches, and back."""
import itertools

import numpy as np

from .core import Const, case, tf

NUMBERS = [np.float32, np.float64, np.float16, tf.bfloat16.as_numpy_dtype, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16]


def cases():
    batches()
    batches_refused()
    depths()
    patches()
    volumes()


def name(dtype):
    return np.dtype(dtype).name


def values(shape, dtype=np.float32):
    return (np.arange(int(np.prod(shape))) % 120).reshape(shape).astype(dtype)


def ints(value, dtype=np.int32):
    return Const(np.array(value, dtype))


def batches():
    for dtype in NUMBERS:
        case("SpaceToBatch", [values([1, 4, 2, 2], dtype), ints([[0, 0], [1, 1]])], {"block_size": 2}, label=name(dtype))
        case("SpaceToBatchND", [values([1, 4, 2, 2], dtype), ints([2, 2]), ints([[0, 0], [1, 1]])], label=name(dtype))
        case("BatchToSpace", [values([4, 2, 2, 2], dtype), ints([[0, 0], [1, 0]])], {"block_size": 2}, label=name(dtype))
        case("BatchToSpaceND", [values([4, 2, 2, 2], dtype), ints([2, 2]), ints([[0, 0], [1, 0]])], label=name(dtype))
    for shape, block, pads in (
        ([2, 6, 4, 3], [3, 2], [[0, 0], [0, 0]]), ([2, 5, 3, 1], [3, 2], [[1, 0], [0, 1]]), ([2, 6], [3], [[2, 1]]), ([1, 4, 2, 3, 2], [2, 1, 3], [[0, 0], [2, 0], [1, 2]]),
        ([3, 4, 2], [1, 1], [[0, 0], [0, 0]]), ([3, 4, 2], [1, 2], [[1, 2], [0, 2]]), ([2, 1, 2], [4], [[5, 2]]), ([0, 4, 2, 1], [2, 2], [[0, 0], [0, 0]]), ([1, 4, 2, 0], [2, 2], [[0, 0], [0, 0]]),
        ([2, 3], [], np.zeros([0, 2])),
    ):
        case("SpaceToBatchND", [values(shape), ints(block), ints(pads, np.int64)], label=f"{shape} {block}")
    for shape, block, crops in (
        ([12, 2, 2, 3], [3, 2], [[0, 0], [0, 0]]), ([12, 2, 2, 1], [3, 2], [[1, 0], [0, 1]]), ([6, 3], [3], [[2, 1]]), ([12, 2, 1, 2, 2], [2, 1, 3], [[0, 0], [1, 0], [1, 2]]),
        ([3, 4, 2], [1, 1], [[0, 0], [0, 0]]), ([4, 4, 2], [1, 2], [[1, 2], [0, 2]]), ([4, 2, 2], [4], [[5, 3]]), ([0, 4, 2, 1], [2, 2], [[0, 0], [0, 0]]), ([2, 3], [], np.zeros([0, 2])),
    ):
        case("BatchToSpaceND", [values(shape), ints(block), ints(crops, np.int64)], label=f"{shape} {block}")
    for block, pads in ((2, [[0, 0], [0, 0]]), (3, [[1, 1], [0, 2]]), (4, [[2, 2], [3, 1]])):
        case("SpaceToBatch", [values([2, 4, 4, 3]), ints(pads)], {"block_size": block}, label=f"block {block}")
        case("BatchToSpace", [values([2 * block * block, 2, 3, 3]), ints(pads)], {"block_size": block}, label=f"block {block}")


def batches_refused():
    for label, shape, block, pads in (
        ("not divisible", [1, 5, 4, 1], [2, 2], [[0, 0], [0, 0]]), ("negative", [1, 4, 4, 1], [2, 2], [[-1, 1], [0, 0]]), ("block 0", [1, 4, 4, 1], [0, 2], [[0, 0], [0, 0]]),
        ("three pairs", [1, 4, 4, 1], [2, 2], [[0, 0]] * 3), ("rank", [4, 4], [2, 2], [[0, 0], [0, 0]]), ("block of rank 0", [4, 4], 2, [[0, 0]]), ("block of rank 2", [4, 4], [[2]], [[0, 0]]),
        ("huge", [1, 4, 4, 1], [2, 2], [[2**40, 2**62], [0, 2**62]]), ("huge blocks", [1, 4, 4, 1], [2**62, 2**62], [[0, 2**62 - 4], [0, 2**62 - 4]]),
    ):
        case("SpaceToBatchND", [values(shape), ints(block, np.int64), ints(pads, np.int64)], label=label)
    for label, shape, block, crops in (
        ("not divisible", [5, 4, 4, 1], [2, 2], [[0, 0], [0, 0]]), ("negative", [4, 4, 4, 1], [2, 2], [[-1, 1], [0, 0]]), ("block 0", [4, 4, 4, 1], [0, 2], [[0, 0], [0, 0]]),
        ("all cropped and more", [4, 2, 2, 1], [2, 2], [[3, 2], [0, 0]]), ("three pairs", [4, 4, 4, 1], [2, 2], [[0, 0]] * 3), ("rank", [4, 4], [2, 2], [[0, 0], [0, 0]]),
    ):
        case("BatchToSpaceND", [values(shape), ints(block, np.int64), ints(crops, np.int64)], label=label)
    case("SpaceToBatch", [values([1, 4, 4, 1]), ints([[0, 0], [0, 0]])], {"block_size": 1}, label="block 1")
    case("SpaceToBatch", [values([4, 4, 1]), np.array([[0, 0], [0, 0]], np.int32)], {"block_size": 2}, label="rank 3")
    case("BatchToSpace", [values([3, 4, 4, 1]), np.array([[0, 0], [0, 0]], np.int32)], {"block_size": 2}, label="not divisible")


def depths():
    for dtype in NUMBERS + [np.bool_, np.complex64, np.uint32, np.uint64]:
        case("SpaceToDepth", [values([1, 4, 2, 3], dtype)], {"block_size": 2}, label=name(dtype))
        case("DepthToSpace", [values([1, 2, 1, 12], dtype)], {"block_size": 2}, label=name(dtype))
    case("SpaceToDepth", [values([1, 2, 2, 1]).astype(str).astype(object)], {"block_size": 2}, label="strings")
    case("DepthToSpace", [values([1, 2, 2, 4]).astype(str).astype(object)], {"block_size": 2}, label="strings")
    for block in (2, 3, 6):
        case("SpaceToDepth", [values([2, 6, 12, 3])], {"block_size": block}, label=f"block {block}")
        case("DepthToSpace", [values([2, 3, 2, 2 * block * block])], {"block_size": block}, label=f"block {block}")
    case("SpaceToDepth", [values([0, 4, 2, 3])], {"block_size": 2}, label="empty")
    case("DepthToSpace", [values([2, 4, 0, 4])], {"block_size": 2}, label="empty")
    for label, shape, block in (("not divisible", [1, 5, 4, 1], 2), ("block 1", [1, 4, 4, 1], 1), ("rank 3", [4, 4, 1], 2)):
        case("SpaceToDepth", [values(shape)], {"block_size": block}, label=label)
        case("DepthToSpace", [values(shape)], {"block_size": block}, label=label)


def patches():
    for dtype in NUMBERS + [np.complex64, np.uint32]:
        case("ExtractImagePatches", [values([1, 4, 5, 2], dtype)], window([2, 3], [1, 2], [1, 1], "SAME"), label=name(dtype))
    for sizes, strides, rates, padding in itertools.product(([1, 1], [2, 2], [3, 1], [4, 5]), ([1, 1], [2, 3]), ([1, 1], [2, 1]), ("SAME", "VALID")):
        case("ExtractImagePatches", [values([2, 7, 6, 3])], window(sizes, strides, rates, padding), label=f"{sizes} {strides} {rates} {padding}")
    case("ExtractImagePatches", [values([0, 4, 4, 1])], window([2, 2], [1, 1], [1, 1], "SAME"), label="empty")
    case("ExtractImagePatches", [values([1, 4, 4])], window([2, 2], [1, 1], [1, 1], "SAME"), label="rank 3")
    case("ExtractImagePatches", [values([1, 4, 4, 1])], {**window([2, 2], [1, 1], [1, 1], "SAME"), "ksizes": [1, 2, 2, 2]}, label="across channels")
    case("ExtractImagePatches", [values([1, 4, 4, 1])], {**window([2, 2], [1, 1], [1, 1], "SAME"), "strides": [1, 0, 2, 1]}, label="no stride")
    case("ExtractImagePatches", [values([1, 4, 4, 1])], {**window([2, 2], [1, 1], [1, 1], "SAME"), "rates": [1, 2]}, label="two rates")
    case("ExtractImagePatches", [values([1, 2, 2, 1])], window([5, 5], [1, 1], [1, 1], "VALID"), label="too large")


def window(sizes, strides, rates, padding):
    return {"ksizes": [1, *sizes, 1], "strides": [1, *strides, 1], "rates": [1, *rates, 1], "padding": padding}


def volumes():
    for dtype in NUMBERS + [np.uint32]:
        case("ExtractVolumePatches", [values([1, 3, 3, 4, 2], dtype)], {"ksizes": [1, 2, 1, 2, 1], "strides": [1, 1, 2, 1, 1], "padding": "SAME"}, label=name(dtype))
    for sizes, strides, padding in itertools.product(([1, 1, 1], [2, 2, 2], [3, 1, 2]), ([1, 1, 1], [2, 1, 3]), ("SAME", "VALID")):
        case("ExtractVolumePatches", [values([2, 4, 3, 3, 2])], {"ksizes": [1, *sizes, 1], "strides": [1, *strides, 1], "padding": padding}, label=f"{sizes} {strides} {padding}")
    case("ExtractVolumePatches", [values([1, 3, 3, 4])], {"ksizes": [1, 2, 1, 2, 1], "strides": [1, 1, 2, 1, 1], "padding": "SAME"}, label="rank 4")
    case("ExtractVolumePatches", [values([1, 3, 3, 4, 1])], {"ksizes": [1, 2, 2, 1], "strides": [1, 1, 2, 1, 1], "padding": "SAME"}, label="four sizes")
