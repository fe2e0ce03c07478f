"""Ops that move elements or ask for shapes: queries, reshaping, joins, splits, slices, transposes, fills, sequences, gathers."""
import itertools

import numpy as np
import tensorflow as tf

from .core import Const, case

MAIN = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_, np.object_]
OTHER = [np.int8, np.int16, np.uint16, np.uint32, np.uint64, np.float16, np.complex64, np.complex128, tf.bfloat16.as_numpy_dtype]
ALL = MAIN + OTHER
INDEX = [np.int32, np.int64]


def cases():
    constants()
    queries()
    reshape()
    expand_dims()
    squeeze()
    pack()
    concat()
    split()
    splitv()
    unpack()
    slices()
    strided_slices()
    random_strided_slices()
    transpose()
    fill()
    tile()
    ranges()
    one_hot()
    gather()


def name(dtype):
    return "string" if dtype == np.object_ else np.dtype(dtype).name


def numbers(shape, dtype=np.float32):
    """Elements that differ, as far as the dtype can."""
    count = int(np.prod(shape, dtype=np.int64))
    if dtype == np.object_:
        flat = np.array([b"%d" % i * (i % 4) for i in range(count)] + [None], np.object_)[:-1]
    elif dtype == np.bool_:
        flat = np.arange(count) * 7 % 5 % 2 == 0
    elif np.dtype(dtype).kind == "c":
        flat = (np.arange(count) + 1j * np.arange(count, 0, -1)).astype(dtype)
    else:
        flat = (np.arange(count) % 120).astype(dtype)
    return flat.reshape(shape)


def ints(values, dtype=np.int32):
    return np.array(values, dtype)


# Constants in every form that a file can have them.


def constants():
    def proto(dtype, shape, **fields):
        message = _tensor_proto()
        message.dtype = dtype.as_datatype_enum
        for size in shape:
            message.tensor_shape.dim.add().size = size
        message.tensor_shape.SetInParent()
        for field, values in fields.items():
            if field == "tensor_content":
                message.tensor_content = values
            else:
                getattr(message, field).extend(values)
        return message

    def const(label, dtype, shape, **fields):
        case("Const", [], {"value": proto(dtype, shape, **fields), "dtype": dtype}, label=label)

    lists = [
        (tf.float32, "float_val", [1.5, -2.5, 0.1]), (tf.float64, "double_val", [1.5, -2.5, 0.1]),
        (tf.int32, "int_val", [1, -2, 3]), (tf.int64, "int64_val", [1, -(2**60), 3]), (tf.uint8, "int_val", [1, 200, 3]),
        (tf.int8, "int_val", [1, -100, 3]), (tf.int16, "int_val", [1, -3000, 3]), (tf.uint16, "int_val", [1, 60000, 3]),
        (tf.uint32, "uint32_val", [1, 2**32 - 1, 3]), (tf.uint64, "uint64_val", [1, 2**64 - 1, 3]),
        (tf.bool, "bool_val", [True, False, True]), (tf.string, "string_val", [b"a", b"", b"\xff\x00"]),
        (tf.float16, "half_val", [0x3C00, 0xC000, 0x0001]), (tf.bfloat16, "half_val", [0x3F80, 0xC000, 0x4000]),
    ]
    for dtype, field, values in lists:
        const(f"list {dtype.name}", dtype, [3], **{field: values})
        const(f"splat {dtype.name}", dtype, [2, 2], **{field: values[1:2]})
        const(f"short list {dtype.name}", dtype, [5], **{field: values})
        const(f"scalar {dtype.name}", dtype, [], **{field: values[:1]})
        const(f"no values {dtype.name}", dtype, [2], **{field: []})
        const(f"empty {dtype.name}", dtype, [0, 2], **{field: []})
        if dtype != tf.string:
            array = np.array([[1, 0, 1]]).astype(dtype.as_numpy_dtype)
            const(f"content {dtype.name}", dtype, [1, 3], tensor_content=array.tobytes())
    const("list complex64", tf.complex64, [2], scomplex_val=[1, 2, 3, 4])
    const("splat complex64", tf.complex64, [3], scomplex_val=[1, 2])
    const("list complex128", tf.complex128, [2], dcomplex_val=[1, 2, 3, 4])
    const("splat complex128", tf.complex128, [3], dcomplex_val=[1, 2])
    case("PlaceholderWithDefault", [numbers([2, 3])], {"shape": [2, 3]}, label="shape")
    case("PlaceholderWithDefault", [numbers([2, 3], np.int64)], {"shape": None}, label="any shape")


def _tensor_proto():
    from tensorflow.core.framework import tensor_pb2

    return tensor_pb2.TensorProto()


# Shapes.


