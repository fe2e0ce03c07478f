"""Convolutions and pools of images."""
import itertools

import numpy as np

from .core import Const, case

FLOATS = [np.float32, np.float64]
POOLED = FLOATS + [np.int32, np.int64, np.uint8, np.int8, np.int16, np.uint16]


def cases():
    conv2d()
    random_convolutions()
    conv2d_refused()
    pools()
    depth_pools()
    pools_refused()


def name(dtype):
    return np.dtype(dtype).name


def numbers(shape, dtype=np.float32):
    if np.dtype(dtype).kind == "f":
        return np.random.uniform(-1, 1, shape).astype(dtype)
    return np.random.randint(0 if np.dtype(dtype).kind == "u" else -9, 10, shape).astype(dtype)


def four(values):
    """Numbers for rows and columns with those for batch and depth; as they are if these are there."""
    return list(values) if len(values) != 2 else [1, *values, 1]


def conv(images, filter, label, strides=(1, 1), dilations=(1, 1), padding="SAME", dtype=np.float32, **attrs):
    """Sums may be added up in any order."""
    tolerance = {np.float32: {"rtol": 1e-5, "atol": 4e-6}, np.float64: {"rtol": 1e-13, "atol": 1e-14}}.get(dtype, {})
    attrs = {"strides": four(strides), "dilations": four(dilations), "padding": padding, **attrs}
    as_array = lambda value: value if isinstance(value, (np.ndarray, Const)) else numbers(list(value), dtype)
    case("Conv2D", [as_array(images), as_array(filter)], attrs, label=label, **tolerance)


def explicit(top, bottom, left, right):
    return {"padding": "EXPLICIT", "explicit_paddings": [0, 0, top, bottom, left, right, 0, 0]}


def conv2d():
    image = [2, 5, 4, 3]
    for dtype in FLOATS + [np.int32]:
        conv(image, [2, 2, 3, 4], name(dtype), dtype=dtype)
        conv(image, [3, 3, 3, 2], f"{name(dtype)} VALID", padding="VALID", dtype=dtype)
        conv(image, [1, 1, 3, 2], f"{name(dtype)} pointwise", dtype=dtype)
    for padding, filter, strides in itertools.product(("SAME", "VALID"), ([1, 1], [2, 2], [3, 3], [1, 4], [5, 4], [4, 1]), ([1, 1], [2, 2], [1, 3], [3, 2])):
        conv(image, [*filter, 3, 2], f"{padding} {filter} by {strides}", strides=strides, padding=padding)
    for padding, dilations in itertools.product(("SAME", "VALID"), ([2, 1], [1, 2], [2, 2], [3, 2])):
        conv([1, 7, 7, 2], [2, 3, 2, 3], f"{padding} dilated {dilations}", dilations=dilations, padding=padding)
    conv([1, 7, 7, 2], [2, 2, 2, 3], "dilated strides", strides=(2, 2), dilations=(2, 2))
    for pads in ((0, 0, 0, 0), (1, 1, 1, 1), (1, 2, 0, 1), (5, 0, 0, 6), (0, 3, 2, 0)):
        conv(image, [2, 2, 3, 2], f"explicit {pads}", **explicit(*pads))
        conv(image, [2, 2, 3, 2], f"explicit {pads} by 2", strides=(2, 2), **explicit(*pads))
        conv(image, [1, 1, 3, 2], f"explicit {pads} pointwise", **explicit(*pads))
    for groups in ([2, 2, 1, 6], [2, 2, 2, 4], [1, 1, 1, 3], [3, 3, 3, 2]):
        depth = 6 if groups[2] > 1 else 3
        conv([1, 4, 4, depth], groups, f"groups {groups}")
    conv([3, 1, 1, 5], [1, 1, 5, 4], "one pixel")
    conv([1, 1, 1, 5], [1, 1, 5, 4], "one pixel of one image")
    conv([2, 4, 4, 1], [4, 4, 1, 3], "the whole image", padding="VALID")
    conv([2, 4, 4, 1], [4, 4, 1, 3], "the whole image, SAME")
    conv([1, 3, 3, 2], [5, 5, 2, 3], "a filter larger than the image")
    conv([1, 12, 9, 1], [5, 5, 1, 2], "one channel")
    conv([1, 2, 3, 2], Const(numbers([2, 2, 2, 2])), "constant filter")
    conv([0, 5, 4, 3], [2, 2, 3, 4], "no images")
    conv([2, 0, 4, 3], [2, 2, 3, 4], "no rows")
    conv([2, 5, 0, 3], [2, 2, 3, 4], "no columns")
    conv([2, 5, 4, 0], [2, 2, 3, 4], "no channels")
    conv([2, 5, 4, 3], [2, 2, 3, 0], "no outputs")
    conv([2, 4, 5, 3], [5, 2, 3, 2], "a filter one row too high", padding="VALID")
    special = numbers([1, 3, 3, 1])
    special[0, 1, 1, 0] = np.nan
    special[0, 0, 0, 0] = np.inf
    conv(special, np.ones([2, 2, 1, 1], np.float32), "NaN and infinity")
    # More than one block of patches; sums of small whole numbers are exact.
    conv((np.arange(26 * 26) % 7 - 3).reshape([1, 26, 26, 1]).astype(np.float32),
         (np.arange(21 * 21) % 5 - 2).reshape([21, 21, 1, 1]).astype(np.float32), "two blocks")


