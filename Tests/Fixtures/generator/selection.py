"""What is chosen, repeated, turned around, or told of shapes."""
from .arrays import MAIN
from .movement import *


def cases():
    select()
    broadcast()
    reverse()
    roll()
    shapes()
    strided()
    others()


def select():
    each_dtype("SelectV2", lambda d: [numbers([2, 3], np.bool_), numbers([2, 3], d), numbers([2, 3], d)[::-1]])
    each_dtype("SelectV2", lambda d: [numbers([3], np.bool_), numbers([2, 1], d), numbers([1, 3], d)], label="broadcast")
    for condition, one, two in (
        ([], [], []), ([], [2, 3], [2, 3]), ([2, 3], [], []), ([2, 3], [], [2, 3]), ([2, 1], [2, 3], []), ([2, 1, 3], [4, 1], [1]), ([1], [2, 2], [2, 2]), ([2, 3], [3], [2, 1]),
        ([0], [1], [1]), ([2, 0], [1], [2, 1]), ([2, 1, 2, 1], [3, 1, 2], [2, 1, 1, 2]), ([2], [3], [3]), ([2, 2], [3, 2], [1]), ([1, 2, 1, 2, 1, 2, 1, 2], [2, 1, 2, 1, 2, 1, 2, 1], [1]),
        ([3, 4, 5], [3, 4, 5], [3, 4, 5]), ([4, 1], [4, 5], [4, 5]),
    ):
        case("SelectV2", [numbers(condition, np.bool_), numbers(one), numbers(two) + 50], label=f"{condition} {one} {two}")
    each_dtype("Select", lambda d: [numbers([2, 3], np.bool_), numbers([2, 3], d), numbers([2, 3], d)[::-1]])
    each_dtype("Select", lambda d: [numbers([2], np.bool_), numbers([2, 3], d), numbers([2, 3], d)[::-1]], label="rows")


def broadcast():
    each_dtype("BroadcastTo", lambda d: [numbers([2, 1, 3], d), ints([2, 2, 2, 3])])
    for shape, to in (([], []), ([], [2, 3]), ([3], [3]), ([1], [4]), ([2, 1], [2, 3]), ([1, 3], [2, 3]), ([3], [0, 3]), ([1], [0]), ([0], [2, 0]), ([2], [3]), ([2, 3], [3]), ([2, 1, 2, 1], [2, 3, 2, 3]),
                      ([1, 1, 1], [2, 2, 2]), ([2], [1]), ([3], [-1]), ([3], [2, -3])):
        for index in INDEX:
            case("BroadcastTo", [numbers(shape), ints(to, index)], label=f"{shape} {to} {name(index)}")
    case("BroadcastTo", [numbers([3]), Const([2, 3], np.int32)], label="constant")
    case("BroadcastTo", [numbers([3]), ints([[2, 3]])], label="a matrix")
    for one, two in (([], []), ([2, 3], [3]), ([2, 1], [1, 3]), ([2, 3], []), ([1, 1], [1]), ([5, 1, 3, 1], [2, 1, 4]), ([0, 1], [1, 3]), ([2], [3]), ([2, 3], [2, 3]), ([1, 2], [1, 2]), ([1], [1])):
        for op in ("BroadcastArgs", "BroadcastGradientArgs"):
            for index in INDEX:
                case(op, [ints(one, index), ints(two, index)], label=f"{one} {two} {name(index)}")
            case(op, [Const(one, np.int32), ints(two)], label=f"constant {one} {two}")
    case("BroadcastArgs", [ints([[2]]), ints([2])], label="a matrix")
    case("BroadcastGradientArgs", [ints([[2]]), ints([2])], label="a matrix")