def queries():
    shapes = [[], [3], [2, 3], [1, 0, 2], [2, 1, 3, 1], [1, 2, 1, 2, 1]]
    for op, shape, out in itertools.product(["Shape", "Size"], shapes, INDEX):
        case(op, [numbers(shape)], {"out_type": tf.as_dtype(out)}, label=f"{shape} {name(out)}")
    for shape in shapes:
        case("Rank", [numbers(shape)], label=f"{shape}")
    for dtype in ALL:
        for op in ("Shape", "Size", "Rank"):
            case(op, [numbers([2, 3], dtype)], label=name(dtype))
    for out in INDEX:
        case("ShapeN", [[numbers([2, 3]), numbers([]), numbers([4])]], {"out_type": tf.as_dtype(out)}, label=name(out))
    case("Shape", [np.zeros([2**33, 0], np.float32)], label="dimension above int32")
    case("Shape", [np.zeros([2**33, 0], np.float32)], {"out_type": tf.int64}, label="dimension above int32 as int64")
    case("Size", [np.zeros([2**33, 0], np.float32)], label="zero of a large dimension")


def reshape():
    for dtype in ALL:
        case("Reshape", [numbers([2, 3], dtype), ints([3, 2])], label=name(dtype))
    good = [
        ([2, 3], [6]), ([2, 3], [-1]), ([2, 3], [3, -1]), ([2, 3], [-1, 1, 2]), ([], []), ([], [1, 1]), ([1], []), ([], [-1]),
        ([2, 3, 4], [4, 6]), ([0, 3], [0]), ([0, 3], [-1]), ([0, 3], [3, 0]), ([0, 3], [0, -1]), ([0, 3], [-1, 0]), ([0, 3], [2, -1]),
        ([0, 3], [3, -1]), ([0], [-1, 0]), ([0], [5, 0, 7]), ([2, 0, 3], [0, -1, 2]), ([1, 2, 1, 3, 1], [3, 2]), ([24], [1, 2, 3, 4, 1]),
    ]
    for (shape, sizes), index in itertools.product(good, INDEX):
        case("Reshape", [numbers(shape), ints(sizes, index)], label=f"{shape} to {sizes} {name(index)}")
        case("Reshape", [numbers(shape), Const(sizes, index)], label=f"{shape} to constant {sizes} {name(index)}")
    bad = [
        ([2, 3], [4]), ([2, 3], [4, -1]), ([2, 3], [-1, -1]), ([2, 3], [-2]), ([2, 3], [0]), ([2, 3], [0, -1]), ([0, 3], [1]),
        ([2, 3], []), ([2, 3], [7]), ([2, 3], [2**31 - 1, 2**31 - 1, 2**31 - 1]), ([2, 3], [-1, -5]), ([2, 3], [2, 3, 2]),
    ]
    for shape, sizes in bad:
        case("Reshape", [numbers(shape), ints(sizes)], label=f"{shape} to {sizes}")
    case("Reshape", [numbers([2, 3]), ints([2**40, 2**40], np.int64)], label="too large")
    case("Reshape", [numbers([2, 3]), ints([2**40], np.int64)], label="large")
    case("Reshape", [numbers([6]), ints([[6]])], label="sizes are a matrix")
    case("Reshape", [numbers([1, 1]), ints(1)], label="sizes are a scalar")
    case("Reshape", [numbers([2]), ints(1)], label="sizes are a scalar that does not fit")


def expand_dims():
    for dtype in ALL:
        case("ExpandDims", [numbers([2], dtype), ints(0)], label=name(dtype))
    for shape in ([], [3], [2, 3], [0, 2], [2, 1, 3, 1]):
        for axis in range(-len(shape) - 2, len(shape) + 2):
            case("ExpandDims", [numbers(shape), ints(axis)], label=f"{shape} at {axis}")
    case("ExpandDims", [numbers([2, 3]), ints(-1, np.int64)], label="int64")
    case("ExpandDims", [numbers([2, 3]), ints([1])], label="a vector of one")
    case("ExpandDims", [numbers([2, 3]), ints([[1]])], label="a matrix of one")
    case("ExpandDims", [numbers([2, 3]), ints([1, 2])], label="two axes")
    case("ExpandDims", [numbers([2, 3]), ints([])], label="no axis")


def squeeze():
    for dtype in ALL:
        case("Squeeze", [numbers([1, 2, 1], dtype)], label=name(dtype))
    for shape in ([], [1], [3], [1, 1], [2, 1, 3, 1], [1, 0, 1], [1, 2, 1, 3, 1]):
        case("Squeeze", [numbers(shape)], label=f"all of {shape}")
    shape = [1, 2, 1, 3, 1]
    for dims in ([0], [2], [-1], [-5], [0, 2], [4, -3], [0, 2, 4], [0, -5], [0, 0], [1], [5], [-6], [0, 1], [2, 7]):
        case("Squeeze", [numbers(shape)], {"squeeze_dims": dims}, label=f"{dims} of {shape}")
    case("Squeeze", [numbers([])], {"squeeze_dims": [0]}, label="of a scalar")
    case("Squeeze", [numbers([1, 0])], {"squeeze_dims": [0]}, label="of an empty tensor")
    case("Squeeze", [numbers([1, 0])], {"squeeze_dims": [1]}, label="the empty dimension")