def random_convolutions():
    random = np.random.RandomState(5)
    for _ in range(60):
        height, width = random.randint(1, 8, 2)
        depth, outputs = random.randint(1, 4, 2)
        filter = [int(v) for v in random.randint(1, 4, 2)] + [int(depth), int(outputs)]
        strides = [int(v) for v in random.randint(1, 4, 2)]
        dilations = [int(v) for v in random.randint(1, 3, 2)]
        padding = ["SAME", "VALID", "EXPLICIT"][random.randint(0, 3)]
        attrs = explicit(*(int(v) for v in random.randint(0, 3, 4))) if padding == "EXPLICIT" else {"padding": padding}
        batch = int(random.randint(1, 3))
        conv([batch, int(height), int(width), int(depth)], filter, f"{filter} by {strides} dilated {dilations} {padding}",
             strides=strides, dilations=dilations, **attrs)


def conv2d_refused():
    image, filter = [1, 4, 4, 3], [2, 2, 3, 2]
    conv(image[1:], filter, "images of rank 3")
    conv([1, *image], filter, "images of rank 5")
    conv(image, filter[1:], "a filter of rank 3")
    conv(image, [2, 2, 4, 2], "other depth")
    conv(image, [2, 2, 1, 2], "outputs that groups do not divide")
    conv(image, [0, 2, 3, 2], "a filter without rows")
    conv([1, 4, 4, 0], [2, 2, 0, 2], "a filter without depth")
    conv(image, [9, 9, 3, 2], "a filter far too large", padding="VALID")
    conv(image, filter, "stride 0", strides=(0, 1))
    conv(image, filter, "dilation 0", dilations=(1, 0))
    conv(image, filter, "strides in the batch", strides=[2, 1, 1, 1])
    conv(image, filter, "strides in the depth", strides=[1, 1, 1, 2])
    conv(image, filter, "dilated depth", dilations=[1, 1, 1, 2])
    conv(image, filter, "three strides", strides=[1, 1, 1])
    conv(image, filter, "unknown padding", padding="FOO")
    conv(image, filter, "explicit without paddings", padding="EXPLICIT")
    conv(image, filter, "paddings without explicit", padding="SAME", explicit_paddings=[0, 0, 1, 1, 1, 1, 0, 0])
    conv(image, filter, "paddings of the batch", padding="EXPLICIT", explicit_paddings=[1, 0, 1, 1, 1, 1, 0, 0])
    conv(image, filter, "negative paddings", padding="EXPLICIT", explicit_paddings=[0, 0, -1, 1, 1, 1, 0, 0])


def pool(op, images, label, sizes=(2, 2), strides=(2, 2), padding="SAME", dtype=np.float32, **attrs):
    attrs = {"ksize": four(sizes), "strides": four(strides), "padding": padding, **attrs}
    if isinstance(images, (list, tuple)):
        images = numbers(list(images), dtype)
    tolerance = {"rtol": 1e-5, "atol": 1e-7} if op == "AvgPool" and images.dtype == np.float32 else {}
    case(op, [images], attrs, label=label, **tolerance)