def reverse():
    each_dtype("ReverseV2", lambda d: [numbers([2, 3, 2], d), ints([1, -1])])
    for shape, axes in (([4], [0]), ([2, 3], [0]), ([2, 3], [1]), ([2, 3], [-1]), ([2, 3], [0, 1]), ([2, 3], []), ([2, 3], [0, 0]), ([2, 3], [1, -1]), ([2, 3], [2]), ([2, 3], [-3]), ([], []),
                        ([0, 3], [1]), ([2, 1, 3, 2], [0, 2, 3]), ([1, 1], [0]), ([2] * 8, [1, 3, 5, 7]), ([2] * 9, [1])):
        for index in INDEX:
            case("ReverseV2", [numbers(shape), ints(axes, index)], label=f"{shape} {axes} {name(index)}")
    case("ReverseV2", [numbers([3]), ints(0)], label="a scalar axis")
    each_dtype("Reverse", lambda d: [numbers([2, 3, 2], d), np.array([True, False, True])])
    for shape, dims in (([3], [True]), ([3], [False]), ([2, 2], [True]), ([], [])):
        case("Reverse", [numbers(shape), np.array(dims, np.bool_)], label=f"{shape} {dims}")
    each_dtype("ReverseSequence", lambda d: [numbers([2, 4, 2], d), ints([3, 2])], {"seq_dim": 1})
    for shape, lengths, seq, batch in (
        ([3, 4], [0, 1, 4], 1, 0), ([4, 3], [0, 2, 4], 0, 1), ([2, 3, 4], [4, 1], 2, 0), ([2, 3, 4], [2, 1, 2], 0, 1), ([2, 3, 2, 2], [2, 1, 0], 2, 1), ([2, 3], [4, 1], 1, 0), ([2, 3], [-1, 1], 1, 0),
        ([2, 3], [1], 1, 0), ([2, 3], [1, 1], 0, 0), ([2, 3], [1, 1], 2, 0), ([2, 3], [1, 1], 1, 2), ([2, 3], [[1, 1]], 1, 0), ([0, 3], [], 1, 0), ([2, 0], [0, 0], 1, 0), ([2, 3], [1, 1], -1, 0),
    ):
        for index in INDEX:
            case("ReverseSequence", [numbers(shape), ints(lengths, index)], {"seq_dim": seq, "batch_dim": batch}, label=f"{shape} {lengths} {seq} {batch} {name(index)}")


def roll():
    each_dtype("Roll", lambda d: [numbers([2, 3, 2], d), ints([1, -1]), ints([1, 2])])
    for shape, shift, axis in (([5], 2, 0), ([5], -1, 0), ([5], 7, 0), ([5], [2], [0]), ([2, 3], [1, 1], [0, 1]), ([2, 3], [1, 1], [1, 1]), ([2, 3], 1, -1), ([2, 3], 1, 2), ([2, 3], [1], [0, 1]), ([2, 3], 0, 0),
                               ([0, 3], 1, 1), ([2, 0], 1, 0), ([], 1, 0), ([2, 3, 4], [-5, 3], [0, 2]), ([2, 3, 4], [1, 2, 3], [0, 1, 2]), ([2, 3], [[1]], [0]), ([3], 1, -2)):
        for index in INDEX:
            case("Roll", [numbers(shape), ints(shift, index), ints(axis)], label=f"{shape} {shift} {axis} {name(index)}")


def shapes():
    for sizes, axis in (([[2, 3], [2, 1], [2, 0]], 1), ([[2, 3], [2, 3]], 0), ([[2, 3]], 1), ([[2, 3], [4, 1]], 1), ([[2, 3], [2]], 0), ([[2, 3], [2, 3]], 2), ([[2, 3], [2, 3]], -1), ([[2], [2]], 0)):
        for index in INDEX:
            case("ConcatOffset", [ints(axis), [ints(s, index) for s in sizes]], label=f"{sizes} {axis} {name(index)}")
    case("ConcatOffset", [ints([0]), [ints([2]), ints([2])]], label="the axis is a vector")
    case("ConcatOffset", [ints(0), [ints([[2]]), ints([2])]], label="a matrix")
    for dtype in INDEX:
        for x in ([2, 0, 1], [0], [], [0, 1, 2, 3], [1, 1], [0, 3], [-1, 0], [[0]], 0):
            case("InvertPermutation", [ints(x, dtype)], label=f"{x} {name(dtype)}")
    case("InvertPermutation", [Const([1, 2, 0], np.int32)], label="constant")
    for shape in ([2, 3], [None, 3], None, [3, None], [2], [2, 3, 1], []):
        case("EnsureShape", [numbers([2, 3])], {"shape": tf.TensorShape(shape)}, label=f"{shape}")
    each_dtype("EnsureShape", lambda d: [numbers([2], d)], {"shape": tf.TensorShape([None])})
    for dtype in MAIN:
        case("Empty", [ints([2, 3])], {"dtype": tf.string if dtype == np.object_ else tf.as_dtype(dtype), "init": True}, label=name(dtype))
    for shape in ([], [0], [-1], [[2]], 3):
        case("Empty", [ints(shape)], {"dtype": tf.float32, "init": True}, label=f"{shape}")