# Joins and splits.


def pack():
    for dtype in ALL:
        case("Pack", [[numbers([2, 3], dtype), numbers([2, 3], dtype)[::-1], numbers([2, 3], dtype)]], {"axis": 1}, label=name(dtype))
    for shape in ([], [3], [2, 3], [2, 0], [2, 3, 2], [2, 1, 2, 2]):
        for axis in range(-len(shape) - 2, len(shape) + 2):
            parts = [numbers(shape) + 100 * i for i in range(3)]
            case("Pack", [parts], {"axis": axis}, label=f"{shape} at {axis}")
    case("Pack", [[numbers([2, 3])]], label="one")
    case("Pack", [[numbers([2, 3])]], {"axis": -1}, label="one at the end")
    case("Pack", [[numbers([])] * 40], label="forty")
    case("Pack", [[numbers([2, 3]), numbers([3, 2])]], label="other shape")
    case("Pack", [[numbers([2, 3]), numbers([2, 3, 1])]], label="other rank")
    case("Pack", [[numbers([2, 3]), numbers([])]], label="a scalar")


def concat():
    for dtype in ALL:
        case("ConcatV2", [[numbers([2, 3], dtype), numbers([2, 1], dtype)], ints(1)], label=name(dtype))
        case("ConcatV2", [[numbers([2, 2], dtype), numbers([1, 2], dtype)], ints(0)], label=f"{name(dtype)} rows")
    groups = [
        ([3], [2], [1]), ([2, 3], [2, 3], [2, 3]), ([2, 0], [2, 0]), ([2, 3, 1], [2, 3, 1]), ([1, 2, 2, 2], [1, 2, 2, 2]),
        ([1, 2, 1, 2, 1], [1, 2, 1, 2, 1]),
    ]
    for group in groups:
        rank = len(group[0])
        for axis in range(-rank - 1, rank + 1):
            parts = [numbers(shape) + 100 * i for i, shape in enumerate(group)]
            case("ConcatV2", [parts, ints(axis)], label=f"{group} at {axis}")
    for axis in (0, 1, -1, -2, 2, -3):
        case("Concat", [ints(axis), [numbers([2, 3]), numbers([2, 3])]], label=f"at {axis}")
    uneven = [numbers([2, 1, 3]), numbers([2, 4, 3]) + 50, numbers([2, 0, 3]), numbers([2, 2, 3]) + 100]
    case("ConcatV2", [uneven, ints(1, np.int64)], label="uneven, int64")
    case("ConcatV2", [uneven, Const(-2, np.int32)], label="uneven, constant")
    case("ConcatV2", [[numbers([2, 0]), numbers([2, 3]), numbers([2, 0])], ints(1)], label="one is not empty")
    case("ConcatV2", [[numbers([0, 3]), numbers([0, 3])], ints(1)], label="no rows")
    case("ConcatV2", [[numbers([2, 3]), numbers([2, 3])], ints([1])], label="the axis is a vector")
    case("ConcatV2", [[numbers([2, 3]), numbers([2, 3])], ints([0, 1])], label="two axes")
    case("ConcatV2", [[numbers([64, 1]), numbers([64, 8]), numbers([64, 3])], ints(1)], label="narrow columns")
    case("ConcatV2", [[numbers([1])] * 50, ints(0)], label="fifty")
    for shapes in ([[2, 3], [3, 4]], [[2, 3], [3]], [[], []], [[3], []], [[2, 3], [0]], [[0], [2, 3]], [[2, 3], [0, 4]]):
        case("ConcatV2", [[numbers(s) for s in shapes], ints(0)], label=f"{shapes}")
    case("Concat", [ints([0]), [numbers([2]), numbers([3])]], label="the axis is a vector")
    case("Concat", [ints(0), [numbers([2]), numbers([3, 1])]], label="other rank")