def pools():
    image = [2, 5, 4, 3]
    for dtype in POOLED:
        pool("MaxPool", image, name(dtype), dtype=dtype)
        pool("MaxPool", image, f"{name(dtype)} VALID", sizes=(3, 2), strides=(1, 2), padding="VALID", dtype=dtype)
    for dtype in FLOATS:
        pool("AvgPool", image, name(dtype), dtype=dtype)
        pool("AvgPool", image, f"{name(dtype)} VALID", sizes=(3, 2), strides=(1, 2), padding="VALID", dtype=dtype)
    for op in ("MaxPool", "AvgPool"):
        for padding, sizes, strides in itertools.product(("SAME", "VALID"), ([1, 1], [2, 2], [3, 3], [1, 4], [5, 4]), ([1, 1], [2, 2], [1, 3], [3, 2])):
            pool(op, image, f"{padding} {sizes} by {strides}", sizes, strides, padding)
        pool(op, [1, 2, 2, 2], "a window larger than the image", sizes=(5, 5), strides=(1, 1))
        pool(op, [1, 4, 4, 40], "many channels")
        pool(op, [1, 4, 4, 1], "one channel")
        for shape in ([0, 4, 4, 3], [2, 0, 4, 3], [2, 4, 0, 3], [2, 4, 4, 0]):
            pool(op, shape, f"empty {shape}")
        pool(op, [1, 4, 4, 1], "one row too high", sizes=(5, 1), padding="VALID")
        special = numbers([1, 4, 4, 2])
        special[0, 0, 0, 0] = np.nan
        special[0, 1, 3, 1] = np.nan
        special[0, 2, 2, 0] = -np.inf
        special[0, 3, 0, 1] = np.inf
        pool(op, special, "NaN and infinity")
        pool(op, np.full([1, 2, 2, 1], np.nan, np.float32), "only NaN")
        pool(op, np.full([1, 2, 2, 1], -np.inf, np.float32), "only minus infinity")
    for dtype in POOLED:
        if np.dtype(dtype).kind == "i":
            pool("MaxPool", np.full([1, 2, 2, 1], np.iinfo(dtype).min, dtype), f"lowest {name(dtype)}")
    for pads in ((0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 0, 1), (0, 1, 1, 0)):
        pool("MaxPool", image, f"explicit {pads}", **explicit(*pads))
        pool("MaxPool", -np.abs(numbers(image)), f"explicit {pads} of negatives", sizes=(3, 3), strides=(1, 2), **explicit(*pads))
        pool("MaxPool", image, f"explicit {pads} int32", dtype=np.int32, **explicit(*pads))


def depth_pools():
    across = lambda n, **attrs: {"sizes": [1, 1, 1, n], "strides": [1, 1, 1, n], **attrs}
    pool("MaxPool", [2, 3, 2, 6], "across 3 channels", **across(3))
    pool("MaxPool", [2, 3, 2, 6], "across 2 channels", **across(2))
    pool("MaxPool", [2, 3, 2, 6], "across all channels", **across(6))
    pool("MaxPool", [2, 3, 2, 6], "across channels, VALID and strides", padding="VALID", sizes=[1, 1, 1, 3], strides=[1, 2, 2, 3])
    pool("MaxPool", [0, 3, 2, 6], "across channels of nothing", **across(3))
    special = np.array([np.nan, 1, 2, 1, np.nan, 2, 1, 2, np.nan, -np.inf, -np.inf, -np.inf], np.float32).reshape([1, 1, 4, 3])
    pool("MaxPool", special, "across NaN", **across(3))
    pool("MaxPool", [1, 2, 2, 6], "across channels that do not divide", **across(4))
    pool("MaxPool", [1, 2, 2, 6], "across channels, overlapping", sizes=[1, 1, 1, 2], strides=[1, 1, 1, 1])
    pool("MaxPool", [1, 2, 2, 6], "across channels and places", sizes=[1, 2, 2, 2], strides=[1, 1, 1, 2])
    pool("MaxPool", [1, 2, 2, 6], "across channels, explicit", **across(2, **explicit(0, 0, 0, 0)))
    pool("AvgPool", [1, 2, 2, 6], "mean across channels", **across(2))


def pools_refused():
    image = [1, 4, 4, 3]
    for op in ("MaxPool", "AvgPool"):
        pool(op, image[1:], "images of rank 3")
        pool(op, [1, *image], "images of rank 5")
        pool(op, image, "a window far too large", sizes=(9, 9), padding="VALID")
        pool(op, image, "window 0", sizes=(0, 1))
        pool(op, image, "stride 0", strides=(0, 1))
        pool(op, image, "across the batch", sizes=[2, 1, 1, 1])
        pool(op, image, "three sizes", sizes=[2, 2, 2])
    pool("MaxPool", image, "padding as large as the window", **explicit(2, 0, 0, 0))
    pool("MaxPool", image, "explicit without paddings", padding="EXPLICIT")
    pool("AvgPool", image, "unknown format", data_format="NHCW")
