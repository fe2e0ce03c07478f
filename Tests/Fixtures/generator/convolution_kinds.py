"""Convolutions of each channel, of volumes, and by the largest sum."""
import itertools

import numpy as np

from .convolution import FLOATS, POOLED, explicit, four, name, numbers
from .core import Const, case

TOLERANCES = {"float32": {"rtol": 1e-5, "atol": 2e-5}, "float64": {"rtol": 1e-12, "atol": 1e-13}}


def cases():
    depthwise()
    conv3d()
    dilation2d()


def as_array(value, dtype):
    return value if isinstance(value, (np.ndarray, Const)) else numbers(list(value), dtype)


def run(op, inputs, label, strides, dtype=np.float32, padding="SAME", **attrs):
    case(op, [as_array(i, dtype) for i in inputs], {"strides": strides, "padding": padding, **attrs}, label=label,
         **TOLERANCES.get(name(dtype), {}))


def depthwise():
    def conv(images, filter, label, stride=1, **attrs):
        run("DepthwiseConv2dNative", [images, filter], label, four([stride, stride]), **attrs)

    image = [2, 5, 4, 3]
    for dtype, multiplier in itertools.product(FLOATS, (1, 2)):
        conv(image, [2, 2, 3, multiplier], f"{name(dtype)} {multiplier}", dtype=dtype)
    for padding, filter, stride in itertools.product(("SAME", "VALID"), ([1, 1], [2, 2], [3, 3], [1, 4], [5, 4]), (1, 2, 3)):
        conv(image, [*filter, 3, 1], f"{padding} {filter} by {stride}", stride, padding=padding)
    for depth in (1, 4, 7, 16, 20, 32, 53):
        conv([1, 4, 3, depth], [3, 3, depth, 1], f"{depth} channels")
    conv([1, 4, 3, 5], [3, 3, 5, 9], "9 filters a channel")
    conv([1, 4, 3, 20], [3, 3, 20, 1], "float64, 20 channels", dtype=np.float64)
    for pads in ((0, 0, 0, 0), (1, 2, 0, 1), (5, 0, 0, 6)):
        conv(image, [2, 2, 3, 2], f"explicit {pads}", **explicit(*pads))
    conv([1, 2, 2, 3], [5, 5, 3, 1], "a filter larger than the image")
    conv([0, 5, 4, 3], [2, 2, 3, 2], "no images")
    conv([2, 0, 4, 3], [2, 2, 3, 2], "no rows")
    conv([2, 5, 4, 0], [2, 2, 0, 2], "no channels")
    conv([2, 5, 4, 3], [2, 2, 3, 0], "no filters")
    conv(image, [0, 2, 3, 2], "a filter without rows")
    conv(image, [2, 2, 2, 2], "refused: other depth")
    conv(image[1:], [2, 2, 3, 2], "refused: rank 3")
    conv(image, [2, 2, 3], "refused: a filter of rank 3")
    conv([1, 4, 4, 3], [9, 9, 3, 1], "refused: a filter too large", padding="VALID")
    run("DepthwiseConv2dNative", [image, [2, 2, 3, 2]], "refused: strides differ", [1, 1, 2, 1])
    run("DepthwiseConv2dNative", [image, [2, 2, 3, 2]], "refused: strides of the depth", [1, 1, 1, 2])
    # Conv2D with as many groups as channels.
    run("Conv2D", [[2, 5, 4, 3], [3, 2, 1, 6]], "a group a channel", [1, 1, 1, 1])
    run("Conv2D", [[2, 5, 4, 20], [3, 3, 1, 20]], "a group a channel, dilated", [1, 1, 1, 1], dilations=[1, 2, 1, 1])


def conv3d():
    def conv(volumes, filter, label, strides=(1, 1, 1), **attrs):
        run("Conv3D", [volumes, filter], label, [1, *strides, 1], **attrs)

    volume = [2, 4, 3, 5, 2]
    for dtype in FLOATS:
        conv(volume, [2, 3, 2, 2, 3], name(dtype), dtype=dtype)
    for padding, filter, strides in itertools.product(("SAME", "VALID"), ([1, 1, 1], [2, 2, 2], [3, 1, 2], [4, 3, 5]), ((1, 1, 1), (2, 1, 2), (1, 3, 2))):
        conv(volume, [*filter, 2, 3], f"{padding} {filter} by {strides}", strides, padding=padding)
    conv([0, 4, 3, 5, 2], [2, 2, 2, 2, 3], "no volumes")
    conv([1, 0, 3, 5, 2], [2, 2, 2, 2, 3], "no planes")
    conv([1, 1, 3, 5, 2], [2, 2, 2, 2, 3], "a filter one plane too deep", padding="VALID")
    conv(volume, [2, 2, 2, 1, 3], "refused: other depth")
    conv(volume, [2, 2, 2, 2, 0], "refused: no outputs")
    conv(volume, [0, 2, 2, 2, 3], "refused: a filter without planes")
    conv(volume[1:], [2, 2, 2, 2, 3], "refused: rank 4")
    conv(volume, [2, 2, 2, 3], "refused: a filter of rank 4")
    conv(volume, [9, 2, 2, 2, 3], "refused: a filter too large", padding="VALID")
    run("Conv3D", [volume, [2, 2, 2, 2, 3]], "refused: strides of the depth", [1, 1, 1, 1, 2])


def dilation2d():
    def dilate(images, filter, label, strides=(1, 1), rates=(1, 1), **attrs):
        run("Dilation2D", [images, filter], label, four(strides), rates=four(rates), **attrs)

    image = [2, 5, 4, 3]
    for dtype in POOLED + [np.uint32, np.uint64]:
        dilate(image, [2, 3, 3], name(dtype), dtype=dtype)
    for padding, strides, rates in itertools.product(("SAME", "VALID"), ((1, 1), (2, 1)), ((1, 1), (2, 1), (3, 3))):
        dilate([1, 7, 8, 2], [2, 3, 2], f"{padding} by {strides} at {rates}", strides, rates, padding=padding)
    dilate(np.full([1, 2, 2, 1], 250, np.uint8), np.full([2, 2, 1], 10, np.uint8), "wraps around")
    special = numbers([1, 4, 4, 1])
    special[0, 1, 1, 0] = np.nan
    special[0, 3, 3, 0] = np.inf
    dilate(special, [2, 2, 1], "NaN and infinity")
    dilate([0, 4, 4, 2], [2, 2, 2], "no images")
    dilate(image, [0, 2, 3], "a filter without rows")
    dilate(image, [2, 2, 2], "refused: other depth")
    dilate(image[1:], [2, 2, 3], "refused: rank 3")
    dilate(image, [2, 2], "refused: a filter of rank 2")
    dilate(image, [2, 2, 3], "refused: strides of the depth", strides=[1, 1, 1, 2])