def split():
    for dtype in ALL:
        case("Split", [ints(1), numbers([2, 4], dtype)], {"num_split": 2}, label=name(dtype))
    for shape, count in (([6], 3), ([4, 6], 2), ([2, 4, 2], 2), ([0, 2], 2), ([2, 2, 2, 2], 2), ([1, 2, 1, 2, 1], 1), ([2, 3], 1)):
        for axis in range(-len(shape) - 1, len(shape) + 1):
            case("Split", [ints(axis), numbers(shape)], {"num_split": count}, label=f"{shape} at {axis} by {count}")
    case("Split", [Const(1, np.int32), numbers([3, 8])], {"num_split": 4}, label="constant axis")
    case("Split", [ints(0), numbers([2, 3])], {"num_split": 2}, label="rows")
    case("Split", [ints([1]), numbers([2, 3])], {"num_split": 3}, label="the axis is a vector")
    case("Split", [ints(0), numbers([])], {"num_split": 1}, label="a scalar")
    case("Split", [ints(0), numbers([0, 3])], {"num_split": 5}, label="nothing by five")
    case("Split", [ints(0), numbers([40])], {"num_split": 40}, label="forty")
    case("Split", [ints(0), numbers([2, 3])], {"num_split": 0}, label="by none")


def splitv():
    for dtype in MAIN:
        case("SplitV", [numbers([2, 4], dtype), ints([1, 3]), ints(1)], {"num_split": 2}, label=name(dtype))
    sizes = [[1, 2, 3], [6, 0, 0], [0, 0, 6], [-1, 2, 1], [3, -1, 3], [2, 2, -1], [3, 3, -1], [1, 1, 1], [7, -1, 0], [-1, -1, 1],
             [5, -2, 3], [6], [2, 4], [-7, 6, 7], [2**31 - 1, 2**31 - 1, 1]]
    for size, index in itertools.product(sizes, INDEX):
        if max(size) > 1000 and index == np.int32:
            continue  # The sum overflows, and the message tells it so.
        case("SplitV", [numbers([6, 2]), ints(size, index), ints(0)], {"num_split": len(size)}, label=f"{size} {name(index)}")
    case("SplitV", [numbers([6, 2]), ints([2, 4]), ints(-2)], {"num_split": 2}, label="negative axis")
    case("SplitV", [numbers([6, 2]), ints([2, 4]), ints(2)], {"num_split": 2}, label="axis out of range")
    case("SplitV", [numbers([6, 2]), ints([2, 4]), ints(0)], {"num_split": 3}, label="a size is missing")
    case("SplitV", [numbers([6, 2]), ints([[2, 4]]), ints(0)], {"num_split": 2}, label="sizes are a matrix")
    case("SplitV", [numbers([0, 2]), ints([0, 0]), ints(0)], {"num_split": 2}, label="nothing")
    case("SplitV", [numbers([6, 0]), ints([2, 4]), ints(0)], {"num_split": 2}, label="empty rows")


def unpack():
    for dtype in ALL:
        case("Unpack", [numbers([2, 3], dtype)], {"num": 3, "axis": 1}, label=name(dtype))
    for axis in range(-4, 4):
        case("Unpack", [numbers([2, 2, 2])], {"num": 2, "axis": axis}, label=f"at {axis}")
    case("Unpack", [numbers([3])], {"num": 3}, label="scalars")
    case("Unpack", [numbers([0, 3])], {"num": 3, "axis": 1}, label="empty")
    case("Unpack", [numbers([1, 3])], {"num": 1}, label="one")
    case("Unpack", [numbers([2, 3])], {"num": 3}, label="another number")
    case("Unpack", [numbers([])], {"num": 1}, label="a scalar")


# Slices.


def slices():
    for dtype in ALL:
        case("Slice", [numbers([3, 4], dtype), ints([1, 1]), ints([2, 2])], label=name(dtype))
    given = [
        ([3], [0], [3]), ([3], [1], [-1]), ([3], [3], [0]), ([3], [3], [-1]), ([3], [4], [0]), ([3], [-1], [1]), ([3], [0], [4]),
        ([3], [1], [3]), ([3], [0], [-2]), ([], [], []), ([2, 3], [1, 0], [1, 3]), ([2, 3], [0, 1], [2, 1]), ([2, 3], [0, 0], [0, 3]),
        ([2, 3], [0, 0], [-1, -1]), ([2, 3], [2, 3], [0, 0]), ([0, 3], [0, 1], [0, 2]), ([0, 3], [0, 1], [-1, -1]), ([0, 3], [1, 0], [0, 0]),
        ([4, 3, 2], [1, 0, 0], [2, 3, 2]), ([4, 3, 2], [0, 1, 0], [4, 2, -1]), ([4, 3, 2], [0, 0, 1], [-1, -1, 1]),
        ([2, 2, 2, 2], [0, 1, 0, 1], [2, 1, 2, 1]), ([2, 1, 2, 3, 2], [1, 0, 0, 1, 0], [1, 1, 2, 2, 2]), ([5, 16], [1, 4], [3, 8]),
        ([5, 16], [1, 4], [3, 4]), ([1, 7], [0, 2], [1, 3]), ([2, 3], [0], [1]), ([2, 3], [0, 0, 0], [1, 1, 1]), ([2, 3], [0, 0], [1]),
    ]
    for (shape, begin, size), index in itertools.product(given, INDEX):
        case("Slice", [numbers(shape), ints(begin, index), ints(size, index)], label=f"{shape} {begin} {size} {name(index)}")
    case("Slice", [numbers([2, 3]), Const([0, 1], np.int32), Const([-1, 2], np.int32)], label="constants")
    case("Slice", [numbers([2, 3]), ints([0, 1]), Const([1, 2], np.int32)], label="constant size")
    case("Slice", [numbers([2, 3]), ints([[0, 1]]), ints([[1, 2]])], label="matrices")
    case("Slice", [numbers([4]), ints([2**62], np.int64), ints([2**62], np.int64)], label="large")
    case("Slice", [numbers([4]), ints([1], np.int64), ints([2**63 - 1], np.int64)], label="larger")


