"""Images of another size."""
import itertools

import numpy as np

from .core import Const, case, tf

NUMBERS = [np.float32, np.float64, np.float16, tf.bfloat16.as_numpy_dtype, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16]
CENTERS = [{}, {"align_corners": True}, {"half_pixel_centers": True}]
SIZES = [(6, 8), (2, 3), (3, 4), (1, 1), (7, 2), (1, 5)]
# What is between pixels is computed in float32: a difference of two numbers loses what their size had.
CLOSE = {"rtol": 1e-5, "atol": 1e-4}


def cases():
    resizes()
    resizes_refused()
    gradients()
    filters()


def name(dtype):
    return np.dtype(dtype).name


def images(shape, dtype=np.float32):
    if np.dtype(dtype).kind in "fV":
        return np.random.uniform(-100, 100, shape).astype(dtype)
    return np.random.randint(0 if np.dtype(dtype).kind == "u" else -99, 100, shape).astype(dtype)


def size(*numbers):
    return Const(np.array(numbers, np.int32))


def centers(op):
    return CENTERS[:2] if op == "ResizeArea" else CENTERS


RESIZES = ["ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea"]


def resizes():
    for op in RESIZES:
        for dtype, attrs in itertools.product(NUMBERS, centers(op)):
            case(op, [images([1, 3, 4, 1], dtype), size(4, 3)], attrs, label=f"{name(dtype)} {attrs}", **CLOSE)
        for to, attrs in itertools.product(SIZES, centers(op)):
            case(op, [images([2, 3, 4, 3]), size(*to)], attrs, label=f"{to} {attrs}", **CLOSE)
            case(op, [images([1, 5, 7, 1], np.uint8), size(*to)], attrs, label=f"{to} {attrs} uint8", **CLOSE)
        for depth in (1, 2, 4, 5):
            case(op, [images([1, 2, 3, depth]), size(5, 4)], label=f"depth {depth}", **CLOSE)
        for attrs in centers(op):
            case(op, [images([1, 1, 1, 2]), size(3, 2)], attrs, label=f"one pixel {attrs}", **CLOSE)
            case(op, [images([1, 17, 19, 1]), size(5, 4)], attrs, label=f"much smaller {attrs}", **CLOSE)
            case(op, [images([1, 2, 2, 1]), size(11, 9)], attrs, label=f"much larger {attrs}", **CLOSE)
            case(op, [np.full([1, 7, 5, 3], 200, np.uint8), size(3, 9)], attrs, label=f"one colour {attrs}", rtol=0, atol=2e-5)
        case(op, [images([0, 3, 4, 2]), size(2, 2)], label="no images")
        case(op, [images([1, 3, 4, 2]), np.array([4, 3], np.int32)], label="size fed", **CLOSE)


def resizes_refused():
    for op in RESIZES:
        wrong = {
            "rank 3": [images([3, 4, 2]), size(2, 2)], "size of rank 0": [images([1, 3, 4, 2]), Const(np.int32(2))],
            "three sizes": [images([1, 3, 4, 2]), size(2, 2, 2)], "zero": [images([1, 3, 4, 2]), size(0, 2)], "negative": [images([1, 3, 4, 2]), size(2, -1)],
            "no rows": [images([1, 0, 4, 2]), size(2, 2)], "no channels": [images([1, 3, 4, 0]), size(2, 2)],
        }
        for label, inputs in wrong.items():
            case(op, [i.value if isinstance(i, Const) else i for i in inputs], label=label)
        if op != "ResizeArea":
            case(op, [images([1, 3, 4, 2]), size(2, 2)], {"align_corners": True, "half_pixel_centers": True}, label="both")


