"""Slices by index, read and written: gathers, scatters, partitions, stitches."""
from .movement import *


def cases():
    gather_nd()
    scatter_nd()
    tensor_scatter()
    partition()
    stitch()


def gather_nd():
    each_dtype("GatherNd", lambda d: [numbers([3, 2, 2], d), ints([[2, 1], [0, 0]])])
    for index in (np.int16, np.int32, np.int64):
        case("GatherNd", [numbers([3, 2, 2]), ints([[2, 1, 0], [0, 0, 1]], index)], label=name(index))
    for shape, indices in (
        ([3], [[2], [0]]), ([3], [1]), ([3, 2], [1]), ([3, 2], [1, 1]), ([3, 2], [[[0]], [[2]]]), ([3, 2], [[], []]), ([3, 2], []),
        ([2, 3, 2, 2], [[1, 2, 0, 1], [0, 0, 1, 1]]), ([2, 2, 2, 2, 2], [[1, 0, 1, 0, 1]]), ([2, 0], [[1]]), ([0, 2], [[0]]),
        ([3, 2], [[3]]), ([3, 2], [[0, -1]]), ([3, 2], [[0, 0, 0]]), ([3], 0), ([], [[]]), ([1, 1, 1, 1, 1, 1, 2], [[0, 0, 0, 0, 0, 0, 1]]),
        ([3, 2, 2], [[[0, 1], [2, 2]], [[0, 0], [-1, 0]]]),
    ):
        case("GatherNd", [numbers(shape), ints(indices)], label=f"{shape} {indices}")
    case("GatherNd", [numbers([3, 2]), np.zeros([0, 2], np.int32)], label="no indices")
    case("GatherNd", [numbers([0, 2]), np.zeros([0, 1], np.int32)], label="nothing from nothing")
    for policy in ("IGNORE", "ERROR", "DEFAULT", "OTHER"):
        case("GatherNd", [numbers([3, 2]) + 1, ints([[1], [3], [-1]])], {"bad_indices_policy": policy}, label=policy)


def scatter_nd():
    each_dtype("ScatterNd", lambda d: [ints([[4], [1], [4]]), numbers([4, 2], d)[1:], ints([6, 2])])
    for index in (np.int16, np.int32, np.int64):
        case("ScatterNd", [ints([[0, 1], [1, 0]], index), numbers([2]) + 1, ints([2, 2], index)], label=name(index))
    for indices, updates, shape in (
        ([[1]], [1], [3]), ([[0], [2]], [2, 3], [3, 3]), ([[[0]], [[2]]], [2, 1, 3], [3, 3]), ([1], [2], [3, 2]), ([1, 2], [2], [3]), ([1, 2], [2, 2], [3, 2]), ([], [0], [3]), ([[0, 0, 0]], [1], [1, 1, 1]),
        ([[], []], [2, 2], [2]), ([[0]], [1, 0], [2, 0]), ([[3]], [1], [3]), ([[-1]], [1], [3]), ([[0], [1]], [1], [3]), ([[0]], [1, 3], [3, 2]),
        ([[0, 0]], [1], [3]), ([[0]], [1], [0]), ([[0]], [1], [-1]), ([[0, 0], [1, 1]], [2, 3], [2, 2, 3]), ([[0, 5]], [1], [2, 3]),
    ):
        case("ScatterNd", [ints(indices), numbers(updates) + 1, ints(shape)], label=f"{indices} {updates} {shape}")
    case("ScatterNd", [np.zeros([0, 1], np.int32), numbers([0, 2]), ints([3, 2])], label="no updates")
    case("ScatterNd", [np.zeros([0, 1], np.int32), numbers([0]), ints([0])], label="nothing into nothing")
    case("ScatterNd", [ints([[0]]), numbers([1]), ints([[3]])], label="the shape is a matrix")
    case("ScatterNd", [ints([[0]]), numbers([1]), Const([3], np.int32)], label="constant shape")
    case("ScatterNd", [ints([[0]]), numbers([]), ints([3])], label="updates are a scalar")
    for policy in ("IGNORE", "ERROR", "DEFAULT"):
        case("ScatterNd", [ints([[1], [3], [-1]]), numbers([3]) + 1, ints([3])], {"bad_indices_policy": policy}, label=policy)
    each_dtype("ScatterNdNonAliasingAdd", lambda d: [numbers([6, 2], d), ints([[4], [1], [4]]), numbers([4, 2], d)[1:]])