def strided(x, first, last, steps, label="", index=np.int32, constant=False, **masks):
    wrap = (lambda v: Const(v, index)) if constant else (lambda v: ints(v, index))
    attrs = {f"{key}_mask": value for key, value in masks.items()}
    text = label or f"{list(np.shape(x))} {first}:{last}:{steps} " + " ".join(f"{k}={v:b}" for k, v in masks.items())
    case("StridedSlice", [x, wrap(first), wrap(last), wrap(steps)], attrs, label=text)


def strided_slices():
    for dtype in ALL:
        strided(numbers([3, 4], dtype), [0, 3], [3, 0], [2, -2], label=name(dtype))
    one = numbers([5])
    for begin, end, step in itertools.product([-7, -2, 0, 3, 6], [-7, -1, 2, 5, 8], [1, 2, -1, -3]):
        strided(one, [begin], [end], [step])
    for step, begin_mask, end_mask in itertools.product([1, 2, -1, -2, 7, -7], [0, 1], [0, 1]):
        strided(one, [2], [3], [step], begin=begin_mask, end=end_mask)
    for begin in (-6, -5, -1, 0, 4, 5):
        strided(one, [begin], [0], [1], shrink_axis=1)
    strided(one, [1], [2], [-1], shrink_axis=1)
    strided(one, [1], [2], [2], shrink_axis=1)
    strided(one, [1], [2], [0])
    two = numbers([3, 4])
    strided(two, [1], [3], [1])
    strided(two, [0, 1], [3, 3], [1, 1])
    strided(two, [0, 0], [3, 4], [1, 1], label="all")
    strided(two, [0, 0], [3, 4], [-1, -1], begin=3, end=3)
    strided(two, [1, 1], [2, 2], [1, 1], shrink_axis=1)
    strided(two, [1, 1], [2, 2], [1, 1], shrink_axis=2)
    strided(two, [1, 1], [2, 2], [1, 1], shrink_axis=3)
    strided(two, [0, 1], [0, 2], [1, 1], ellipsis=1)
    strided(two, [0, 1], [0, 2], [1, 1], ellipsis=1, shrink_axis=2)
    strided(two, [1, 0], [2, 0], [1, 1], ellipsis=2)
    strided(two, [0], [0], [1], ellipsis=1)
    strided(two, [0, 0], [0, 0], [1, 1], new_axis=1, begin=2, end=2)
    strided(two, [0, 0, 1], [0, 0, 2], [1, 1, 1], new_axis=2, begin=1, end=1)
    strided(two, [0, 0, 1], [0, 0, 2], [1, 1, 1], ellipsis=1, new_axis=2)
    strided(two, [0, 0, 1], [0, 0, 2], [1, 1, 1], ellipsis=1, new_axis=2, shrink_axis=4)
    strided(two, [0, 0], [0, 0], [1, 1], new_axis=3)
    strided(two, [0, 0, 0], [0, 0, 0], [1, 1, 1], new_axis=5, ellipsis=2)
    strided(two, [1], [2], [1], new_axis=1, shrink_axis=1)
    strided(two, [1], [2], [1], ellipsis=1, new_axis=1, shrink_axis=1)
    strided(two, [1], [2], [1], shrink_axis=1, begin=1)
    strided(two, [1], [2], [1], shrink_axis=1, end=1)
    strided(two, [0, 0], [1, 1], [1, 1], ellipsis=3)
    strided(two, [0, 0, 0], [1, 1, 1], [1, 1, 1])
    strided(two, [0, 0, 0], [1, 1, 1], [1, 1, 1], ellipsis=1)
    strided(two, [0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1], ellipsis=1)
    strided(two, [3, 0], [4, 1], [1, 1], shrink_axis=1)
    strided(two, [], [], [])
    four = numbers([2, 3, 2, 3])
    strided(four, [0, 1, 0], [0, 2, 0], [1, 1, 1], ellipsis=1, shrink_axis=2, end=4)
    strided(four, [1, 0, 2], [2, 0, 0], [1, 1, -1], ellipsis=2, end=4)
    strided(four, [0, 0, 0, 0], [2, 3, 2, 3], [1, 2, 1, 2])
    five = numbers([2, 1, 3, 2, 2])
    strided(five, [0, 0, 2, 1, 0], [2, 1, 0, 2, 2], [1, 1, -1, 1, 1])
    strided(five, [0, 0, 0], [1, 0, 1], [1, 1, 1], ellipsis=2, shrink_axis=5)
    strided(numbers([]), [], [], [])
    strided(numbers([]), [0], [0], [1], new_axis=1)
    strided(numbers([]), [0], [0], [1], ellipsis=1)
    strided(numbers([]), [0], [1], [1])
    strided(numbers([0, 3]), [0, 1], [5, 3], [1, 1])
    strided(numbers([0, 3]), [0], [5], [-1])
    strided(numbers([0, 3]), [0], [1], [1], shrink_axis=1)
    strided(numbers([2, 0]), [0], [1], [1], shrink_axis=1)
    strided(numbers([5, 16]), [1, 4], [4, 12], [1, 1], label="rows")
    strided(numbers([9, 8], np.uint8), [0, 0], [9, 8], [2, 4], label="columns of bytes")
    low, high = -(2**63), 2**63 - 1
    for begin, end, step in ((low, high, 1), (high, low, -1), (0, high, high), (4, low, low), (low, low, 1), (high, high, -1), (0, 5, low)):
        strided(one, [begin], [end], [step], index=np.int64)
    for index in (np.int16, np.int64):
        strided(two, [0, 1], [3, 3], [2, 1], label=name(index), index=index)
    for masks in ({}, {"shrink_axis": 1}, {"begin": 1, "end": 2}, {"ellipsis": 1, "shrink_axis": 2}):
        strided(two, [1, 1], [2, 3], [1, 1], label=f"constants {masks}", constant=True, **masks)
    case("StridedSlice", [two, ints([0, 0]), ints([1]), ints([1, 1])], label="other length")
    case("StridedSlice", [two, ints([[0]]), ints([[1]]), ints([[1]])], label="matrices")