def gradients():
    for attrs in CENTERS:
        for dtype in (np.float32, np.float64):
            for op in ("ResizeBilinearGrad", "ResizeBicubicGrad"):
                case(op, [images([1, 4, 3, 2]), images([1, 3, 4, 2], dtype)], attrs, label=f"{name(dtype)} {attrs}", **CLOSE)
        for op, to, shape in itertools.product(("ResizeBilinearGrad", "ResizeBicubicGrad"), [(6, 8), (2, 3), (1, 1)], [[1, 3, 4, 2], [1, 1, 1, 2]]):
            case(op, [images([1, *to, 2]), images(shape)], attrs, label=f"{to} {shape} {attrs}", **CLOSE)
        for dtype in (np.float32, np.float64, np.float16, tf.bfloat16.as_numpy_dtype, np.int32, np.int8, np.uint8):
            case("ResizeNearestNeighborGrad", [images([1, 4, 3, 2], dtype), size(3, 4)], attrs, label=f"{name(dtype)} {attrs}", **CLOSE)
        for to, shape in itertools.product([(6, 8), (2, 3), (1, 1)], [(3, 4), (1, 1)]):
            case("ResizeNearestNeighborGrad", [images([2, *to, 3]), size(*shape)], attrs, label=f"{to} {shape} {attrs}", **CLOSE)
    for op, other in (("ResizeBilinearGrad", images([1, 3, 4, 2])), ("ResizeBicubicGrad", images([1, 3, 4, 2])), ("ResizeNearestNeighborGrad", size(3, 4))):
        case(op, [images([4, 3, 2]), other], label="rank 3")
        case(op, [images([0, 4, 3, 2]), other if op == "ResizeNearestNeighborGrad" else images([0, 3, 4, 2])], label="no images")
        case(op, [images([1, 4, 3, 2]), other], {"align_corners": True, "half_pixel_centers": True}, label="both")
    case("ResizeNearestNeighborGrad", [images([1, 4, 3, 2]), np.array([0, 4], np.int32)], label="zero")
    case("ResizeBilinearGrad", [images([1, 4, 3, 2]), images([3, 4, 2])], label="original of rank 3")


FILTERS = ["lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic"]


def floats(*numbers):
    return Const(np.array(numbers, np.float32))


def filters():
    for kernel, antialias in itertools.product(FILTERS, (True, False)):
        attrs = {"kernel_type": kernel, "antialias": antialias}
        for to in ((3, 4), (9, 11), (2, 2)):
            scale = floats(to[0] / 6, to[1] / 7)
            case("ScaleAndTranslate", [images([1, 6, 7, 2]), size(*to), scale, floats(0, 0)], attrs, label=f"{kernel} {to}", **CLOSE)
        case("ScaleAndTranslate", [images([2, 6, 7, 3]), size(5, 5), floats(0.7, 1.3), floats(-1.5, 2.25)], attrs, label=f"{kernel} moved", **CLOSE)
        case("ScaleAndTranslateGrad", [images([1, 5, 5, 2]), images([1, 6, 7, 2]), floats(0.7, 1.3), floats(-1.5, 2.25)], attrs, label=f"{kernel} moved", **CLOSE)
    case("ScaleAndTranslateGrad", [images([5, 5, 2]), images([1, 6, 7, 2]), floats(0.7, 1.3), floats(0, 0)], label="rank 3")
    case("ScaleAndTranslateGrad", [images([1, 5, 5, 2]), images([1, 6, 7, 2]), np.array([0, 1], np.float32), floats(0, 0)], label="scale zero")
    for dtype in NUMBERS:
        case("ScaleAndTranslate", [images([1, 3, 4, 2], dtype), size(4, 3), floats(1.5, 0.8), floats(0, 0)], label=name(dtype), **CLOSE)
    for label, inputs in {
        "scale zero": [size(2, 2), floats(0, 1), floats(0, 0)], "scale not a number": [size(2, 2), floats(np.nan, 1), floats(0, 0)],
        "one scale": [size(2, 2), floats(1), floats(0, 0)], "size zero": [size(0, 2), floats(1, 1), floats(0, 0)], "translation of rank 2": [size(2, 2), floats(1, 1), Const(np.zeros([1, 2], np.float32))],
    }.items():
        case("ScaleAndTranslate", [images([1, 3, 4, 2])] + [i.value for i in inputs], label=label)
    case("ScaleAndTranslate", [images([1, 3, 4, 2]), size(2, 2), floats(1, 1), floats(0, 0)], {"kernel_type": "lanczos2"}, label="unknown filter")
    case("ScaleAndTranslate", [images([1, 3, 4, 2]), size(3, 3), floats(1e-30, 1e30), floats(0, 0)], label="extreme scales", **CLOSE)
    case("ScaleAndTranslate", [images([1, 3, 4, 2]), size(3, 3), floats(1, 1), floats(100, -100)], label="outside", **CLOSE)