def strided():
    x = [5, 6]
    for begin, end, step, masks in (
        ([1, 0], [4, 6], [1, 2], {}), ([4, 5], [0, 0], [-1, -2], {}), ([0, 1], [0, 3], [1, 1], {"begin_mask": 1, "end_mask": 1}), ([2, 1], [3, 4], [1, 1], {"shrink_axis_mask": 1}),
        ([0, 1, 0], [0, 4, 0], [1, 1, 1], {"ellipsis_mask": 1, "new_axis_mask": 4}), ([1], [3], [1], {}), ([3, 0], [3, 2], [1, 1], {}), ([-2, -3], [5, -1], [1, 1], {}), ([0, 0], [9, 9], [2, 5], {}),
    ):
        for index in INDEX:
            parts = [ints(v, index) for v in (begin, end, step)]
            with tf.Graph().as_default():
                shape = tf.raw_ops.StridedSlice(input=tf.zeros(x), begin=begin, end=end, strides=step, **masks).shape.as_list()
            case("StridedSliceGrad", [ints(x, index)] + parts + [numbers(shape) + 1], masks, label=f"{begin} {end} {step} {masks} {name(index)}")
            case("TensorStridedSliceUpdate", [numbers(x)] + parts + [-numbers(shape) - 1], masks, label=f"{begin} {end} {step} {masks} {name(index)}")
    three = [ints([1, 0]), ints([4, 6]), ints([1, 2])]
    each_dtype("StridedSliceGrad", lambda d: [ints(x)] + three + [numbers([3, 3], d)])
    each_dtype("TensorStridedSliceUpdate", lambda d: [numbers(x, d)] + three + [numbers([3, 3], d)[::-1]])
    for shape in ([3, 2], [3], [1, 3], [], [1], [2, 3, 3], [1, 3, 3], [3, 1]):
        case("StridedSliceGrad", [ints(x)] + three + [numbers(shape)], label=f"{shape}")
        case("TensorStridedSliceUpdate", [numbers(x)] + three + [numbers(shape) + 100], label=f"{shape}")
    case("StridedSliceGrad", [ints([[5, 6]])] + three + [numbers([3, 3])], label="the shape is a matrix")
    case("StridedSliceGrad", [Const(x, np.int32), Const([1, 0], np.int32), Const([4, 6], np.int32), Const([1, 2], np.int32), numbers([3, 3])], label="constant")


def others():
    case("IdentityN", [[numbers([2]), numbers([3], np.int32), numbers([2], np.object_)]], label="three")
    case("IdentityN", [[numbers([0])]], label="one")
    each_dtype("Identity", lambda d: [numbers([2, 2], d)])
    each_dtype("Snapshot", lambda d: [numbers([2, 2], d)], dtypes=MAIN)
    each_dtype("StopGradient", lambda d: [numbers([2, 2], d)])
    each_dtype("PreventGradient", lambda d: [numbers([2, 2], d)])
    each_dtype("OneHot", lambda d: [ints([1, 0, 5]), ints(3), numbers([3], d)[2], numbers([3], d)[0]])
    each_dtype("Tile", lambda d: [numbers([2, 2], d), ints([2, 3])], dtypes=MAIN + [np.float16, np.complex64, np.complex128])
    each_dtype("Fill", lambda d: [ints([2, 2]), numbers([2], d)[1]])
    each_dtype("SplitV", lambda d: [numbers([2, 4], d), ints([1, 3]), ints(1)], {"num_split": 2})
    each_dtype("ZerosLike", lambda d: [numbers([2, 2], d)])
    each_dtype("OnesLike", lambda d: [numbers([2, 2], d)], dtypes=[d for d in ALL if d != np.object_])
    each_dtype("DeepCopy", lambda d: [numbers([2, 2], d)])
    case("OnesLike", [numbers([0, 2])], label="empty")
    for dtype in FLOATS:
        for start, stop, num in ((0, 1, 5), (1, -1, 4), (2, 7, 1), (3, 3, 3), (0.1, 0.7, 7), (0, 1, 0), (0, 1, -1), (-np.inf, 1, 3)):
            case("LinSpace", [np.array(start, dtype), np.array(stop, dtype), ints(num)], label=f"{name(dtype)} {start} {stop} {num}")
    case("LinSpace", [np.float32(0), np.float32(1), ints(3, np.int64)], label="int64")
    case("LinSpace", [np.float32(0), np.float32(1), Const(3, np.int32)], label="constant")
    case("LinSpace", [np.float32([0]), np.float32(1), ints(3)], label="start is a vector")
    case("LinSpace", [np.float32(0), np.float32(1), ints([3])], label="num is a vector")
