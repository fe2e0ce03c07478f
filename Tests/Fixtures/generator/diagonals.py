"""Diagonals and bands of matrices."""
from .movement import *


def cases():
    tensors_of_diagonals()
    matrices_of_diagonals()
    diagonals_of_matrices()
    set_diagonals()
    bands()
    old_names()


def old_names():
    for shape in ([2, 3], [3], []):
        older("BatchMatrixDiag", "MatrixDiag", [numbers(shape)], label=f"{shape}")
    for shape in ([2, 3, 2], [3, 3], [3]):
        older("BatchMatrixDiagPart", "MatrixDiagPart", [numbers(shape)], label=f"{shape}")
        older("BatchMatrixBandPart", "MatrixBandPart", [numbers(shape), ints(0, np.int64), ints(1, np.int64)], label=f"{shape}")
        older("BatchMatrixSetDiag", "MatrixSetDiag", [numbers(shape), -numbers(shape[:-2] + [min(shape[-2:])])], label=f"{shape}")


def tensors_of_diagonals():
    each_dtype("Diag", lambda d: [numbers([2, 3], d)])
    each_dtype("DiagPart", lambda d: [numbers([2, 3, 2, 3], d)])
    for shape in ([], [3], [0], [2, 1], [2, 2, 2], [1, 2, 1, 2]):
        case("Diag", [numbers(shape)], label=f"{shape}")
    for shape in ([], [3], [3, 3], [0, 0], [2, 3], [2, 2, 2], [2, 3, 3, 2], [2, 1, 2, 2, 1, 2], [1] * 8):
        case("DiagPart", [numbers(shape)], label=f"{shape}")


def matrices_of_diagonals():
    each_dtype("MatrixDiag", lambda d: [numbers([2, 3], d)])
    for shape in ([], [3], [0], [2, 0], [0, 2], [2, 1, 2]):
        case("MatrixDiag", [numbers(shape)], label=f"{shape}")
    for op in ("MatrixDiagV2", "MatrixDiagV3"):
        each_dtype(op, lambda d: [numbers([2, 3, 3], d), ints([-1, 1]), ints(3), ints(4), numbers([2], d)[1]])
        each_dtype(op, lambda d: [numbers([3], d), ints(0), ints(-1), ints(-1), numbers([2], d)[0]])
        for shape, k, rows, columns in (
            ([3], 0, -1, -1), ([3], 1, -1, -1), ([3], -2, -1, -1), ([3], [1], -1, -1), ([2, 3], 1, -1, -1), ([3], 0, 3, -1), ([3], 0, 5, -1), ([3], 0, -1, 4),
            ([3], 0, 4, 4), ([3], -1, 3, 3), ([3], 0, 2, 4), ([3], 2, 3, 5), ([2, 3], [0, 1], -1, -1), ([2, 3], [-1, 0], -1, -1), ([2, 3], [0, 1], 3, 4),
            ([3, 3], [-1, 1], 3, 3), ([3, 2], [-1, 1], 2, 3), ([3, 2], [-1, 1], -1, 3), ([2, 3, 2], [-1, 1], 3, 2), ([4, 2], [-3, 0], 4, 2), ([2, 3], [1, 2], 3, 5),
            ([2, 3], [-1, 1], 3, 3), ([2, 3], [1, 0], 3, 3), ([3], [0, 1], -1, -1), ([3], [0, 0, 0], 3, 3), ([], 0, 1, 1), ([0], 0, -1, -1), ([2, 0], 0, -1, -1),
            ([3], 0, 0, 3), ([3], 5, 3, 3), ([3], [[0]], 3, 3), ([1, 3], [0, 0], 3, 3), ([0, 3, 3], [-1, 1], 3, 3),
        ):
            case(op, [numbers(shape) + 1, ints(k), ints(rows), ints(columns), np.float32(-1)], label=f"{shape} {k} {rows} {columns}")
    for align in ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT", "MIDDLE"):
        for rows, columns, k in ((4, 4, [-2, 1]), (3, 4, [-1, 3]), (4, 3, [-3, 1])):
            longest = max(min(rows + min(d, 0), columns - max(d, 0)) for d in range(k[0], k[1] + 1))
            case("MatrixDiagV3", [numbers([k[1] - k[0] + 1, longest]) + 1, ints(k), ints(rows), ints(columns), np.float32(0)], {"align": align}, label=f"{align} {rows} {columns}")
    case("MatrixDiagV3", [numbers([3]), Const(0, np.int32), Const(-1, np.int32), Const(-1, np.int32), np.float32(0)], label="constant")
    case("MatrixDiagV3", [numbers([3]), ints(0), ints([-1]), ints(-1), np.float32(0)], label="rows are a vector")
    case("MatrixDiagV3", [numbers([3]), ints(0), ints(-1), ints(-1), numbers([2])], label="padding is a vector")


