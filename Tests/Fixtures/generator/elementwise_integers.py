"""What is peculiar to whole numbers: division, its rest, bits; and truth values."""
import numpy as np

from .core import case
from .registry import INTEGERS, SIGNED, name, numbers, supported

DIVISIONS = ["Div", "TruncateDiv", "FloorDiv", "Mod", "FloorMod", "TruncateMod"]
BITS = ["BitwiseAnd", "BitwiseOr", "BitwiseXor", "LeftShift", "RightShift"]
SHAPES = [([2, 9], [2, 9]), ([2, 9], [9]), ([9, 3], [9, 1]), ([2, 1], [2, 3]), ([], [5]), ([5], []), ([0], [1])]


def cases():
    for op in DIVISIONS:
        for dtype in supported(op, INTEGERS):
            for left, right in SHAPES:
                divisors = numbers(right, dtype, -9, 9)
                divisors = np.where(divisors == 0, np.array(7, dtype), divisors).astype(dtype)
                case(op, [numbers(left, dtype, -100, 100), divisors], label=f"{name(dtype)} {left} {right}")
            signs = np.array([-7, 7, -7, 7, 0, 6, -6] if dtype in SIGNED else [7, 7, 250, 0, 6, 9, 1], dtype)
            other = np.array([2, 2, -2, -2, -3, 3, -3] if dtype in SIGNED else [2, 3, 2, 5, 3, 255, 1], dtype)
            case(op, [signs, other], label=f"signs {name(dtype)}")
            limits = np.iinfo(dtype)
            case(op, [np.array([limits.min, limits.max, limits.max, limits.min], dtype), np.array([2, limits.max, 3, limits.max], dtype)], label=f"limits {name(dtype)}")
            case(op, [np.array([limits.max, limits.max - 1, limits.max], dtype), np.array([limits.max - 1, limits.max, 1], dtype)], label=f"near {name(dtype)}")
            case(op, [np.array([5, 6], dtype), np.array([2, 0], dtype)], label=f"by zero refused {name(dtype)}")
            case(op, [np.array(5, dtype), np.array([[0]], dtype)], label=f"scalar by zero refused {name(dtype)}")
        case(op, [np.zeros([0], np.int32), np.array(0, np.int32)], label="empty by zero")
        case(op, [np.array(["a"]), np.array(["b"])], label="string refused")
    for op in ("FloorDiv", "FloorMod"):
        case(op, [np.array([np.iinfo(np.int32).min], np.int32), np.array([-1], np.int32)], label="overflow")
    for op in BITS:
        for dtype in INTEGERS:
            width = np.iinfo(dtype).bits
            for left, right in SHAPES:
                high = width if op.endswith("Shift") else 100
                case(op, [numbers(left, dtype, -100, 100), numbers(right, dtype, 0, high)], label=f"{name(dtype)} {left} {right}")
            limits = np.iinfo(dtype)
            far = np.array([0, 1, width - 1, width, min(width + 5, limits.max), limits.max, limits.min], dtype)
            case(op, [np.array([[limits.max], [limits.min], [1]], dtype), far], label=f"limits {name(dtype)}")
        case(op, [np.float32([1]), np.float32([2])], label="float refused")
        case(op, [np.array([True]), np.array([False])], label="bool refused")
        case(op, [np.ones([2], np.int32), np.ones([3], np.int32)], label="shapes refused")
    truth = np.array([True, False])
    for op in ("LogicalAnd", "LogicalOr"):
        case(op, [truth[:, None], truth], label="table")
        case(op, [np.resize(truth, 40), np.resize([True, False, False], 40)], label="long")
        case(op, [np.array(True), truth], label="scalar")
        case(op, [np.zeros([0], bool), truth[:1]], label="empty")
        case(op, [truth, np.array([True] * 3)], label="shapes refused")
        case(op, [np.array([1]), np.array([0])], label="int64 refused")
    for dtype in INTEGERS:
        case("PopulationCount", [np.array([0, 1, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)], label=f"limits {name(dtype)}")
