"""Solving, inverting and factoring matrices."""
import numpy as np
import tensorflow as tf

from .core import Const, case

REALS = (np.float32, np.float64)
COMPLEX = (np.complex64, np.complex128)
DTYPES = REALS + COMPLEX
BAD = np.array([[1, 2], [2, 4]])


def cases():
    squares()
    eigenvalues()
    factors()
    solving()
    least_squares()


def near(dtype):
    return {"rtol": 1e-4, "atol": 1e-4} if np.dtype(dtype).itemsize <= 4 or dtype == np.complex64 else {"rtol": 1e-11, "atol": 1e-11}


def numbers(shape, dtype):
    x = np.random.uniform(-1, 1, shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * np.random.uniform(-1, 1, shape)
    return x.astype(dtype)


def well(shape, dtype):
    """Matrices that are far from singular."""
    n = shape[-1]
    return (numbers(shape, dtype) + 2 * np.eye(n)[::-1]).astype(dtype)


def positive(shape, dtype):
    a = numbers(shape, dtype)
    return (a @ np.conj(np.swapaxes(a, -1, -2)) + np.eye(shape[-1])).astype(dtype)


def refusals(op, count=1, attrs=None, extra=()):
    for shape in ([3], [], [2, 3]):
        case(op, [np.ones(shape, np.float32)] * count + list(extra), attrs, label=f"{shape} refused")


def squares():
    shapes = ([1, 1], [2, 2], [5, 5], [3, 4, 4], [2, 1, 3, 3], [0, 0], [0, 2, 2], [2, 0, 0])
    for op in ("MatrixInverse", "BatchMatrixInverse"):
        for dtype in DTYPES if op == "MatrixInverse" else REALS[:1]:
            for adjoint in (False, True):
                for shape in shapes:
                    case(op, [well(shape, dtype)], {"adjoint": adjoint}, label=f"{np.dtype(dtype).name} {shape} {adjoint}", **near(dtype))
        case(op, [BAD.astype(np.float32)], label="singular")
        case(op, [np.zeros([3, 3])], label="zeros")
        case(op, [np.array([[np.nan, 1], [1, 2]], np.float32)], label="NaN")
        refusals(op)
        if op == "MatrixInverse":
            case(op, [well([3, 3], np.float16)], label="float16", rtol=2e-2, atol=2e-2)
    for op in ("MatrixDeterminant", "BatchMatrixDeterminant", "LogMatrixDeterminant"):
        for dtype in DTYPES if not op.startswith("Batch") else REALS[:1]:
            for shape in shapes:
                case(op, [well(shape, dtype)], label=f"{np.dtype(dtype).name} {shape}", **near(dtype))
            case(op, [np.zeros([2, 2], dtype)], label=f"{np.dtype(dtype).name} zeros")
            case(op, [np.diag([2, -3, 4]).astype(dtype)], label=f"{np.dtype(dtype).name} diagonal", **near(dtype))
        case(op, [np.array([[np.nan, 1], [1, 2]], np.float32)], label="NaN")
        refusals(op)
    for op in ("Cholesky", "BatchCholesky"):
        for dtype in DTYPES if op == "Cholesky" else REALS[:1]:
            for shape in shapes:
                case(op, [positive(shape, dtype)], label=f"{np.dtype(dtype).name} {shape}", **near(dtype))
        case(op, [np.tril(positive([4, 4], np.float32)) + np.triu(np.full([4, 4], 9, np.float32), 1)], label="upper triangle is not read", **near(np.float32))
        refusals(op)
    for dtype in DTYPES:
        for index in (tf.int32, tf.int64):
            for shape in shapes:
                case("Lu", [well(shape, dtype)], {"output_idx_type": index}, label=f"{np.dtype(dtype).name} {shape} {index.name}", **near(dtype))
    case("Lu", [BAD.astype(np.float32)], label="singular")
    refusals("Lu")


def eigenvalues():
    # The sign of vectors is not told: only values are compared here.
    for op in ("SelfAdjointEigV2", "BatchSelfAdjointEigV2"):
        for dtype in DTYPES if not op.startswith("Batch") else REALS[:1]:
            for shape in ([1, 1], [2, 2], [5, 5], [3, 4, 4], [0, 0], [0, 2, 2], [2, 0, 0]):
                case(op, [positive(shape, dtype)], {"compute_v": False}, undefined=[1], label=f"{np.dtype(dtype).name} {shape}", **near(dtype))
        case(op, [np.tril(positive([4, 4], np.float32)) + np.triu(np.full([4, 4], 9, np.float32), 1)], {"compute_v": False}, undefined=[1],
             label="upper triangle is not read", **near(np.float32))
        case(op, [np.array([[np.nan, 1], [1, 2]], np.float32)], {"compute_v": False}, undefined=[1], label="NaN")
        case(op, [np.zeros([0, 3, 3], np.float32)], {"compute_v": True}, label="vectors of no matrices")
        refusals(op)


def factors():
    shapes = ([1, 1], [2, 2], [5, 3], [3, 5], [2, 4, 4], [2, 5, 2], [2, 2, 5], [0, 2, 3], [0, 0], [2, 0], [0, 2], [3, 2, 0])
    for dtype in DTYPES:
        for full in (False, True):
            for shape in shapes:
                label = f"{np.dtype(dtype).name} {shape} {full}"
                case("Qr", [numbers(shape, dtype)], {"full_matrices": full}, label=label, **near(dtype))
                for op in ("Svd", "BatchSvd"):
                    if op == "Svd" or len(shape) == 3:
                        case(op, [numbers(shape, dtype)], {"full_matrices": full, "compute_uv": False}, undefined=[1, 2], label=label, **near(dtype))
    for full in (False, True):
        for shape in ([0, 2, 3], [2, 0], [0, 2], [0, 0]):
            case("Svd", [numbers(shape, np.float32)], {"full_matrices": full, "compute_uv": True}, label=f"empty {shape} {full}")
    case("Qr", [numbers([4, 3], np.float16)], label="float16", rtol=2e-2, atol=2e-2)
    case("Qr", [np.array([[1, 1], [0, 1]], np.float32)], label="triangular", **near(np.float32))
    case("Qr", [np.zeros([3, 2], np.float32)], label="zeros", **near(np.float32))
    case("Svd", [np.array([[1, np.nan], [0, 1]], np.float32)], {"compute_uv": False}, undefined=[1, 2], label="NaN")
    for op in ("Qr", "Svd"):
        case(op, [np.ones([3], np.float32)], label="vector refused")


def solving():
    for op in ("MatrixSolve", "BatchMatrixSolve", "MatrixTriangularSolve", "BatchMatrixTriangularSolve"):
        for dtype in DTYPES:
            if op.startswith("Batch") and dtype != np.float32:
                continue
            for adjoint in (False, True):
                for left, right in (([2, 2], [2, 3]), ([5, 5], [5, 1]), ([3, 4, 4], [3, 4, 2]), ([0, 0], [0, 2]), ([2, 2], [2, 0]), ([0, 2, 2], [0, 2, 3])):
                    for lower in (True, False) if "Triangular" in op else (None,):
                        attrs = {"adjoint": adjoint, **({} if lower is None else {"lower": lower})}
                        a = well(left, dtype) if lower is None else (numbers(left, dtype) + 2 * np.eye(left[-1])).astype(dtype)
                        case(op, [a, numbers(right, dtype)], attrs, label=f"{np.dtype(dtype).name} {left} {right} {adjoint} {lower}", **near(dtype))
        case(op, [BAD.astype(np.float32), np.ones([2, 1], np.float32)], label="singular", **near(np.float32))
        case(op, [np.zeros([2, 2], np.float32), np.ones([2, 1], np.float32)], label="zeros")
        for left, right in (([2, 2], [3, 2]), ([2, 3], [3, 2]), ([2, 2], [2]), ([2], [2]), ([2, 2, 2], [3, 2, 2]), ([2, 3, 3], [3, 2]), ([1, 3, 3], [4, 3, 2]),
                            ([2, 1, 3, 3], [4, 3, 2])):
            a = numbers(left, np.float32) + (2 * np.eye(left[-1], dtype=np.float32) if left[-1] == 3 and left[-2:] == [3, 3] else 0)
            case(op, [a.astype(np.float32), numbers(right, np.float32)], label=f"{left} {right}", **near(np.float32))


def least_squares():
    for op in ("MatrixSolveLs", "BatchMatrixSolveLs"):
        for dtype in DTYPES if op == "MatrixSolveLs" else REALS[:1]:
            for fast in (True, False):
                for added in (0.0, 0.5):
                    for left, right in (([2, 2], [2, 3]), ([5, 3], [5, 2]), ([3, 5], [3, 2]), ([2, 4, 3], [2, 4, 1]), ([0, 3, 2], [0, 3, 1]), ([3, 2], [3, 0])):
                        case(op, [numbers(left, dtype), numbers(right, dtype), Const(np.array(added))], {"fast": fast},
                             label=f"{np.dtype(dtype).name} {left} {right} {fast} {added}", **({"rtol": 2e-3, "atol": 2e-3} if near(dtype)["rtol"] > 1e-9 else {"rtol": 1e-9, "atol": 1e-9}))
        case(op, [BAD.astype(np.float64), np.ones([2, 1]), np.array(0.0)], {"fast": False}, label="of less rank", rtol=1e-9)
        case(op, [np.zeros([2, 2]), np.ones([2, 1]), np.array(0.0)], {"fast": True}, label="of rank 0")
        case(op, [np.ones([2, 2]), np.ones([3, 1]), np.array(0.0)], label="does not fit")
        case(op, [np.ones([2, 2]), np.ones([2, 1]), np.array(-1.0)], label="negative refused")
        case(op, [np.ones([2, 2, 2]), np.ones([3, 2, 1]), np.array(0.0)], label="batches differ")
