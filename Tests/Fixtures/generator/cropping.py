"""Parts of images, and images seen through transforms."""
import itertools

import numpy as np

from .core import Const, case, tf
from .resizing import CLOSE, NUMBERS, images, name, size


def cases():
    crops()
    crop_gradients()
    projections()
    glimpses()


BOXES = np.array([[0, 0, 1, 1], [0.1, 0.2, 0.8, 0.7], [0.9, 0.8, 0.1, 0.3], [-0.5, -0.2, 1.5, 1.1], [0.5, 0.5, 0.5, 0.5], [2, 2, 3, 3]], np.float32)


def crops():
    indices = np.array([0, 1, 1, 0, 1, 0], np.int32)
    for method, to in itertools.product(("bilinear", "nearest"), ((3, 4), (1, 1), (1, 3), (6, 2))):
        attrs = {"method": method, "extrapolation_value": -3.5}
        case("CropAndResize", [images([2, 5, 6, 3]), BOXES, indices, size(*to)], attrs, label=f"{method} {to}", **CLOSE)
    for dtype, method in itertools.product([d for d in NUMBERS if name(d) != "bfloat16"], ("bilinear", "nearest")):
        case("CropAndResize", [images([2, 3, 4, 2], dtype), BOXES[:2], indices[:2], size(2, 3)], {"method": method}, label=f"{name(dtype)} {method}", **CLOSE)
    case("CropAndResize", [images([2, 3, 4, 2]), np.zeros([0, 4], np.float32), np.zeros([0], np.int32), size(2, 3)], label="no boxes")
    case("CropAndResize", [images([2, 1, 1, 2]), BOXES, indices, size(2, 3)], label="one pixel", **CLOSE)
    for label, inputs in {
        "index": [BOXES[:1], np.array([2], np.int32), size(2, 2)], "negative index": [BOXES[:1], np.array([-1], np.int32), size(2, 2)],
        "not finite": [np.array([[0, 0, np.inf, 1]], np.float32), np.array([0], np.int32), size(2, 2)], "not a number": [np.array([[0, np.nan, 1, 1]], np.float32), np.array([0], np.int32), size(2, 2)],
        "numbers of boxes": [BOXES[:2], np.array([0], np.int32), size(2, 2)], "three columns": [BOXES[:2, :3], np.array([0, 1], np.int32), size(2, 2)],
        "size zero": [BOXES[:1], np.array([0], np.int32), size(0, 2)], "size of rank 0": [BOXES[:1], np.array([0], np.int32), Const(np.int32(2))], "boxes of rank 1": [BOXES[0], np.array([0], np.int32), size(2, 2)],
    }.items():
        case("CropAndResize", [images([2, 3, 4, 2])] + [i.value if isinstance(i, Const) else i for i in inputs], label=label)
    case("CropAndResize", [images([3, 4, 2]), BOXES[:1], np.array([0], np.int32), size(2, 2)], label="rank 3")


def crop_gradients():
    indices = np.array([0, 1, 1, 0, 1, 0], np.int32)
    for method, to in itertools.product(("bilinear", "nearest"), ((3, 4), (1, 1), (1, 3), (6, 2))):
        for dtype in (tf.float32, tf.float64):
            case("CropAndResizeGradImage", [images([6, *to, 2]), BOXES, indices, size(2, 4, 5, 2)], {"method": method, "T": dtype}, label=f"{method} {to} {dtype.name}", **CLOSE)
    for to in ((3, 4), (1, 1), (1, 3), (6, 2)):
        case("CropAndResizeGradBoxes", [images([6, *to, 2]), images([2, 4, 5, 2]), BOXES, indices], label=f"{to}", rtol=1e-4, atol=0.2)
    for label, inputs in {
        "index": [images([1, 2, 2, 2]), BOXES[:1], np.array([2], np.int32), [2, 4, 5, 2]], "boxes": [images([2, 2, 2, 2]), BOXES[:1], np.array([0], np.int32), [2, 4, 5, 2]], "depth": [images([1, 2, 2, 3]), BOXES[:1], np.array([0], np.int32), [2, 4, 5, 2]],
        "no rows": [images([1, 2, 2, 2]), BOXES[:1], np.array([0], np.int32), [2, 0, 5, 2]], "rank 3": [images([2, 2, 2]), BOXES[:1], np.array([0], np.int32), [2, 4, 5, 2]],
    }.items():
        case("CropAndResizeGradImage", inputs[:3] + [np.array(inputs[3], np.int32)], {"T": tf.float32}, label=label)
        case("CropAndResizeGradBoxes", [inputs[0], images(inputs[3]), inputs[1], inputs[2]], label=label)
    case("CropAndResizeGradImage", [images([1, 2, 2, 2]), BOXES[:1], np.array([0], np.int32), np.array([2, 4, 5], np.int32)], {"T": tf.float32}, label="three sizes")


