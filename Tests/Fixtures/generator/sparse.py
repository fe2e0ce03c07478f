"""Ops on sparse tensors."""
import numpy as np

from .core import Const, case
from .strings import text

I64 = np.int64
INDICES = np.array([[0, 1], [1, 0], [1, 2]], I64)
MIXED = np.array([[1, 2], [0, 1], [1, 0]], I64)
TWICE = np.array([[0, 1], [0, 1], [1, 0]], I64)
OUTSIDE = np.array([[0, 1], [1, 0], [1, 3]], I64)
NEGATIVE = np.array([[0, 1], [1, 0], [1, -1]], I64)
VALUES = np.float32([1.5, -2, 3])
SHAPE = np.array([2, 3], I64)
NUMBERS = (np.float32, np.float64, np.int32, np.int64)
CUBE = np.array([[0, 0, 1], [0, 2, 0], [1, 0, 0], [1, 0, 1], [1, 2, 1]], I64)
CUBE_VALUES = np.float32([1, 2, -3, 4, 5])
CUBE_SHAPE = np.array([2, 3, 2], I64)
NONE = np.zeros([0, 2], I64)


def cases():
    to_dense()
    forms()
    parts()
    products()
    pairs()
    folds()


def to_dense():
    def dense(label, indices, shape, values, default, validate=True, constant=False):
        shape = np.asarray(shape, np.asarray(indices).dtype)
        case("SparseToDense", [indices, Const(shape) if constant else shape, values, default], {"validate_indices": validate}, label=label)

    for dtype in NUMBERS + (np.int8, np.uint8, np.int16, np.bool_, np.complex64):
        dense(np.dtype(dtype).name, INDICES, SHAPE, VALUES.astype(dtype), np.asarray(-1).astype(dtype) if dtype != np.uint8 else np.uint8(9))
    dense("strings", INDICES, SHAPE, text(["a", "", "ccc"]), text("none"))
    dense("int32 indices", INDICES.astype(np.int32), SHAPE, VALUES, np.float32(0), constant=True)
    dense("one value", INDICES, SHAPE, np.float32(7), np.float32(0))
    dense("vector of places", np.array([1, 3], I64), [5], np.float32([1, 2]), np.float32(0))
    dense("vector, one value", np.array([1, 3], np.int32), [5], np.float32(1), np.float32(0))
    dense("scalar place", np.int32(2), [4], np.float32(1), np.float32(0))
    dense("rank 3", CUBE, CUBE_SHAPE, CUBE_VALUES, np.float32(0))
    dense("nothing", NONE, SHAPE, VALUES[:0], np.float32(2))
    dense("empty shape", NONE, [0, 3], VALUES[:0], np.float32(2))
    dense("mixed", MIXED, SHAPE, VALUES, np.float32(0))
    dense("twice", TWICE, SHAPE, VALUES, np.float32(0))
    dense("outside", OUTSIDE, SHAPE, VALUES, np.float32(0))
    dense("negative", NEGATIVE, SHAPE, VALUES, np.float32(0))
    dense("mixed, not checked", MIXED, SHAPE, VALUES, np.float32(0), validate=False)
    dense("twice, not checked", TWICE, SHAPE, VALUES, np.float32(0), validate=False)
    dense("outside, not checked", OUTSIDE, SHAPE, VALUES, np.float32(0), validate=False)
    dense("other rank", INDICES, [2, 3, 4], VALUES, np.float32(0))
    dense("fewer values", INDICES, SHAPE, VALUES[:2], np.float32(0))
    dense("matrix of values", INDICES, SHAPE, VALUES[:, None], np.float32(0))
    dense("vector of defaults", INDICES, SHAPE, VALUES, np.float32([0]))
    dense("negative shape", INDICES, [-2, 3], VALUES, np.float32(0))


