"""Gradients of convolutions by images whose channels come first: transposed convolutions.

TensorFlow's plain kernels refuse such images, so the family is recorded with oneDNN.
"""
import numpy as np

from .convolution import numbers
from .convolution_gradients import result_shape
from .convolution_kinds import TOLERANCES, run
from .core import Const


def cases():
    for op, kind in (("Conv2D", "full"), ("DepthwiseConv2dNative", "depthwise")):
        gradients(f"{op}BackpropInput", kind)


def first(numbers):
    return [numbers[0], numbers[3], numbers[1], numbers[2]]


def gradients(op, kind):
    def gradient(image, filter, label, stride=1, constant=True, **attrs):
        attrs = {"padding": "SAME", **attrs}
        shape = result_shape(kind, image, filter, [stride, stride], attrs)
        sizes = np.array(first(image), np.int32)
        run(op, [Const(sizes) if constant else sizes, filter, numbers(first(shape), np.float32)], label, [1, 1, stride, stride],
            data_format="NCHW", **attrs)

    image, filter = [2, 5, 4, 3], [3, 2, 3, 2]
    gradient(image, filter, "SAME")
    gradient(image, filter, "VALID", padding="VALID")
    gradient(image, filter, "shape fed", constant=False)
    for stride in (2, 3):
        gradient(image, filter, f"by {stride}", stride)
        gradient(image, filter, f"VALID by {stride}", stride, padding="VALID")
    gradient(image, [1, 1, 3, 2], "pointwise")
    gradient([1, 8, 8, 17], [3, 3, 17, 2], "17 channels", 2)
    gradient([5, 6, 7, 3], [4, 4, 3, 2], "five images", 2)
    gradient([1, 16, 14, 16], [4, 4, 16, 8 if kind == "full" else 1], "larger images", 2)
    run(op, [Const(np.array([2, 4, 5, 4], np.int32)), filter, numbers([2, 2 if kind == "full" else 6, 5, 4], np.float32)],
        "refused: other depth", [1, 1, 1, 1], data_format="NCHW")