TRANSFORMS = {
    "identity": [1, 0, 0, 0, 1, 0, 0, 0], "moved": [1, 0, 1.5, 0, 1, -0.75, 0, 0], "far": [1, 0, 13, 0, 1, -17, 0, 0], "turned": [0.8, -0.6, 2, 0.6, 0.8, -1, 0, 0],
    "tilted": [1.1, 0.1, -1, 0.05, 0.9, 0.5, 0.05, 0.02], "infinite": [1, 0, 0, 0, 1, 0, -0.5, 0],
}


def projections():
    for (label, transform), mode, interpolation in itertools.product(TRANSFORMS.items(), ("CONSTANT", "NEAREST", "REFLECT", "WRAP"), ("NEAREST", "BILINEAR")):
        attrs = {"fill_mode": mode, "interpolation": interpolation}
        inputs = [images([1, 4, 5, 2]), np.array([transform], np.float32), size(4, 5)]
        case("ImageProjectiveTransformV2", inputs, attrs, label=f"{label} {attrs}", **CLOSE)
        case("ImageProjectiveTransformV3", inputs + [np.float32(-2.5)], attrs, label=f"{label} {attrs}", **CLOSE)
    for dtype, interpolation in itertools.product([np.float32, np.float64, np.float16, np.uint8, np.int32, np.int64], ("NEAREST", "BILINEAR")):
        attrs = {"interpolation": interpolation}
        inputs = [images([2, 3, 4, 2], dtype), np.array([TRANSFORMS["moved"], TRANSFORMS["turned"]], np.float32), size(2, 5)]
        case("ImageProjectiveTransformV2", inputs, attrs, label=f"{name(dtype)} {interpolation}", **CLOSE)
        case("ImageProjectiveTransformV3", inputs + [np.float32(7.9)], attrs, label=f"{name(dtype)} {interpolation}", **CLOSE)
    case("ImageProjectiveTransformV2", [images([1, 1, 1, 1]), np.array([TRANSFORMS["far"]], np.float32), size(2, 2)], {"interpolation": "BILINEAR", "fill_mode": "REFLECT"}, label="one pixel", **CLOSE)
    one = np.array([TRANSFORMS["moved"]], np.float32)
    for label, inputs in {
        "rank 3": [images([3, 4, 2]), one, size(2, 2)], "seven numbers": [images([1, 3, 4, 2]), one[:, :7], size(2, 2)], "two transforms": [images([1, 3, 4, 2]), np.concatenate([one, one]), size(2, 2)],
        "size zero": [images([1, 3, 4, 2]), one, size(0, 2)], "one size": [images([1, 3, 4, 2]), one, size(2)],
    }.items():
        inputs = [i.value if isinstance(i, Const) else i for i in inputs]
        case("ImageProjectiveTransformV2", inputs, {"interpolation": "NEAREST"}, label=label)
        case("ImageProjectiveTransformV3", inputs + [np.float32(1)], {"interpolation": "NEAREST"}, label=label)
    case("ImageProjectiveTransformV3", [images([1, 3, 4, 2]), one, size(2, 2), images([1])], {"interpolation": "NEAREST"}, label="fill of rank 1")


def glimpses():
    offsets = np.array([[0.1, -0.2], [0, 0], [0.6, 0.9]], np.float32)
    for op, centered, normalized in itertools.product(("ExtractGlimpse", "ExtractGlimpseV2"), (True, False), (True, False)):
        attrs = {"centered": centered, "normalized": normalized, "noise": "zero", "uniform_noise": False}
        for to, scale in (((2, 3), 1), ((3, 3), 2.5), ((7, 2), 1), ((9, 9), -1), ((1, 1), 40)):
            case(op, [images([3, 6, 7, 2]), size(*to), offsets * np.float32(scale)], attrs, label=f"{to} {scale} {centered} {normalized}")
        if op == "ExtractGlimpseV2" or centered:
            case(op, [images([3, 8, 8, 1]), size(2, 2), np.abs(offsets) / 4], {**attrs, "noise": "uniform", "uniform_noise": True}, label=f"inside {centered} {normalized}")
    zero = {"noise": "zero", "uniform_noise": False}
    for op in ("ExtractGlimpse", "ExtractGlimpseV2"):
        case(op, [images([0, 6, 7, 2]), size(2, 3), offsets[:0]], zero, label="no images")
        case(op, [images([3, 6, 7, 2]), size(0, 3), offsets], zero, label="no rows")
        for label, inputs in {
            "rank 3": [images([6, 7, 2]), size(2, 3), offsets], "three sizes": [images([3, 6, 7, 2]), size(2, 3, 4), offsets], "batches": [images([2, 6, 7, 2]), size(2, 3), offsets], "three numbers": [images([2, 6, 7, 2]), size(2, 3), np.zeros([2, 3], np.float32)],
        }.items():
            case(op, [i.value if isinstance(i, Const) else i for i in inputs], zero, label=label)
        case(op, [images([3, 6, 7, 2]), size(2, 3), offsets], {"noise": "zero"}, label="two kinds of noise")
        case(op, [images([3, 6, 7, 2]), size(2, 3), offsets], {"noise": "white", "uniform_noise": False}, label="unknown noise")