def forms():
    for indices in (INDICES, MIXED, TWICE[::-1].copy()):
        case("SparseReorder", [indices, VALUES, SHAPE], label="reorder")
    case("SparseReorder", [MIXED, text(["a", "b", "c"]), SHAPE], label="reorder strings")
    case("SparseReorder", [NONE, VALUES[:0], SHAPE], label="reorder nothing")
    case("SparseReorder", [CUBE[::-1].copy(), CUBE_VALUES, CUBE_SHAPE], label="reorder rank 3")
    case("SparseReorder", [MIXED, VALUES[:2], SHAPE], label="reorder fewer values")
    case("SparseReorder", [MIXED, VALUES, CUBE_SHAPE], label="reorder other rank")
    for shape in ([3, 2], [6], [-1], [3, -1], [1, 2, 1, 3], [-1, 6]):
        case("SparseReshape", [INDICES, SHAPE, np.array(shape, I64)], label=f"reshape {shape}")
    for shape in ([4, -1], [-1, -1], [5], [0, -1]):
        case("SparseReshape", [INDICES, SHAPE, np.array(shape, I64)], label=f"no reshape {shape}")
    case("SparseReshape", [NONE, np.array([0, 3], I64), np.array([3, 0], I64)], label="reshape nothing")
    rows = np.array([[1, 0], [3, 1]], I64)
    shape = np.array([5, 2], I64)
    for dtype in NUMBERS:
        case("SparseFillEmptyRows", [rows, np.array([1, 2], dtype), shape, np.asarray(9, dtype)], label=f"fill {np.dtype(dtype).name}")
    case("SparseFillEmptyRows", [rows, text(["a", "b"]), shape, text("none")], label="fill strings")
    case("SparseFillEmptyRows", [np.array([[3, 0], [1, 1], [1, 0]], I64), VALUES, shape, np.float32(9)], label="fill, mixed")
    case("SparseFillEmptyRows", [NONE, VALUES[:0], shape, np.float32(9)], label="fill all")
    case("SparseFillEmptyRows", [NONE, VALUES[:0], np.array([0, 2], I64), np.float32(9)], label="fill none")
    case("SparseFillEmptyRows", [CUBE, CUBE_VALUES, np.array([4, 3, 2], I64), np.float32(9)], label="fill rank 3")
    case("SparseFillEmptyRows", [INDICES, VALUES, SHAPE, np.float32(9)], label="nothing to fill")
    case("SparseFillEmptyRows", [np.array([[7, 0], [0, 0], [0, 1]], I64), VALUES, shape, np.float32(9)], label="fill outside")
    case("SparseFillEmptyRows", [rows, np.float32([1, 2]), shape, np.float32([9])], label="vector of defaults")


def parts():
    wide = np.array([2, 4], I64)
    case("SparseConcat", [[INDICES, INDICES], [VALUES, VALUES * 2], [SHAPE, wide]], {"concat_dim": 1}, label="columns")
    case("SparseConcat", [[INDICES, INDICES], [VALUES, VALUES * 2], [SHAPE, SHAPE]], {"concat_dim": 0}, label="rows")
    case("SparseConcat", [[INDICES, NONE, INDICES], [VALUES, VALUES[:0], VALUES * 2], [SHAPE, SHAPE, wide]], {"concat_dim": -1}, label="three")
    case("SparseConcat", [[INDICES, INDICES], [text(["a", "b", "c"]), text(["d", "e", "f"])], [SHAPE, SHAPE]], {"concat_dim": 1}, label="strings")
    case("SparseConcat", [[CUBE, CUBE], [CUBE_VALUES, CUBE_VALUES], [CUBE_SHAPE, CUBE_SHAPE]], {"concat_dim": 1}, label="rank 3")
    case("SparseConcat", [[INDICES, INDICES], [VALUES, VALUES], [SHAPE, wide]], {"concat_dim": 0}, label="other widths")
    case("SparseConcat", [[INDICES, INDICES], [VALUES, VALUES], [SHAPE, SHAPE]], {"concat_dim": 2}, label="no such axis")
    for start, size in (([0, 0], [2, 3]), ([0, 1], [2, 2]), ([1, 0], [1, 1]), ([0, 1], [5, 9]), ([0, 7], [2, 2]), ([0, 0], [0, 3])):
        case("SparseSlice", [INDICES, VALUES, SHAPE, np.array(start, I64), np.array(size, I64)], label=f"slice {start} {size}")
    case("SparseSlice", [CUBE, CUBE_VALUES, CUBE_SHAPE, np.array([0, 1, 0], I64), np.array([2, 2, 1], I64)], label="slice rank 3")
    case("SparseSlice", [INDICES, text(["a", "b", "c"]), SHAPE, np.array([1, 0], I64), np.array([1, 3], I64)], label="slice strings")
    case("SparseSlice", [INDICES, VALUES, SHAPE, np.array([0], I64), np.array([2, 3], I64)], label="slice other rank")
    for axis, number in ((0, 2), (1, 2), (1, 3), (-1, 2), (1, 1)):
        case("SparseSplit", [np.array(axis, I64), INDICES, VALUES, SHAPE], {"num_split": number}, label=f"split {axis} {number}")
    case("SparseSplit", [np.array(1, I64), CUBE, CUBE_VALUES, CUBE_SHAPE], {"num_split": 2}, label="split rank 3")
    case("SparseSplit", [np.array(0, I64), INDICES, text(["a", "b", "c"]), SHAPE], {"num_split": 2}, label="split strings")
    for axis, number in ((0, 3), (2, 1), (-3, 1)):
        case("SparseSplit", [np.array(axis, I64), INDICES, VALUES, SHAPE], {"num_split": number}, label=f"no split {axis} {number}")


