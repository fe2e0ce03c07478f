"""Rows that are folded by the number of their segment."""
from .movement import *


def cases():
    for fold in ("Sum", "Mean", "Prod", "Max", "Min"):
        sorted_segments("Segment" + fold)
    for fold in ("Sum", "Prod", "Max", "Min"):
        unsorted_segments("UnsortedSegment" + fold)
    for fold in ("Sum", "Mean", "SqrtN"):
        sparse_segments("SparseSegment" + fold)
        sparse_segments_of_number(f"SparseSegment{fold}WithNumSegments")


def sorted_segments(op):
    each_dtype(op, lambda d: [numbers([5, 2], d)[::-1], ints([0, 0, 1, 3, 3])])
    for ids in ([0, 0, 0], [0, 1, 2], [1, 2, 4], [2, 2, 2]):
        for index in INDEX:
            case(op, [numbers([3, 2, 2]) - 5, ints(ids, index)], label=f"{ids} {name(index)}")
        case(op, [numbers([3]) - 5, Const(ids, np.int32)], label=f"constant {ids}")
    case(op, [numbers([0, 2]), ints([])], label="nothing")
    case(op, [numbers([2, 0]), ints([0, 1])], label="empty rows")
    for shape, ids in (([3], [0, 1]), ([3], [1, 0, 2]), ([3], [0, -1, 2]), ([3], [-1, 0, 2]), ([3], [[0], [0], [1]]), ([], [0]), ([3], 0)):
        case(op, [numbers(shape), ints(ids)], label=f"{shape} {ids}")
    case(op, [np.array([1, np.nan, np.inf, -np.inf, 2], np.float32), ints([0, 0, 1, 2, 2])], label="specials")


def unsorted_segments(op):
    each_dtype(op, lambda d: [numbers([5, 2], d)[::-1], ints([3, 0, 1, 3, 0]), ints(5)])
    for shape, ids, count in (
        ([3, 2], [2, 0, 2], 3), ([2, 2], [[1, 0], [1, 1]], 2), ([2, 2, 3], [[1, 0], [2, 1]], 4), ([3], [0, -1, 1], 2), ([3], [-1, -5, -1], 2),
        ([3], [0, 1, 2], 0), ([3], [0, 1, 2], 2), ([3], [0, 1, 2], -1), ([2, 3], [0, 1, 2], 3), ([0, 2], [], 3), ([2, 0], [0, 1], 3),
        ([], 1, 3), ([], -1, 2), ([3], 1, 2), ([0], [], 0),
    ):
        for index in INDEX:
            case(op, [numbers(shape) - 2, ints(ids, index), ints(count)], label=f"{shape} {ids} {count} {name(index)}")
    case(op, [numbers([3]), ints([0, 1, 0]), Const(2, np.int64)], label="constant number")
    case(op, [numbers([3]), ints([0, 1, 0]), ints([2])], label="the number is a vector")
    case(op, [np.array([1, np.nan, np.inf, -np.inf, 2], np.float32), ints([0, 0, 1, 2, 2]), ints(4)], label="specials")


def sparse_segments(op):
    each_dtype(op, lambda d: [numbers([5, 2], d), ints([4, 0, 1, 1, 2]), ints([0, 0, 1, 3, 3])])
    for index in INDEX:
        for ids in INDEX:
            case(op, [numbers([4, 3]), ints([0, 3, 0], index), ints([0, 0, 2], ids)], label=f"{name(index)} {name(ids)}")
    for shape, indices, ids in (
        ([4], [1, 3], [0, 1]), ([4, 1], [1, 3, 2], [0, 0, 0]), ([4], [], []), ([0, 2], [], []), ([4], [4], [0]), ([4], [-1], [0]), ([4], [0, 1], [1, 0]),
        ([4], [0, 1], [0]), ([4], [0], [-1]), ([4], [[0]], [0]), ([4], [0], [[0]]), ([], [0], [0]), ([4, 0], [1, 2], [0, 1]), ([4], [0, 1], [1, 3]),
        ([12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [0] * 12),
    ):
        case(op, [numbers(shape), ints(indices), ints(ids)], label=f"{shape} {indices} {ids}")


def sparse_segments_of_number(op):
    each_dtype(op, lambda d: [numbers([5, 2], d), ints([4, 0, 1, 1, 2]), ints([0, 0, 1, 3, 3]), ints(6)])
    for count in (-1, 0, 2, 3, 4, 5):
        for index in INDEX:
            case(op, [numbers([4, 3]), ints([0, 3, 0]), ints([0, 0, 3]), ints(count, index)], label=f"{count} {name(index)}")
    case(op, [numbers([4, 3]), ints([]), ints([]), ints(2)], label="nothing")
    case(op, [numbers([4, 3]), ints([0]), ints([0]), ints([2])], label="the number is a vector")
    case(op, [numbers([4, 3]), ints([0]), ints([0]), Const(2, np.int32)], label="constant number")