def random_strided_slices():
    random = np.random.RandomState(11)
    for _ in range(120):
        rank = random.randint(1, 5)
        count = random.randint(0, rank + 2)
        shape = random.randint(0, 4, rank) + (random.rand(rank) < 0.8)
        ellipsis = 1 << random.randint(0, count) if count and random.rand() < 0.4 else 0
        bits = [int(random.randint(0, 1 << count) & random.randint(0, 1 << count)) for _ in range(4)]
        begin, end = random.randint(-4, 5, count), random.randint(-4, 5, count)
        steps = random.choice([1, 1, 1, 2, 3, -1, -2], count) if count else []
        strided(numbers(list(shape)), [int(v) for v in begin], [int(v) for v in end], [int(v) for v in steps],
                begin=bits[0], end=bits[1], new_axis=bits[2], shrink_axis=bits[3], ellipsis=ellipsis)


def transpose():
    for dtype in ALL:
        case("Transpose", [numbers([3, 5], dtype), ints([1, 0])], label=name(dtype))
        case("Transpose", [numbers([2, 3, 2], dtype), ints([1, 0, 2])], label=f"{name(dtype)}, the last stays")
    for shape in ([], [3], [3, 4], [2, 3, 4]):
        for perm in itertools.permutations(range(len(shape))):
            case("Transpose", [numbers(shape), ints(list(perm))], label=f"{shape} {list(perm)}")
    for perm in list(itertools.permutations(range(4)))[::2]:
        case("Transpose", [numbers([2, 3, 1, 4]), ints(list(perm), np.int64)], label=f"rank 4 {list(perm)} int64")
    for perm in list(itertools.permutations(range(5)))[::9]:
        case("Transpose", [numbers([2, 2, 3, 1, 2]), ints(list(perm))], label=f"rank 5 {list(perm)}")
    for shape in ([0, 3], [3, 0], [2, 0, 3]):
        case("Transpose", [numbers(shape), ints(list(range(len(shape)))[::-1])], label=f"empty {shape}")
    case("Transpose", [numbers([70, 45], np.uint8), ints([1, 0])], label="several tiles of bytes")
    case("Transpose", [numbers([33, 40], np.int16), ints([1, 0])], label="several tiles")
    case("Transpose", [numbers([2, 35, 33], np.uint8), ints([0, 2, 1])], label="a batch of tiles")
    case("Transpose", [numbers([34, 3, 5], np.uint8), ints([2, 1, 0])], label="tiles with an axis between")
    case("Transpose", [numbers([1, 4, 1, 3]), ints([2, 1, 0, 3])], label="only ones move")
    case("Transpose", [numbers([3, 4]), ints([0, -1])], label="negative")
    case("Transpose", [numbers([3, 4]), ints([-1, -2])], label="negative, swapped")
    case("Transpose", [numbers([3, 4]), Const([1, 0], np.int32)], label="constant")
    for perm in ([0, 0], [0], [0, 2], [0, -3], [[0, 1]], 0, [], [0, 1, 2], [-1, 1]):
        case("Transpose", [numbers([3, 4]), ints(perm)], label=f"{perm}")