def diagonals_of_matrices():
    each_dtype("MatrixDiagPart", lambda d: [numbers([2, 3, 2], d)])
    for shape in ([], [3], [3, 3], [0, 3], [2, 3, 0], [0, 2, 2], [2, 2, 3, 5]):
        case("MatrixDiagPart", [numbers(shape)], label=f"{shape}")
    for op in ("MatrixDiagPartV2", "MatrixDiagPartV3"):
        each_dtype(op, lambda d: [numbers([2, 3, 4], d), ints([-1, 1]), numbers([2], d)[1]])
        for shape, k in (
            ([3, 3], 0), ([3, 4], 1), ([3, 4], -2), ([3, 4], 3), ([3, 4], 4), ([3, 4], -3), ([3, 4], [1]), ([3, 4], [0, 1]), ([3, 4], [-2, 3]), ([2, 4, 3], [-1, 2]),
            ([3, 4], [1, 0]), ([3, 4], [0, 1, 2]), ([3], 0), ([0, 3], 0), ([3, 0], 0), ([0, 3, 3], [0, 1]), ([3, 4], [[0]]), ([3, 4], [-2, -1]), ([3, 4], [2, 3]), ([3, 4], [0, 0]),
        ):
            case(op, [numbers(shape) + 1, ints(k), np.float32(-1)], label=f"{shape} {k}")
    for align in ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT"):
        for shape, k in (([4, 4], [-2, 1]), ([2, 3, 4], [-1, 3]), ([4, 3], [-3, 1])):
            case("MatrixDiagPartV3", [numbers(shape) + 1, ints(k), np.float32(0)], {"align": align}, label=f"{align} {shape}")
    case("MatrixDiagPartV3", [numbers([3, 3]), Const([0, 1], np.int32), np.float32(0)], label="constant")


def set_diagonals():
    each_dtype("MatrixSetDiag", lambda d: [numbers([2, 3, 2], d), numbers([2, 2], d)[::-1]])
    for shape, diagonal in (([3, 3], [3]), ([3, 5], [3]), ([2, 0], [0]), ([0, 2, 2], [0, 2]), ([2, 3, 3], [2, 3]), ([3, 3], [2]), ([3, 3], [1, 3]), ([3], [3]), ([2, 3, 3], [3]), ([3, 3], [])):
        case("MatrixSetDiag", [numbers(shape), -numbers(diagonal) - 1], label=f"{shape} {diagonal}")
    for op in ("MatrixSetDiagV2", "MatrixSetDiagV3"):
        each_dtype(op, lambda d: [numbers([2, 3, 4], d), numbers([2, 3, 3], d)[::-1], ints([-1, 1])])
        for shape, diagonal, k in (
            ([3, 3], [3], 0), ([3, 4], [3], 1), ([3, 4], [1], -2), ([3, 4], [1], 3), ([3, 4], [1], 4), ([3, 4], [3], [1]), ([3, 4], [2, 3], [0, 1]), ([3, 4], [6, 3], [-2, 3]),
            ([2, 4, 3], [2, 4, 3], [-1, 2]), ([3, 4], [2, 3], [1, 0]), ([3, 4], [3], [0, 1]), ([3, 4], [2, 4], [0, 1]), ([3], [3], 0), ([0, 3], [0], 0), ([3, 3], [2], 0), ([3, 3], [3], [[0]]),
            ([3, 3], [1, 3], [0, 0]),
        ):
            case(op, [numbers(shape), -numbers(diagonal) - 1, ints(k)], label=f"{shape} {diagonal} {k}")
    for align in ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT"):
        for shape, diagonal, k in (([4, 4], [4, 4], [-2, 1]), ([2, 3, 4], [2, 5, 3], [-1, 3]), ([4, 3], [5, 3], [-3, 1])):
            case("MatrixSetDiagV3", [numbers(shape), -numbers(diagonal) - 1, ints(k)], {"align": align}, label=f"{align} {shape}")


def bands():
    each_dtype("MatrixBandPart", lambda d: [numbers([2, 3, 4], d), ints(1), ints(0)])
    for shape, lower, upper in (
        ([4, 4], 0, 0), ([4, 4], -1, 0), ([4, 4], 0, -1), ([4, 4], -1, -1), ([4, 4], 2, 1), ([3, 5], 0, 2), ([5, 3], 3, 0), ([5, 3], 5, 3), ([5, 3], 6, 3), ([5, 3], 5, 4),
        ([3], 0, 0), ([0, 3], 0, 0), ([3, 0], 0, 0), ([2, 2, 3, 3], 1, 1), ([3, 3], -2, 0), ([3, 3], 0, -3),
    ):
        for index in INDEX:
            case("MatrixBandPart", [numbers(shape) + 1, ints(lower, index), ints(upper, index)], label=f"{shape} {lower} {upper} {name(index)}")
    case("MatrixBandPart", [numbers([3, 3]), ints([0]), ints(0)], label="lower is a vector")
    case("MatrixBandPart", [numbers([3, 3]), Const(0, np.int32), Const(1, np.int32)], label="constant")
