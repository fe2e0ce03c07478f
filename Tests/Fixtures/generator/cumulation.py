"""Running sums, products and their like along an axis."""
from .movement import *


def cases():
    for op in ("Cumsum", "Cumprod"):
        each_dtype(op, lambda d: [numbers([3, 4], d) % 5 if d != np.object_ and np.dtype(d).kind not in "cb" else numbers([3, 4], d), ints(1)])
        for shape, axis in (([4], 0), ([4], -1), ([2, 3], 0), ([2, 3], 1), ([2, 3], -2), ([2, 3], 2), ([2, 3], -3), ([2, 3, 2], 1), ([0], 0), ([2, 0], 1), ([2, 0], 0), ([], 0), ([1, 5], 1)):
            for exclusive in (False, True):
                for reverse in (False, True):
                    case(op, [numbers(shape) - 2, ints(axis)], {"exclusive": exclusive, "reverse": reverse}, label=f"{shape} {axis} {exclusive} {reverse}")
        case(op, [numbers([2, 3]), ints(1, np.int64)], label="int64")
        case(op, [numbers([2, 3]), Const(1, np.int32)], label="constant")
        case(op, [numbers([2, 3]), ints([1])], label="the axis is a vector")
        case(op, [np.array([1, np.inf, 2, -np.inf, 3, np.nan, 1], np.float32), ints(0)], label="specials")
    for dtype in FLOATS:
        for exclusive in (False, True):
            for reverse in (False, True):
                for shape, axis in (([4], 0), ([2, 3], 0), ([2, 3, 2], -2)):
                    case("CumulativeLogsumexp", [(numbers(shape, dtype) - 2) * 0.7, ints(axis)], {"exclusive": exclusive, "reverse": reverse}, label=f"{name(dtype)} {shape} {axis} {exclusive} {reverse}", rtol=1e-5)
    case("CumulativeLogsumexp", [np.array([1, -np.inf, 2, 90, -300, np.inf, 3], np.float32), ints(0)], label="specials", rtol=1e-5)
    case("CumulativeLogsumexp", [np.array([-np.inf, -np.inf, 2], np.float32), ints(0)], label="nothing at first", rtol=1e-5)
    case("CumulativeLogsumexp", [numbers([2, 3]), ints(2)], label="no such axis")
    case("CumulativeLogsumexp", [numbers([2, 0]), ints(1)], label="empty")
