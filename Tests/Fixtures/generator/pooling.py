"""Pools of volumes, pools that tell indices or take their window as an input, and gradients of pools."""
import itertools

import numpy as np
import tensorflow as tf

from .convolution import FLOATS, POOLED, explicit, name, numbers
from .core import Const, case

ALL = POOLED + [np.uint32, np.uint64]


def cases():
    given_size()
    with_indices()
    volumes()
    gradients()
    refused()


def window(sizes, strides, padding="SAME", **attrs):
    return {"ksize": [1, *sizes, 1], "strides": [1, *strides, 1], "padding": padding, **attrs}


def tolerance(dtype):
    return {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else {}


def whole(shape, dtype=np.float32):
    """Few different numbers, so that some are equal."""
    return np.random.randint(0 if np.dtype(dtype).kind == "u" else -4, 5, shape).astype(dtype)


def given_size():
    image = [2, 5, 4, 6]
    for dtype in POOLED:
        case("MaxPoolV2", [numbers(image, dtype), Const([1, 2, 2, 1], np.int32), Const([1, 2, 2, 1], np.int32)], {"padding": "SAME"}, label=name(dtype))
    for padding, sizes in itertools.product(("SAME", "VALID"), ([1, 3, 2, 1], [1, 1, 1, 1], [1, 5, 4, 1])):
        inputs = [numbers(image), np.array(sizes, np.int32), np.array([1, 1, 2, 1], np.int32)]
        case("MaxPoolV2", inputs, {"padding": padding}, label=f"fed {padding} {sizes}")
    case("MaxPoolV2", [numbers(image), Const([1, 1, 1, 3], np.int32), Const([1, 1, 1, 3], np.int32)], {"padding": "SAME"}, label="across channels")
    case("MaxPoolV2", [numbers([0, 5, 4, 6]), Const([1, 2, 2, 1], np.int32), Const([1, 2, 2, 1], np.int32)], {"padding": "SAME"}, label="no images")
    for sizes, strides in (([1, 2, 2], [1, 2, 2, 1]), ([1, 2, 2, 1], [1, 2]), ([1, 0, 2, 1], [1, 2, 2, 1]), ([1, 2, 2, 1], [1, -1, 2, 1]), ([2, 2, 2, 1], [1, 1, 1, 1])):
        case("MaxPoolV2", [numbers(image), Const(sizes, np.int32), Const(strides, np.int32)], {"padding": "SAME"}, label=f"refused: {sizes} by {strides}")


def with_indices():
    image = [2, 5, 4, 3]
    for dtype, index in itertools.product(ALL, (tf.int64, tf.int32)):
        case("MaxPoolWithArgmax", [whole(image, dtype)], {**window([2, 2], [2, 2]), "Targmax": index}, label=f"{name(dtype)} {index.name}")
    for padding, sizes, strides, batch in itertools.product(("SAME", "VALID"), ([1, 1], [3, 2], [5, 4]), ([1, 1], [2, 3]), (False, True)):
        case("MaxPoolWithArgmax", [whole(image)], window(sizes, strides, padding, include_batch_in_index=batch), label=f"{padding} {sizes} by {strides} {batch}")
    special = whole([1, 4, 4, 1])
    special[0, 0, 0, 0] = np.nan
    special[0, 3, 3, 0] = np.nan
    special[0, 0, 2:, 0] = -np.inf
    special[0, 1, 2:, 0] = -np.inf
    case("MaxPoolWithArgmax", [special], window([2, 2], [2, 2]), label="NaN and infinity")


def volumes():
    volume = [2, 4, 3, 5, 2]
    for op in ("MaxPool3D", "AvgPool3D"):
        for padding, sizes, strides in itertools.product(("SAME", "VALID"), ([1, 1, 1], [2, 2, 2], [4, 1, 3], [2, 3, 5]), ([1, 1, 1], [2, 1, 2], [1, 3, 2])):
            case(op, [numbers(volume)], window(sizes, strides, padding), label=f"{padding} {sizes} by {strides}", **tolerance(np.float32))
        for shape in ([0, 4, 3, 5, 2], [2, 0, 3, 5, 2], [2, 4, 3, 5, 0]):
            case(op, [numbers(shape)], window([2, 2, 2], [2, 2, 2]), label=f"empty {shape}")
        case(op, [-np.abs(numbers(volume))], window([3, 3, 3], [1, 1, 1]), label="negative", **tolerance(np.float32))
        case(op, [np.full([1, 2, 2, 2, 1], np.nan, np.float32)], window([2, 2, 2], [2, 2, 2]), label="only NaN")
    case("MaxPool3D", [np.full([1, 2, 2, 2, 1], -np.inf, np.float32)], window([2, 2, 2], [2, 2, 2]), label="only minus infinity")
    case("MaxPool3D", [np.full([1, 2, 2, 2, 1], -np.inf, np.float32)], window([3, 3, 3], [1, 1, 1]), label="minus infinity and padding")


def gradients():
    image, volume = [2, 5, 4, 3], [1, 4, 3, 5, 2]
    for dtype in ALL:
        maximum(image, [2, 2], [2, 2], name(dtype), dtype)
    for padding, sizes, strides in itertools.product(("SAME", "VALID"), ([1, 1], [3, 2], [5, 4]), ([1, 1], [2, 3])):
        maximum(image, sizes, strides, f"{padding} {sizes} by {strides}", padding=padding)
        mean(image, sizes, strides, f"{padding} {sizes} by {strides}", padding=padding)
    maximum(image, [2, 2], [1, 2], "explicit", **explicit(1, 0, 0, 1))
    for dtype in FLOATS:
        mean(image, [2, 2], [2, 2], name(dtype), dtype)
    mean(image, [2, 2], [2, 2], "shape fed", constant=False)
    for padding, sizes, strides in itertools.product(("SAME", "VALID"), ([1, 1, 1], [2, 3, 2]), ([1, 1, 1], [2, 1, 2], [1, 3, 2])):
        maximum(volume, sizes, strides, f"{padding} {sizes} by {strides}", padding=padding)
        mean(volume, sizes, strides, f"{padding} {sizes} by {strides}", padding=padding)
    for shape in ([0, 5, 4, 3], [2, 5, 4, 0]):
        maximum(shape, [2, 2], [2, 2], f"empty {shape}")
        mean(shape, [2, 2], [2, 2], f"empty {shape}")
    x, y, dy = whole([1, 4, 4, 2]), whole([1, 2, 2, 2]), numbers([1, 2, 2, 2])
    case("MaxPoolGrad", [x, y, dy], window([2, 2], [2, 2]), label="another output")
    for op, shape, axes in (("MaxPoolGrad", [1, 4, 4, 2], 2), ("MaxPool3DGrad", [1, 4, 4, 4, 2], 3)):
        small = [1] + [2] * axes + [2]
        attrs = window([2] * axes, [2] * axes)
        case(op, [whole(shape), whole(small), numbers([1, 1] + small[2:])], attrs, label="refused: gradient")
        case(op, [whole(shape), whole([1, 1] + small[2:]), numbers(small)], attrs, label="refused: output")


def maximum(shape, sizes, strides, label, dtype=np.float32, padding="SAME", **attrs):
    attrs = window(sizes, strides, padding, **attrs)
    x = whole(shape, dtype)
    y = pooled("MaxPool" if len(shape) == 4 else "MaxPool3D", x, attrs)
    dy = numbers(list(y.shape), dtype)
    case("MaxPoolGrad" if len(shape) == 4 else "MaxPool3DGrad", [x, y, dy], attrs, label=label, **tolerance(dtype))
    if len(shape) == 4 and "explicit_paddings" not in attrs:
        inputs = [x, y, dy, Const([1, *sizes, 1], np.int32), Const([1, *strides, 1], np.int32)]
        case("MaxPoolGradV2", inputs, {"padding": padding}, label=label, **tolerance(dtype))


def mean(shape, sizes, strides, label, dtype=np.float32, padding="SAME", constant=True):
    attrs = window(sizes, strides, padding)
    dy = numbers(list(pooled("MaxPool" if len(shape) == 4 else "MaxPool3D", numbers(shape, dtype), attrs).shape), dtype)
    told = Const(shape, np.int32) if constant else np.array(shape, np.int32)
    case("AvgPoolGrad" if len(shape) == 4 else "AvgPool3DGrad", [told, dy], attrs, label=label, **tolerance(dtype))


def pooled(op, x, attrs):
    """What the pool makes of x."""

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        explicit_paddings = attrs.get("explicit_paddings")
        more = {"explicit_paddings": explicit_paddings} if explicit_paddings else {}
        # The pool has no kernel for all integers that its gradient has one for.
        wide = x.astype(np.int64) if x.dtype.kind in "iu" else x
        result = getattr(tf.raw_ops, op)(input=tf.constant(wide), ksize=attrs["ksize"], strides=attrs["strides"], padding=attrs["padding"], **more)
        return session.run(result).astype(x.dtype)


def refused():
    for op in ("MaxPool3D", "AvgPool3D"):
        volume = numbers([1, 4, 4, 4, 2])
        attrs = window([2, 2, 2], [2, 2, 2])
        case(op, [volume[0]], attrs, label="refused: rank 4")
        case(op, [volume], {**attrs, "ksize": [2, 1, 1, 1, 1]}, label="refused: across the batch")
        case(op, [volume], {**attrs, "ksize": [1, 1, 1, 1, 2], "strides": [1, 1, 1, 1, 2]}, label="refused: across the depth")
        case(op, [volume], {**attrs, "ksize": [1, 9, 1, 1, 1], "padding": "VALID"}, label="refused: a window far too large")
        case(op, [volume], {**attrs, "ksize": [1, 0, 1, 1, 1]}, label="refused: window 0")
        case(op, [volume], {**attrs, "strides": [1, 0, 1, 1, 1]}, label="refused: stride 0")
    for shape in ([0, 4, 4, 2], [1, 0, 4, 2]):
        case("MaxPoolWithArgmax", [numbers(shape)], window([2, 2], [2, 2]), label=f"refused: empty {shape}")
    case("AvgPoolGrad", [Const([4, 4, 2], np.int32), numbers([1, 2, 2, 2])], window([2, 2], [2, 2]), label="refused: three sizes")
