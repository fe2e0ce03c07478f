"""The colours of pixels, and boxes drawn on them."""
import numpy as np

from .core import Const, case

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
NAMED = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1], [0.5, 0.5, 0.5], [0.2, 0.4, 0.4], [0.4, 0.2, 0.4], [0.4, 0.4, 0.2]])


def cases():
    spaces()
    adjustments()
    boxes()


def colours(count, dtype=np.float32):
    return np.concatenate([NAMED, np.random.uniform(0, 1, [count, 3])]).astype(dtype)


def image(shape, dtype=np.float32):
    return np.random.uniform(0, 1, shape).astype(dtype)


def spaces():
    for dtype in (np.float32, np.float64, np.float16):
        tolerance = {np.float32: CLOSE, np.float64: {"rtol": 1e-13, "atol": 1e-14}}.get(dtype, {})
        for op in ("RGBToHSV", "HSVToRGB"):
            case(op, [colours(40, dtype)], label=np.dtype(dtype).name, **tolerance)
            case(op, [image([2, 3, 4, 3], dtype)], label=f"{np.dtype(dtype).name} images", **tolerance)
    for op in ("RGBToHSV", "HSVToRGB"):
        case(op, [image([3])], label="one pixel", **CLOSE)
        case(op, [image([0, 3])], label="no pixels")
        case(op, [image([2, 4])], label="four channels")
        case(op, [image([])], label="a scalar")
        case(op, [colours(0) * 300 - 20], label="outside of [0, 1]", rtol=1e-5, atol=1e-4)


def adjustments():
    for delta in (0, 0.1, -0.25, 0.5, 0.9, -1, 3.3):
        case("AdjustHue", [colours(20).reshape([2, -1, 3]), np.float32(delta)], label=f"{delta}", rtol=1e-5, atol=4e-6)
    for scale in (0, 0.5, 1, 1.7, 10, -1):
        case("AdjustSaturation", [colours(20).reshape([2, -1, 3]), np.float32(scale)], label=f"{scale}", **CLOSE)
    for factor, shape in ((0, [2, 3, 4, 3]), (0.5, [2, 3, 4, 3]), (2, [5, 4, 1]), (-1.5, [2, 2, 3, 2, 4]), (1, [1, 1, 1])):
        case("AdjustContrastv2", [image(shape), np.float32(factor)], label=f"{factor} {shape}", **CLOSE)
    for op in ("AdjustHue", "AdjustSaturation", "AdjustContrastv2"):
        case(op, [image([2, 0, 4, 3]), np.float32(0.5)], label="no pixels")
        case(op, [image([4, 3]), np.float32(0.5)], label="rank 2")
        case(op, [image([2, 4, 3]), image([1])], label="parameter of rank 1")
    for op in ("AdjustHue", "AdjustSaturation"):
        case(op, [image([2, 4, 1]), np.float32(0.5)], label="one channel")


BOXES = np.array([[[0.1, 0.2, 0.8, 0.7], [0, 0, 1, 1], [0.3, 0.3, 0.3, 0.3]], [[-0.5, -0.2, 0.5, 1.4], [0.9, 0.9, 0.1, 0.1], [2, 2, 3, 3]]], np.float32)


def boxes():
    for depth in (1, 3, 4):
        case("DrawBoundingBoxes", [image([2, 6, 7, depth]), BOXES], label=f"depth {depth}")
        case("DrawBoundingBoxesV2", [image([2, 6, 7, depth]), BOXES, image([2, 4])], label=f"depth {depth}")
    case("DrawBoundingBoxes", [image([2, 6, 7, 3], np.float16), BOXES], label="float16")
    case("DrawBoundingBoxesV2", [image([2, 6, 7, 3], np.float16), BOXES, image([2, 3])], label="float16")
    many = np.stack([np.random.uniform(0, 0.5, [12, 2]), np.random.uniform(0.5, 1, [12, 2])], 1).reshape([1, 12, 4]).astype(np.float32)
    case("DrawBoundingBoxes", [image([1, 9, 9, 3]), many], label="more boxes than colours")
    case("DrawBoundingBoxesV2", [image([1, 9, 9, 3]), many, image([5, 3])], label="more boxes than colours")
    case("DrawBoundingBoxesV2", [image([1, 9, 9, 3]), many, image([0, 3])], label="no colours")
    case("DrawBoundingBoxes", [image([2, 6, 7, 3]), np.zeros([2, 0, 4], np.float32)], label="no boxes")
    case("DrawBoundingBoxes", [image([2, 1, 1, 3]), BOXES], label="one pixel")
    for label, inputs in {
        "depth 2": [image([2, 6, 7, 2]), BOXES], "rank 3": [image([6, 7, 3]), BOXES], "boxes of rank 2": [image([2, 6, 7, 3]), BOXES[0]], "batches": [image([1, 6, 7, 3]), BOXES], "three numbers": [image([2, 6, 7, 3]), BOXES[:, :, :3]],
    }.items():
        case("DrawBoundingBoxes", inputs, label=label)
        case("DrawBoundingBoxesV2", inputs + [image([2, 4])], label=label)
    case("DrawBoundingBoxesV2", [image([2, 6, 7, 3]), BOXES, image([2, 2])], label="colours too short")
