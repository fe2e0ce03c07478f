"""Gradients of convolutions."""
import numpy as np

from .convolution import FLOATS, explicit, numbers
from .convolution_kinds import TOLERANCES, run
from .core import Const, case


def cases():
    for op, kind in (("Conv2D", "full"), ("DepthwiseConv2dNative", "depthwise"), ("Conv3D", "volumes")):
        gradients(op, kind)
    gradients_refused()


def result_shape(kind, image, filter, strides, attrs):
    sizes = []
    for axis, (size, width, stride) in enumerate(zip(image[1:-1], filter, strides)):
        if attrs["padding"] == "EXPLICIT":
            size += sum(attrs["explicit_paddings"][2 * axis + 2:2 * axis + 4])
        sizes.append(-(-size // stride) if attrs["padding"] == "SAME" else (size - width) // stride + 1)
    return [image[0], *sizes, filter[-2] * filter[-1] if kind == "depthwise" else filter[-1]]


def gradients(op, kind):
    volumes = kind == "volumes"
    suffix = "V2" if volumes else ""

    def both(image, filter, label, strides=1, dtype=np.float32, sizes=np.int32, constant=True, **attrs):
        attrs = {"padding": "SAME", **attrs}
        steps = [strides] * (len(image) - 2)
        shape = result_shape(kind, image, filter, steps, attrs)
        told = (lambda s: Const(s, sizes)) if constant else (lambda s: np.array(s, sizes))
        dy = numbers(shape, dtype)
        run(f"{op}BackpropInput{suffix}", [told(image), filter, dy], label, [1, *steps, 1], dtype, **attrs)
        # Without images, TensorFlow leaves the gradient by a depthwise filter as it is in memory.
        if np.dtype(dtype).kind == "f" and not (kind == "depthwise" and image[0] == 0):
            filter_shape = Const(filter, np.int32) if constant else np.array(filter, np.int32)
            run(f"{op}BackpropFilter{suffix}", [image, filter_shape, dy], label, [1, *steps, 1], dtype, **attrs)

    image, filter = ([2, 4, 3, 5, 2], [2, 3, 2, 2, 3]) if volumes else ([2, 5, 4, 3], [3, 2, 3, 2])
    for dtype in FLOATS:
        both(image, filter, np.dtype(dtype).name, dtype=dtype)
        both(image, filter, f"{np.dtype(dtype).name} VALID", dtype=dtype, padding="VALID")
    both(image, filter, "shape fed", constant=False)
    for stride in (2, 3):
        both(image, filter, f"by {stride}", stride)
        both(image, filter, f"VALID by {stride}", stride, padding="VALID")
    both(image, [1] * (len(image) - 2) + filter[-2:], "pointwise")
    both(image, [1] * (len(image) - 2) + filter[-2:], "pointwise by 2", 2)
    both([0, *image[1:]], filter, "no images")
    if volumes:
        both(image, filter, "int64 sizes", sizes=np.int64)
        both(image, [1, 1, 1, 2, 3], "a window that leaves places out", 3)
        return
    both(image, [5, 6, *filter[-2:]], "a filter larger than the image")
    for pads in ((1, 1, 1, 1), (0, 2, 1, 0)):
        both(image, filter, f"explicit {pads}", **explicit(*pads))
    both([1, 8, 8, 17], [3, 3, 17, 2], "17 channels", 2)
    if kind == "full":
        both(image, filter, "int32", dtype=np.int32)
        case("Conv2DBackpropInput", [Const([5, 4], np.int32), numbers([3, 2, 3, 2]), numbers([2, 5, 4, 2])],
             {"strides": [1, 1, 1, 1], "padding": "SAME"}, label="height and width", **TOLERANCES["float32"])
        both(image, [3, 2, 3, 0], "no outputs")
        # More than one block of patches; sums of small whole numbers are exact.
        case("Conv2DBackpropInput", [Const([1, 40, 40, 1], np.int32), (np.arange(21 * 21) % 5 - 2).reshape([21, 21, 1, 1]).astype(np.float32),
             (np.arange(40 * 40) % 7 - 3).reshape([1, 40, 40, 1]).astype(np.float32)], {"strides": [1, 1, 1, 1], "padding": "SAME"}, label="two blocks")
        case("Conv2DBackpropFilter", [(np.arange(40 * 40) % 5 - 2).reshape([1, 40, 40, 1]).astype(np.float32), Const([21, 21, 1, 1], np.int32),
             (np.arange(40 * 40) % 7 - 3).reshape([1, 40, 40, 1]).astype(np.float32)], {"strides": [1, 1, 1, 1], "padding": "SAME"}, label="two blocks")


def gradients_refused():
    attrs = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    filter, dy = numbers([3, 2, 3, 2]), numbers([2, 5, 4, 2])
    for sizes in ([2, 5, 4, 4], [2, 5, 4, 6], [1, 5, 4, 3], [2, 6, 4, 3], [2, -5, 4, 3], [5, 4, 3]):
        case("Conv2DBackpropInput", [Const(sizes, np.int32), filter, dy], attrs, label=f"refused: sizes {sizes}")
    case("Conv2DBackpropInput", [Const([2, 5, 4, 3], np.int32), filter[..., :1], dy], attrs, label="refused: outputs")
    for sizes in ([3, 2, 4, 2], [3, 2, 3, 3], [3, 2, 3]):
        case("Conv2DBackpropFilter", [numbers([2, 5, 4, 3]), Const(sizes, np.int32), dy], attrs, label=f"refused: sizes {sizes}")
    for sizes in ([2, 5, 4, 2], [2, 6, 4, 3]):
        case("DepthwiseConv2dNativeBackpropInput", [Const(sizes, np.int32), filter[..., :1], numbers([2, 5, 4, 3])], attrs, label=f"refused: sizes {sizes}")
    case("DepthwiseConv2dNativeBackpropFilter", [numbers([2, 5, 4, 3]), Const([3, 2, 4, 1], np.int32), numbers([2, 5, 4, 3])], attrs, label="refused: sizes")
    case("Conv3DBackpropInputV2", [Const([1, 4, 4, 4, 3], np.int32), numbers([2, 2, 2, 2, 3]), numbers([1, 4, 4, 4, 3])],
         {"strides": [1] * 5, "padding": "SAME"}, label="refused: depth")
