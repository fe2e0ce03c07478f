"""Order: largest elements, searches, counts by value, what occurs once."""
from .movement import *

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, 1e-30, -1e-30, 3, 3, -3, 0.0], np.float32)


def shuffled(shape, dtype, top=7):
    """Few different elements in no order."""
    return numbers(shape, dtype) if dtype in (np.bool_, np.object_) else (np.arange(int(np.prod(shape))) * 37 % 101 % top).reshape(shape).astype(dtype)


HALVES = [np.float16, tf.bfloat16.as_numpy_dtype]


def cases():
    top_k()
    nth_element()
    searches()
    counts()
    unique()
    list_diff()
    where()


def top_k():
    each_dtype("TopKV2", lambda d: [shuffled([3, 8], d), ints(3)])
    for shape, k in (([5], 0), ([5], 1), ([5], 5), ([5], 6), ([5], -1), ([], 1), ([2, 0], 0), ([2, 0], 1), ([0, 3], 2), ([2, 3, 4], 2), ([2, 2, 1, 3], 3), ([1, 40], 7)):
        case("TopKV2", [shuffled(shape, np.float32), ints(k)], label=f"{k} of {shape}")
        older("TopK", "TopKV2", [shuffled(shape, np.float32)], label=f"{k} of {shape}", attr=("k", k))
    case("TopKV2", [shuffled([2, 6], np.float32), Const(2, np.int32)], label="constant")
    case("TopKV2", [shuffled([2, 6], np.float32), ints([2])], label="k is a vector")
    case("TopKV2", [np.zeros([2, 9], np.float32), ints(4)], label="all alike")
    case("TopKV2", [SPECIAL, ints(6)], label="specials")
    case("TopKV2", [SPECIAL, ints(10)], label="all specials")
    case("TopKV2", [shuffled([2, 9], np.float32), ints(1)], {"sorted": False}, label="one, not sorted")
    case("TopKV2", [shuffled([2, 9], np.float32), ints(9)], {"sorted": False}, label="all, not sorted")
    for k in (np.int16, np.int32, np.int64):
        for out in (np.int16, np.int32, np.int64):
            case("TopKV2", [shuffled([2, 5], np.float32), ints(2, k)], {"index_type": tf.as_dtype(out)}, label=f"{name(k)} {name(out)}")


def nth_element():
    each_dtype("NthElement", lambda d: [shuffled([3, 8], d), ints(3)])
    for n in (-1, 0, 4, 5):
        for reverse in (False, True):
            case("NthElement", [shuffled([2, 2, 5], np.float32), ints(n)], {"reverse": reverse}, label=f"{n} {reverse}")
    case("NthElement", [shuffled([], np.float32), ints(0)], label="a scalar")
    case("NthElement", [shuffled([0, 5], np.float32), ints(0)], label="no rows")
    case("NthElement", [shuffled([5], np.float32), ints([0])], label="n is a vector")


