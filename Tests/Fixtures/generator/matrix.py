"""Products of matrices."""
import itertools

import numpy as np

from .core import Const, case

FLOATS = [np.float32, np.float64]
DTYPES = FLOATS + [np.int32, np.int64]


def cases():
    mat_mul()
    batches()


def name(dtype):
    return np.dtype(dtype).name


def numbers(shape, dtype=np.float32):
    if np.dtype(dtype).kind == "i":
        return np.random.randint(-9, 10, shape).astype(dtype)
    return np.random.uniform(-1, 1, shape).astype(dtype)


def tolerance(dtype):
    """Sums may be added up in any order."""
    return {np.float32: {"rtol": 1e-5, "atol": 2e-6}, np.float64: {"rtol": 1e-13, "atol": 1e-14}}.get(dtype, {})


def product(op, left, right, attrs, dtype, label, transposes=("transpose_a", "transpose_b")):
    a, b = (attrs.get(t, False) for t in transposes)
    swap = lambda shape, flag: shape[:-2] + shape[-2:][::-1] if flag else shape
    case(op, [numbers(swap(left, a), dtype), numbers(swap(right, b), dtype)], attrs, label=label, **tolerance(dtype))


def mat_mul():
    sizes = [(1, 1, 1), (1, 3, 4), (4, 3, 1), (3, 1, 4), (1, 7, 1), (2, 3, 4), (5, 9, 7), (17, 33, 20), (1, 40, 33), (33, 40, 1),
             (2, 0, 3), (0, 2, 3), (2, 3, 0), (0, 0, 0), (1, 0, 3), (3, 0, 1), (1, 0, 1)]
    for (m, k, n), dtype, a, b in itertools.product(sizes, DTYPES, (False, True), (False, True)):
        if k > 20 and dtype != np.float32 and a != b:
            continue
        if k > 20 and np.dtype(dtype).kind == "i":
            continue
        attrs = {"transpose_a": a, "transpose_b": b}
        product("MatMul", [m, k], [k, n], attrs, dtype, f"[{m},{k}][{k},{n}] {name(dtype)} {a} {b}")
    special = np.array([[np.inf, 1], [np.nan, -np.inf]], np.float32)
    case("MatMul", [special, np.ones([2, 2], np.float32)], label="NaN and infinity")
    case("MatMul", [special[:1], np.ones([2, 2], np.float32)], label="a row with infinity")
    case("MatMul", [np.ones([2, 2], np.float32), Const(numbers([2, 3]))], label="constant", **tolerance(np.float32))
    case("MatMul", [np.full([2, 2], 2**30, np.int32), np.full([2, 2], 3, np.int32)], label="int32 wraps")
    case("MatMul", [np.full([1, 2], 2**62, np.int64), np.full([2, 2], 3, np.int64)], label="int64 wraps")
    for left, right in (([2, 3], [4, 5]), ([3], [3, 2]), ([2, 3], [3]), ([], []), ([2, 3], [3, 2, 1]), ([2, 3, 4], [2, 4, 3]), ([2, 0], [1, 2])):
        case("MatMul", [numbers(left), numbers(right)], label=f"{left} {right}")
    case("MatMul", [numbers([2, 3]), numbers([3, 4])], {"transpose_a": True}, label="does not fit transposed")


def batches():
    for op in ("BatchMatMul", "BatchMatMulV2"):
        for dtype, x, y in itertools.product(DTYPES, (False, True), (False, True)):
            attrs = {"adj_x": x, "adj_y": y}
            product(op, [2, 3, 4], [2, 4, 5], attrs, dtype, f"{name(dtype)} {x} {y}", ("adj_x", "adj_y"))
        for left, right in (([2, 3], [3, 4]), ([2, 2, 1, 3], [2, 2, 3, 2]), ([0, 2, 3], [0, 3, 2]), ([2, 2, 0], [2, 0, 3]), ([2, 0, 3], [2, 3, 1]),
                            ([1, 2, 1, 2, 3], [1, 2, 1, 3, 1]), ([2, 3], [4, 5]), ([3], [3]), ([2, 2, 3], [1, 3, 2]), ([2, 2, 3], [3, 2]),
                            ([2, 1, 2, 3], [3, 3, 2]), ([3, 2], [2, 2, 2, 3]), ([2, 2, 3], [3, 3, 2]), ([1, 1, 3], [4, 3, 2]), ([0, 2, 3], [1, 3, 2])):
            product(op, left, right, {}, np.float32, f"{left} {right}", ("adj_x", "adj_y"))