def products():
    right, other = np.arange(12).reshape([3, 4]), np.arange(8).reshape([2, 4])
    for dtype in (np.float32, np.float64, np.int32):
        for kind in (np.int64, np.int32):
            values = VALUES.astype(dtype)
            case("SparseTensorDenseMatMul", [INDICES.astype(kind), values, SHAPE, right.astype(dtype)], label="product")
            case("SparseTensorDenseMatMul", [INDICES.astype(kind), values, Const(SHAPE), other.astype(dtype)], {"adjoint_a": True}, label="left transposed")
            case("SparseTensorDenseMatMul", [INDICES.astype(kind), values, SHAPE, right.T.copy().astype(dtype)], {"adjoint_b": True}, label="right transposed")
    case("SparseTensorDenseMatMul", [INDICES, VALUES, SHAPE, other.T.copy().astype(np.float32)], {"adjoint_a": True, "adjoint_b": True}, label="both transposed")
    case("SparseTensorDenseMatMul", [TWICE, VALUES, SHAPE, right.astype(np.float32)], label="an element twice")
    case("SparseTensorDenseMatMul", [NONE, VALUES[:0], SHAPE, right.astype(np.float32)], label="product of nothing")
    case("SparseTensorDenseMatMul", [OUTSIDE, VALUES, SHAPE, right.astype(np.float32)], label="column outside")
    case("SparseTensorDenseMatMul", [np.array([[0, 1], [2, 0], [1, 2]], I64), VALUES, SHAPE, right.astype(np.float32)], label="row outside")
    case("SparseTensorDenseMatMul", [INDICES, VALUES, SHAPE, other.astype(np.float32)], label="other inner dimension")
    case("SparseTensorDenseMatMul", [CUBE, CUBE_VALUES, CUBE_SHAPE, right.astype(np.float32)], label="rank 3")
    for dtype in NUMBERS:
        for kind in (np.int64, np.int32):
            case("SparseTensorDenseAdd", [INDICES.astype(kind), VALUES.astype(dtype), SHAPE.astype(kind), np.arange(6).reshape([2, 3]).astype(dtype)], label="dense sum")
    case("SparseTensorDenseAdd", [CUBE, CUBE_VALUES, CUBE_SHAPE, np.ones([2, 3, 2], np.float32)], label="dense sum, rank 3")
    case("SparseTensorDenseAdd", [INDICES, VALUES, SHAPE, np.ones([1, 3], np.float32)], label="no broadcast")
    case("SparseTensorDenseAdd", [OUTSIDE, VALUES, SHAPE, np.ones([2, 3], np.float32)], label="sum outside")
    for op in ("SparseDenseCwiseAdd", "SparseDenseCwiseMul", "SparseDenseCwiseDiv"):
        for dtype in NUMBERS:
            case(op, [INDICES, VALUES.astype(dtype), SHAPE, np.arange(1, 7).reshape([2, 3]).astype(dtype)], label="same shape")
        for dense in ([[10, 20, 30]], [[10], [20]], [10, 20, 30], 2, [[5]]):
            case(op, [INDICES, VALUES, SHAPE, np.float32(dense)], label="broadcast")
        case(op, [CUBE, CUBE_VALUES, CUBE_SHAPE, np.float32([[1], [2], [3]])], label="broadcast to rank 3")
        case(op, [NONE, VALUES[:0], SHAPE, np.float32([1, 2, 3])], label="nothing")
        case(op, [INDICES, VALUES, SHAPE, np.ones([1, 1, 3], np.float32)], label="dense of higher rank")
        case(op, [INDICES, VALUES, SHAPE, np.ones([3, 3], np.float32)], label="dense of another shape")