# Tensors made of a few values.


def fill():
    for dtype in ALL:
        case("Fill", [ints([2, 3]), numbers([4], dtype)[3]], label=name(dtype))
    for dims, index in itertools.product(([], [4], [2, 3], [2, 0], [0], [1, 2, 1, 2, 1]), INDEX):
        case("Fill", [ints(dims, index), np.float32(2.5)], label=f"{dims} {name(index)}")
    case("Fill", [Const([2, 2], np.int32), np.float32(7)], label="constant")
    case("Fill", [ints(3), np.float32(7)], label="dims are a scalar")
    case("Fill", [ints([[3]]), np.float32(7)], label="dims are a matrix")
    case("Fill", [ints([3]), numbers([1])], label="the value is a vector of one")
    case("Fill", [ints([3]), numbers([2])], label="two values")
    case("Fill", [ints([3]), numbers([1, 1])], label="the value is a matrix")
    case("Fill", [ints([2, -1]), np.float32(7)], label="negative")
    case("Fill", [ints([2**40, 2**40], np.int64), np.float32(7)], label="too large")


def tile():
    for dtype in ALL:
        if dtype == np.uint16:
            continue  # TensorFlow has no kernel for it.
        case("Tile", [numbers([2, 2], dtype), ints([1, 2])], label=name(dtype))
    given = [
        ([], []), ([3], [2]), ([3], [0]), ([3], [1]), ([1], [5]), ([2, 3], [2, 1]), ([2, 3], [1, 2]), ([2, 3], [2, 2]), ([2, 3], [0, 2]),
        ([0, 3], [2, 2]), ([2, 1], [1, 7]), ([1, 3], [4, 1]), ([2, 1, 2], [1, 3, 1]), ([2, 2, 2], [2, 1, 2]), ([1, 1, 1], [2, 3, 2]),
        ([2, 1, 1, 2], [1, 2, 2, 1]), ([1, 2, 1, 2, 1], [2, 1, 2, 1, 2]), ([3], [-1]), ([3], [1, 1]), ([2, 3], [2]), ([], [1]),
    ]
    for (shape, multiples), index in itertools.product(given, INDEX):
        case("Tile", [numbers(shape), ints(multiples, index)], label=f"{shape} by {multiples} {name(index)}")
    case("Tile", [numbers([2, 3]), Const([2, 1], np.int32)], label="constant")
    case("Tile", [numbers([2, 3]), ints([[2, 1]])], label="a matrix")
    case("Tile", [numbers([2, 3]), ints([2**40, 2**40], np.int64)], label="too large")
    case("Tile", [numbers([3]), ints([2**62], np.int64)], label="a dimension too large")


def ranges():
    def triple(start, limit, delta, dtype, label=""):
        case("Range", [np.asarray(v, dtype) for v in (start, limit, delta)], label=label or f"{start} {limit} {delta} {name(dtype)}")

    for dtype in (np.int32, np.int64, np.float32, np.float64):
        for start, limit, delta in ((0, 5, 1), (0, 5, 2), (5, 0, -2), (3, 3, 1), (-4, 4, 3), (0, 1, 10), (0, 5, -1), (5, 0, 1), (0, 1, 0)):
            triple(start, limit, delta, dtype)
    for dtype in (np.float32, np.float64):
        for values in ((0, 1, 0.1), (0, 0.3, 0.1), (0.25, 7, 1.7), (5, 0, -0.3), (-1, 1, 0.01), (1e10, 1e10 + 1e5, 3e4),
                       (np.nan, 1, 1), (0, np.nan, 1), (0, 1, np.nan), (0, np.inf, 1), (-np.inf, 0, 1), (0, 1, np.inf),
                       (0, 1e30, 0.1), (0, 1e-30, 1e30), (np.inf, np.inf, 1)):
            triple(*values, dtype)
    triple(16777210, 16777230, 1, np.float32)
    triple(-(2**31), 2**31 - 1, 2**30, np.int32)
    triple(2**31 - 1, -(2**31), -(2**31), np.int32)
    triple(-(2**63), 2**63 - 1, 2**61, np.int64)
    triple(0, 2**63 - 1, 2**62, np.int64)
    triple(-(2**63), 2**63 - 1, 1, np.int64)
    case("Range", [ints([0]), ints([3]), ints([1])], label="vectors of one")
    case("Range", [ints([0, 1]), ints(3), ints(1)], label="two starts")
    case("Range", [ints(0), ints([[3]]), ints(1)], label="the limit is a matrix")
    case("Range", [Const(2, np.int32), ints(9), Const(3, np.int32)], label="constants")


