"""Products of matrices in batches, and of complex or mixed dtypes."""
import itertools

import numpy as np
import tensorflow as tf

from .core import case
from .matrix import numbers as real_numbers

COMPLEX = (np.complex64, np.complex128)


def numbers(shape, dtype):
    if np.dtype(dtype).kind == "c":
        return (np.random.uniform(-1, 1, shape) + 1j * np.random.uniform(-1, 1, shape)).astype(dtype)
    if np.dtype(dtype).kind == "u":
        return np.random.randint(0, 200, shape).astype(dtype)
    return real_numbers(shape, dtype)


def near(dtype):
    return {np.float32: {"rtol": 1e-5, "atol": 2e-6}, np.complex64: {"rtol": 1e-5, "atol": 2e-6}}.get(dtype, {"rtol": 1e-13, "atol": 1e-13})


def cases():
    for dtype in COMPLEX:
        for a, b in itertools.product((False, True), (False, True)):
            for m, k, n in ((2, 3, 4), (1, 3, 4), (3, 4, 1), (1, 4, 1), (2, 0, 3), (0, 2, 3)):
                left, right = ([k, m] if a else [m, k]), ([n, k] if b else [k, n])
                case("MatMul", [numbers(left, dtype), numbers(right, dtype)], {"transpose_a": a, "transpose_b": b},
                     label=f"{np.dtype(dtype).name} [{m},{k}][{k},{n}] {a} {b}", **near(dtype))
            for op in ("BatchMatMul", "BatchMatMulV2"):
                left, right = ([2, 4, 3] if a else [2, 3, 4]), ([2, 5, 4] if b else [2, 4, 5])
                case(op, [numbers(left, dtype), numbers(right, dtype)], {"adj_x": a, "adj_y": b}, label=f"{np.dtype(dtype).name} {a} {b}", **near(dtype))
    case("BatchMatMulV2", [numbers([2, 3, 4], np.int16), numbers([2, 4, 5], np.int16)], label="int16")
    third()
    sparse()
    narrow()


def narrow():
    """Half precision and bfloat16, alone and beside others."""
    bf16 = tf.bfloat16.as_numpy_dtype
    small = {"rtol": 2e-2, "atol": 2e-2}
    for dtype in (np.float16, bf16):
        for op in ("BatchMatMul", "BatchMatMulV2"):
            case(op, [numbers([2, 3, 4], dtype), numbers([2, 4, 5], dtype)], label=np.dtype(dtype).name, **small)
        case("MatMul", [numbers([3, 4], dtype), numbers([4, 5], dtype)], label=np.dtype(dtype).name, **small)
    case("BatchMatMulV3", [numbers([2, 3, 4], bf16), numbers([2, 4, 5], bf16)], {"Tout": tf.bfloat16}, label="bfloat16", **small)
    for other in (np.int8, np.uint8):
        x, y = np.random.randint(0, 9, [3, 4]).astype(other), numbers([4, 5], bf16)
        case("BatchMatMulV3", [x, y], {"Tout": tf.bfloat16}, label=f"{x.dtype.name} bfloat16", rtol=2e-2, atol=0.2)
        case("BatchMatMulV3", [y.T, x.T], {"Tout": tf.bfloat16}, label=f"bfloat16 {x.dtype.name}", rtol=2e-2, atol=0.2)
    for left in (np.float32, bf16):
        for right in (np.float32, bf16):
            case("SparseMatMul", [numbers([3, 4], left), numbers([4, 5], right)], label=f"{np.dtype(left).name} {np.dtype(right).name}", rtol=1e-5, atol=2e-6)


def third():
    op = "BatchMatMulV3"
    for dtype in (np.float32, np.float64, np.int16, np.int32, np.int64) + COMPLEX:
        for a, b in itertools.product((False, True), (False, True)):
            left, right = ([2, 4, 3] if a else [2, 3, 4]), ([2, 5, 4] if b else [2, 4, 5])
            case(op, [numbers(left, dtype), numbers(right, dtype)], {"adj_x": a, "adj_y": b, "Tout": tf.as_dtype(dtype)},
                 label=f"{np.dtype(dtype).name} {a} {b}", **near(dtype))
    for left, right in itertools.product((np.int8, np.uint8), (np.int8, np.uint8)):
        for shapes in (([2, 3, 4], [2, 4, 5]), ([3, 4], [4, 1]), ([2, 1, 3, 4], [3, 4, 2])):
            case(op, [numbers(shapes[0], left), numbers(shapes[1], right)], {"Tout": tf.int32},
                 label=f"{np.dtype(left).name} {np.dtype(right).name} {shapes}")
    for left, right in (([2, 3], [3, 4]), ([2, 2, 3], [1, 3, 2]), ([2, 2, 3], [3, 2]), ([2, 1, 2, 3], [3, 3, 2]), ([0, 2, 3], [1, 3, 2]), ([2, 3], [4, 5]),
                        ([3], [3]), ([2, 2, 3], [3, 3, 2])):
        case(op, [numbers(left, np.float32), numbers(right, np.float32)], {"Tout": tf.float32}, label=f"{left} {right}", **near(np.float32))


def sparse():
    op = "SparseMatMul"
    for a, b in itertools.product((False, True), (False, True)):
        for hints in ((False, False), (True, False), (False, True)):
            left, right = ([4, 3] if a else [3, 4]), ([5, 4] if b else [4, 5])
            x = numbers(left, np.float32)
            x[1] = 0
            case(op, [x, numbers(right, np.float32)],
                 {"transpose_a": a, "transpose_b": b, "a_is_sparse": hints[0], "b_is_sparse": hints[1]}, label=f"{a} {b} {hints}", **near(np.float32))
    for left, right in (([0, 3], [3, 2]), ([2, 0], [0, 3]), ([2, 3], [2, 3]), ([3], [3, 2])):
        case(op, [numbers(left, np.float32), numbers(right, np.float32)], label=f"{left} {right}")