def pairs():
    other, values = np.array([[0, 1], [0, 2]], I64), np.float32([-1.5, 5])
    for dtype in NUMBERS:
        for threshold in (0, 1, 4):
            case("SparseAdd", [INDICES, VALUES.astype(dtype), SHAPE, other, values.astype(dtype), SHAPE, np.asarray(threshold, dtype)], label=f"threshold {threshold}")
        for op in ("SparseSparseMaximum", "SparseSparseMinimum"):
            case(op, [INDICES, VALUES.astype(dtype), SHAPE, other, values.astype(dtype), SHAPE], label=np.dtype(dtype).name)
    case("SparseAdd", [NONE, VALUES[:0], SHAPE, other, values, SHAPE, np.float32(0)], label="nothing and something")
    case("SparseAdd", [CUBE, CUBE_VALUES, CUBE_SHAPE, CUBE[1:4], -CUBE_VALUES[1:4], CUBE_SHAPE, np.float32(0.1)], label="rank 3")
    case("SparseAdd", [INDICES, VALUES, SHAPE, other, values, SHAPE + 1, np.float32(0)], label="other shape")
    case("SparseAdd", [INDICES, VALUES, SHAPE, other, values, SHAPE, np.float32([0])], label="vector of thresholds")
    case("SparseSparseMaximum", [INDICES, VALUES, SHAPE, other, values, SHAPE + 1], label="other shape")
    case("SparseSparseMinimum", [INDICES, VALUES, SHAPE, other, values, SHAPE + 1], label="other shape")


def folds():
    for op in ("SparseReduceSum", "SparseReduceMax", "SparseReduceSumSparse", "SparseReduceMaxSparse"):
        for dtype in NUMBERS:
            case(op, [INDICES, VALUES.astype(dtype), SHAPE, np.array([1], np.int32)], label=np.dtype(dtype).name)
        for axes in ([0], [1], [2], [-1], [0, 2], [1, 2], [0, 1, 2], []):
            for keep in (False, True):
                case(op, [CUBE, CUBE_VALUES, CUBE_SHAPE, np.array(axes, np.int32)], {"keep_dims": keep}, label=f"{axes} {keep}")
        case(op, [INDICES, VALUES, SHAPE, Const(np.int32(0))], label="scalar axis")
        case(op, [INDICES, VALUES, SHAPE, np.array([2], np.int32)], label="no such axis")
    for dtype in (np.float32, np.float64):
        case("SparseSoftmax", [INDICES, VALUES.astype(dtype), SHAPE], label=np.dtype(dtype).name)
    case("SparseSoftmax", [CUBE, CUBE_VALUES, CUBE_SHAPE], label="rank 3")
    case("SparseSoftmax", [NONE, VALUES[:0], SHAPE], label="nothing")
    case("SparseSoftmax", [np.array([[0], [2]], I64), VALUES[:2], np.array([3], I64)], label="rank 1")