def one_hot():
    def hot(indices, depth=3, on=np.float32(1), off=np.float32(0), axis=-1, label="", index=np.int32):
        case("OneHot", [np.asarray(indices, index), ints(depth), on, off], {"axis": axis}, label=label)

    for dtype in ALL:
        hot([0, 2, 1], on=numbers([3], dtype)[1], off=numbers([3], dtype)[2], label=name(dtype))
    for index in (np.int32, np.int64, np.uint8, np.int8):
        hot([0, 2, 1, 100], label=name(index), index=index)
    for indices in (1, [0, 2, -1, 5], [[0, 1], [2, 0]], [[[0], [2]], [[1], [1]]], np.zeros([0]), np.zeros([2, 0])):
        rank = np.ndim(indices)
        for axis in range(-2, rank + 2):
            hot(indices, axis=axis, label=f"{np.shape(indices)} at {axis}")
    hot([0, 1], depth=0, label="depth 0")
    hot([0, 1], depth=-3, label="negative depth")
    hot([0, 1], depth=[3], label="the depth is a vector")
    hot([0, 1], on=numbers([1]), label="on is a vector")
    hot([0, 1], off=numbers([2]), label="off is a vector")
    hot([2**40, 1, -(2**40)], index=np.int64, label="indices far out")
    case("OneHot", [ints([1, 0]), Const(2, np.int32), np.int64(5), np.int64(-5)], {"axis": 0}, label="constant depth")


# Gathers.


def gather():
    for dtype in ALL:
        case("Gather", [numbers([4, 3], dtype), ints([3, 0, 3])], label=name(dtype))
        case("GatherV2", [numbers([3, 4], dtype), ints([3, 0, 3]), ints(1)], label=name(dtype))
    shapes = [([5], [2]), ([5], []), ([4, 3], [2, 2]), ([4, 3], []), ([4, 0], [2]), ([4, 3], [0]), ([4, 2, 3], [3]), ([4, 1, 2, 2], [2, 1, 2])]
    for (shape, indices), index in itertools.product(shapes, INDEX):
        at = np.random.randint(0, shape[0], indices).astype(index)
        for validate in (True, False):
            case("Gather", [numbers(shape), at], {"validate_indices": validate}, label=f"{shape} {indices} {name(index)} {validate}")
    for shape in ([5], [3, 4], [3, 4, 2], [2, 3, 2, 2]):
        for axis, indices in itertools.product(range(-len(shape) - 1, len(shape) + 1), ([], [2], [2, 2], [0])):
            at = np.random.randint(0, min(shape), indices).astype(np.int32)
            case("GatherV2", [numbers(shape), at, ints(axis)], label=f"{shape} {indices} at {axis}")
    for index, axis in itertools.product((np.int16, np.int32, np.int64), INDEX):
        case("GatherV2", [numbers([3, 4]), ints([2, 0], index), ints(1, axis)], label=f"{name(index)} at {name(axis)}")
    x = numbers([2, 3, 4, 2])
    for batch, axis, indices in itertools.product((-3, -2, -1, 0, 1, 2, 3, 4), (0, 1, 2, 3, -1), ([2], [2, 3], [2, 3, 2])):
        at = np.random.randint(0, 2, indices).astype(np.int32)
        case("GatherV2", [x, at, ints(axis)], {"batch_dims": batch}, label=f"{indices} at {axis}, batch {batch}")
    case("GatherV2", [x, ints([[0, 1]]), ints(2)], {"batch_dims": 1}, label="other batch")
    case("GatherV2", [numbers([0, 3]), np.zeros([0, 2], np.int32), ints(1)], {"batch_dims": 1}, label="no batch")
    case("GatherV2", [numbers([3, 4]), ints([0]), Const(1, np.int32)], label="constant axis")
    case("GatherV2", [numbers([3, 4]), ints([0]), ints([1])], label="the axis is a vector")
    for at in ([0, 12], [[0, 1], [3, 2]], 9, -1, [-1], [[0], [-7]]):
        case("Gather", [numbers([3, 4]), ints(at)], label=f"{at}")
        case("GatherV2", [numbers([3, 4]), ints(at), ints(1)], label=f"{at} at 1")
    case("GatherV2", [x, ints([[0, 1], [1, 7]]), ints(1)], {"batch_dims": 1}, label="out of range in a batch")
    case("Gather", [numbers([0, 3]), ints([0])], label="of nothing")
    case("Gather", [numbers([2, 0]), ints([0, 1, 5])], label="empty rows, out of range")
    case("Gather", [numbers([0, 3]), ints([])], label="nothing of nothing")
    case("Gather", [numbers([]), ints([0])], label="a scalar")
    case("Gather", [numbers([3]), ints([2**40], np.int64)], label="far out")
