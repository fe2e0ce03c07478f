"""Rows of several lengths; edit distances."""
from .movement import *


def cases():
    ranges()
    gathers()
    dense()
    sparse()
    edit_distance()


def ranges():
    for dtype in (np.int32, np.int64, np.float32, np.float64):
        for splits in INDEX:
            case("RaggedRange", [ints([0, 5, 8], dtype), ints([3, 5, 2], dtype), ints([1, 1, -2], dtype)], {"Tsplits": tf.as_dtype(splits)}, label=f"{name(dtype)} {name(splits)}")
    for starts, limits, deltas in (([0, 5], [3, 9], 1), (0, [3, 0, 5], 1), ([], [], 1), (0, 4, 2), ([0, 1], [3], 1), ([0], [3], 0), ([0], [-3], 1), ([[0]], [[1]], 1), ([5, 0], 0, [-1, -1])):
        case("RaggedRange", [ints(starts), ints(limits), ints(deltas)], label=f"{starts} {limits} {deltas}")
    case("RaggedRange", [np.float32([0, 1]), np.float32([1, 0]), np.float32([0.3, -0.25])], label="fractions")


def gathers():
    splits = ints([0, 2, 2, 5], np.int64)
    for dtype in (np.float32, np.int32, np.bool_, np.object_, np.uint8, np.complex64):
        case("RaggedGather", [[splits], numbers([5, 2], dtype), ints([2, 0, 2])], {"OUTPUT_RAGGED_RANK": 1}, label=name(dtype))
    two = [ints([0, 1, 3]), ints([0, 2, 2, 5])]
    for indices in ([1, 0], [[1], [0]], [], [[0, 1], [1, 1]], 1, [2], [-1]):
        rank = 2 + np.ndim(indices) - 1
        case("RaggedGather", [two, numbers([5]), ints(indices, np.int64)], {"OUTPUT_RAGGED_RANK": rank}, label=f"{indices}")
    case("RaggedGather", [[ints([0, 2, 1])], numbers([3]), ints([0])], {"OUTPUT_RAGGED_RANK": 1}, label="splits go down")
    case("RaggedGather", [[ints([0, 2, 9])], numbers([3]), ints([1])], {"OUTPUT_RAGGED_RANK": 1}, label="splits beyond the values")


def dense():
    each_dtype("RaggedTensorToTensor", lambda d: [ints([3, 4], np.int64), numbers([5], d), numbers([2], d)[1], [ints([0, 2, 2, 5], np.int64)]], {"row_partition_types": ["ROW_SPLITS"]})
    for shape in ([-1, -1], [3, 2], [2, 4], [5, -1], [-1, 3], -1, [0, 0], [3, 4, 1], [3]):
        for index in INDEX:
            case("RaggedTensorToTensor", [ints(shape, index), numbers([5]) + 1, np.float32(-1), [ints([0, 2, 2, 5], index)]], {"row_partition_types": ["ROW_SPLITS"]}, label=f"{shape} {name(index)}")
    for shape in ([-1, -1], [4, 3], [2, 1]):
        case("RaggedTensorToTensor", [ints(shape, np.int64), numbers([4]) + 1, np.float32(-1), [ints(4, np.int64), ints([0, 0, 2, 2], np.int64)]], {"row_partition_types": ["FIRST_DIM_SIZE", "VALUE_ROWIDS"]}, label=f"row ids {shape}")
    for shape in ([-1, -1, -1], [2, 3, 2], [1, 2, 3], [3, 1, 1]):
        case("RaggedTensorToTensor", [ints(shape, np.int64), numbers([6]) + 1, np.float32(-1), [ints([0, 2, 3], np.int64), ints([0, 2, 3, 6], np.int64)]], {"row_partition_types": ["ROW_SPLITS"] * 2}, label=f"two {shape}")
        case("RaggedTensorToTensor", [ints(shape, np.int64), numbers([6]) + 1, np.float32(-1), [ints(3, np.int64), ints([0, 0, 1], np.int64), ints([0, 0, 1, 2, 2, 2], np.int64)]],
             {"row_partition_types": ["FIRST_DIM_SIZE", "VALUE_ROWIDS", "VALUE_ROWIDS"]}, label=f"two of row ids {shape}")
    for shape in ([-1, -1, 2], [-1, -1, -1], [2, 2, 2]):
        case("RaggedTensorToTensor", [ints(shape, np.int64), numbers([4, 2]) + 1, np.float32(-1), [ints([0, 1, 4], np.int64)]], {"row_partition_types": ["ROW_SPLITS"]}, label=f"rows of two {shape}")
        case("RaggedTensorToTensor", [ints(shape, np.int64), numbers([4, 2]) + 1, np.float32([-1, -2]), [ints([0, 1, 4], np.int64)]], {"row_partition_types": ["ROW_SPLITS"]}, label=f"rows of two, default of two {shape}")
    case("RaggedTensorToTensor", [ints([-1, -1], np.int64), numbers([0]), np.float32(-1), [ints([0, 0], np.int64)]], {"row_partition_types": ["ROW_SPLITS"]}, label="nothing")
    case("RaggedTensorToTensor", [ints([-1, -1], np.int64), numbers([0]), np.float32(-1), [ints([0], np.int64)]], {"row_partition_types": ["ROW_SPLITS"]}, label="no rows")


def sparse():
    for dtype in (np.float32, np.int64, np.object_, np.bool_):
        case("RaggedTensorToSparse", [[ints([0, 2, 2, 5], np.int64)], numbers([5], dtype)], label=name(dtype))
    case("RaggedTensorToSparse", [[ints([0, 1, 3]), ints([0, 2, 2, 5])], numbers([5])], label="two")
    case("RaggedTensorToSparse", [[ints([0, 1, 3])], numbers([3, 2])], label="rows of two")
    case("RaggedTensorToSparse", [[ints([0, 0])], numbers([0])], label="nothing")
    case("RaggedTensorToSparse", [[ints([1, 3])], numbers([3])], label="does not begin with 0")
    case("RaggedTensorToSparse", [[ints([0, 2, 1])], numbers([1])], label="goes down")
    case("RaggedTensorToSparse", [[ints([0, 2])], numbers([3])], label="ends early")


def edit_distance():
    def text(rows, dtype):
        indices, values = [], []
        for row, word in enumerate(rows):
            for place, letter in enumerate(word):
                indices.append([row, place])
                values.append(letter if dtype == np.object_ else ord(letter))
        shape = [len(rows), max([len(w) for w in rows] + [0])]
        return [np.array(indices, np.int64).reshape(-1, 2), np.array(values, dtype), ints(shape, np.int64)]

    for dtype in (np.object_, np.int32, np.int64, np.float32, np.int8, np.uint8):
        for normalize in (True, False):
            case("EditDistance", text(["kitten", "", "abc", "same"], dtype) + text(["sitting", "xy", "", "same"], dtype), {"normalize": normalize}, label=f"{name(dtype)} {normalize}")
    case("EditDistance", text(["a", "b"], np.int64) + text(["a", "b", "c"], np.int64), label="other rows")
    case("EditDistance", text(["", ""], np.int64) + text(["", ""], np.int64), label="nothing")
    a, b = text(["ab", "c"], np.int64), text(["ab", "d"], np.int64)
    case("EditDistance", [a[0], a[1][:2], a[2]] + b, label="a value is missing")
    case("EditDistance", a[:2] + [ints([2], np.int64)] + b, label="the shape is of another rank")