def searches():
    for op in ("LowerBound", "UpperBound"):
        each_dtype(op, lambda d: [np.sort(numbers([2, 5], d) // 2 if d != np.bool_ else numbers([2, 5], d), axis=-1), numbers([2, 6], d)],
                   dtypes=REAL + HALVES)
        each_dtype(op, lambda d: [np.array([[b"a", b"b", b"b", b"ba"]], object), np.array([[b"", b"b", b"c", b"ab"]], object)], dtypes=[np.object_])
        for out in INDEX:
            case(op, [np.array([[0, 3, 3, 9, 9, 10]], np.float32), np.array([[0, 4, 9, 3, -1, 11]], np.float32)], {"out_type": tf.as_dtype(out)}, label=name(out))
        for one, two in (([2, 0], [2, 3]), ([2, 3], [2, 0]), ([0, 3], [0, 3]), ([2, 3], [3, 3]), ([3], [3]), ([2, 3], [3]), ([1, 1], [1, 2]), ([1, 2, 3], [1, 2, 3])):
            case(op, [numbers(one), numbers(two)], label=f"{one} {two}")
    boundaries = {"boundaries": [0.0, 2.0, 2.5, 10.0]}
    each_dtype("Bucketize", lambda d: [numbers([2, 6], d)], boundaries, dtypes=[np.int32, np.int64, np.float32, np.float64])
    case("Bucketize", [np.array([-1, 0, 1.9, 2, 2.5, 10, 11, np.inf, -np.inf], np.float32)], boundaries, label="edges")
    case("Bucketize", [numbers([3])], {"boundaries": []}, label="no boundaries")
    case("Bucketize", [numbers([0])], boundaries, label="nothing")
    case("Bucketize", [numbers([3])], {"boundaries": [3.0, 1.0]}, label="not sorted")


def counts():
    for weights in (np.int32, np.int64, np.float32, np.float64):
        case("Bincount", [ints([1, 3, 1, 0, 7]), ints(5), np.zeros([0], weights)], label=f"{name(weights)}")
        case("Bincount", [ints([1, 3, 1, 0, 7]), ints(5), np.arange(5).astype(weights)], label=f"{name(weights)} weights")
        for index in INDEX:
            for binary in (False, True):
                label = f"{name(weights)} {name(index)} {binary}"
                case("DenseBincount", [ints([1, 3, 1, 0, 7], index), ints(5, index), np.zeros([0], weights)], {"binary_output": binary}, label=label)
                case("DenseBincount", [ints([[1, 3], [1, 1], [9, 0]], index), ints(5, index), np.zeros([0], weights)], {"binary_output": binary}, label=f"rows {label}")
                case("DenseBincount", [ints([[1, 3], [1, 1], [9, 0]], index), ints(5, index), np.arange(6).reshape(3, 2).astype(weights)], {"binary_output": binary}, label=f"weighted rows {label}")
                case("DenseBincount", [ints([1, 3, 1, 0, 7], index), ints(5, index), np.arange(5).astype(weights)], {"binary_output": binary}, label=f"weighted {label}")
    for arr, size, weights in (([], 3, []), ([1], 0, []), ([-1], 3, []), ([1], -1, []), ([1, 2], 3, [1]), ([[1, 2], [1, 0]], 3, []), (2, 3, []), ([1], [3], []), ([[[1]]], 3, [])):
        for op in ("Bincount", "DenseBincount"):
            case(op, [ints(arr), ints(size), np.array(weights, np.float32)], label=f"{arr} {size} {weights}")
    case("Bincount", [ints([1, 3]), Const(5, np.int32), np.zeros([0], np.float32)], label="constant size")
    for dtype in (np.int32, np.int64, np.float32, np.float64):
        for out in INDEX:
            case("HistogramFixedWidth", [np.array([-1, 0, 1, 2, 3, 4, 5, 12, 2], dtype), np.array([0, 5], dtype), ints(5)], {"dtype": tf.as_dtype(out)}, label=f"{name(dtype)} {name(out)}")
    for values, bounds, bins in (([[0.1, 0.5], [0.9, 7]], [0, 1], 3), ([], [0, 1], 2), ([1], [1, 1], 2), ([1], [2, 1], 2), ([1], [0, 1], 0), ([1], [0, 1, 2], 2), ([1], [0, 1], [2]), ([1], [0, 1], -1)):
        case("HistogramFixedWidth", [np.array(values, np.float32), np.array(bounds, np.float32), ints(bins)], label=f"{values} {bounds} {bins}")


def unique():
    for op in ("Unique", "UniqueWithCounts"):
        each_dtype(op, lambda d: [shuffled([12], d, 5)])
        for out in INDEX:
            case(op, [shuffled([9], np.float32)], {"out_idx": tf.as_dtype(out)}, label=name(out))
        case(op, [shuffled([0], np.float32)], label="nothing")
        case(op, [shuffled([2, 2], np.float32)], label="a matrix")
        case(op, [SPECIAL], label="specials")
        case(op, [np.array([np.nan, 1, np.nan, 1], np.float32)], label="NaN")
    rows = np.array([[1, 2, 1, 2], [0, 2, 0, 2], [1, 2, 1, 2]])
    for op in ("UniqueV2", "UniqueWithCountsV2"):
        each_dtype(op, lambda d: [rows.astype(d) if d != np.object_ else rows.astype(bytes).astype(object), ints([0], np.int64)])
        each_dtype(op, lambda d: [shuffled([12], d, 5), ints([], np.int64)])
        for axis in ([0], [1], [-1], [-2], [2], [-3], [0, 1], [], 0):
            for index in INDEX:
                case(op, [rows.astype(np.float32), ints(axis, index)], {"out_idx": tf.as_dtype(index)}, label=f"{axis} {name(index)}")
        case(op, [numbers([2, 3, 2]), Const([1], np.int32)], label="of three axes")
        case(op, [numbers([2, 0]), ints([0], np.int64)], label="empty rows")
        case(op, [numbers([0, 2]), ints([0], np.int64)], label="no rows")
        case(op, [numbers([]), ints([0], np.int64)], label="a scalar")


def list_diff():
    each_dtype("ListDiff", lambda d: [shuffled([9], d), shuffled([3], d)])
    for out in INDEX:
        case("ListDiff", [numbers([5]), numbers([3])], {"out_idx": tf.as_dtype(out)}, label=name(out))
    for one, two in (([0], [3]), ([3], [0]), ([2, 2], [3]), ([3], [1, 2]), ([], [2]), ([4], [4])):
        case("ListDiff", [numbers(one), numbers(two)], label=f"{one} {two}")


def where():
    each_dtype("Where", lambda d: [shuffled([3, 4], d, 3)], dtypes=[d for d in ALL if d not in HALVES + [np.object_]])
    for shape in ([], [5], [0], [2, 0], [2, 2, 3], [2, 1, 2, 2], [1, 2, 1, 2, 2], [1, 2, 1, 2, 1, 2], [1, 2, 1, 2, 1, 2, 1], [1] * 8, [1] * 9):
        case("Where", [numbers(shape, np.bool_)], label=f"{shape}")
    case("Where", [np.zeros([3, 2], np.bool_)], label="nothing is true")
    case("Where", [np.array([0, -0.0, np.nan, np.inf, 1e-30], np.float32)], label="specials")