def tensor_scatter():
    for op in ("Update", "Add", "Sub", "Min", "Max"):
        op = "TensorScatter" + op
        each_dtype(op, lambda d: [numbers([6, 2], d), ints([[4], [1], [4]]), numbers([6, 2], d)[3:]])
        case(op, [numbers([2, 3]), ints([[0, 1], [1, 2]], np.int64), numbers([2]) - 5], label="elements, int64")
        case(op, [numbers([2, 3]), ints([1]), numbers([3]) - 5], label="one row")
        case(op, [numbers([3, 2]), ints([1, 0]), numbers([2, 2]) - 5], label="a vector of indices")
        case(op, [numbers([2, 3]), np.zeros([0, 1], np.int32), numbers([0, 3])], label="no updates")
        case(op, [numbers([0, 3]), np.zeros([0, 1], np.int32), numbers([0, 3])], label="nothing")
        case(op, [numbers([0, 3]), ints([[0]]), numbers([1, 3])], label="something into nothing")
        for indices, updates in (([[2]], [1, 3]), ([[-1]], [1, 3]), ([[0]], [1, 2]), ([[0]], [2, 3]), ([[0, 0, 0]], [1]), ([[0]], [3]), (0, [3])):
            case(op, [numbers([2, 3]), ints(indices), numbers(updates)], label=f"{indices} {updates}")
        case(op, [numbers([]), ints([[]]), numbers([1])], label="a scalar")
    case("TensorScatterUpdate", [numbers([4]), ints([[1], [1], [1]]), numbers([3]) + 7], label="the last one stays")
    case("TensorScatterUpdate", [numbers([3]), ints([[1], [5]]), numbers([2]) + 7], {"bad_indices_policy": "IGNORE"}, label="ignored")


def partition():
    each_dtype("DynamicPartition", lambda d: [numbers([5, 2], d), ints([1, 0, 1, 2, 0])], {"num_partitions": 4})
    for shape, parts, count in (
        ([4], [0, 0, 1, 0], 2), ([4], [1, 1, 1, 1], 2), ([2, 2], [[0, 1], [2, 0]], 3), ([2, 2, 3], [[0, 1], [2, 0]], 3), ([], 1, 3), ([3], 1, 3),
        ([3, 2], [0, 0, 0], 1), ([2], [0, 2], 2), ([2], [0, -1], 2), ([3], [0, 1], 2), ([2, 3], [[0, 1], [1, 0]], 2), ([0, 2], [], 2), ([2, 0], [1, 0], 2),
    ):
        case("DynamicPartition", [numbers(shape), ints(parts)], {"num_partitions": count}, label=f"{shape} {parts} {count}")
    case("DynamicPartition", [numbers([3]), Const([0, 1, 0], np.int32)], {"num_partitions": 2}, label="constant")


def stitch():
    for op in ("DynamicStitch", "ParallelDynamicStitch"):
        each_dtype(op, lambda d: [[ints([2, 0]), ints([1, 3])], [numbers([2, 2], d), numbers([3, 2], d)[1:]]])
        for indices, shapes in (
            ([1, [0, 2]], [[2], [2, 2]]), ([[[1, 0], [3, 2]]], [[2, 2, 2]]), ([0], [[]]), ([[], [0, 1]], [[0, 3], [2, 3]]), ([[]], [[0, 3]]),
            ([[]], [[0]]), ([[0, -1]], [[2]]), ([[0, 1], [0]], [[2, 2], [1, 3]]), ([[0, 1]], [[3]]), ([[0]], [[]]), ([[0, 1]], [[2, 0]]),
        ):
            case(op, [[ints(i) for i in indices], [numbers(s) + 10 * n for n, s in enumerate(shapes)]], label=f"{indices} {shapes}")
    case("DynamicStitch", [[ints([0, 1, 2]), ints([1])], [numbers([3]), numbers([1]) + 9]], label="the last one stays")
    case("DynamicStitch", [[Const([0, 1], np.int32), Const([3, 2], np.int32)], [numbers([2]), numbers([2]) + 9]], label="constant")
