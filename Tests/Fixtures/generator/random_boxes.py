"""Parts of images that chance chooses, with seeds: the first run of a node."""
import itertools

import numpy as np

from .core import Const, case

SEEDS = [{"seed": 1, "seed2": 2}, {"seed": 0, "seed2": 7}, {"seed": 123456789, "seed2": -5}]
BOXES = np.array([[[0.1, 0.2, 0.8, 0.7], [0.4, 0.4, 0.9, 0.95]]], np.float32)


def cases():
    crops()
    boxes()


def values(shape, dtype=np.float32):
    return (np.arange(int(np.prod(shape))) % 120).reshape(shape).astype(dtype)


def size(*numbers):
    return Const(np.array(numbers, np.int64))


def crops():
    for seeds, to in itertools.product(SEEDS, ([3, 4], [6, 4], [3, 7], [6, 7], [1, 1])):
        case("RandomCrop", [values([6, 7, 2]), size(*to)], seeds, label=f"{to} {seeds}")
    for dtype in (np.float64, np.uint8, np.int8, np.int16, np.int32, np.int64):
        case("RandomCrop", [values([6, 7, 2], dtype), size(2, 3)], SEEDS[0], label=np.dtype(dtype).name)
    for to in ([7, 2], [2, 8], [2]):
        case("RandomCrop", [values([6, 7, 2]), np.array(to, np.int64)], SEEDS[0], label=f"{to}")
    case("RandomCrop", [values([6, 7]), np.array([2, 2], np.int64)], SEEDS[0], label="rank 2")


def boxes():
    sizes = [np.array(s, np.int32) for s in ([100, 80, 3], [33, 200, 1], [7, 5, 3], [1, 1, 3])]
    variants = [{}, {"aspect_ratio_range": [0.5, 2.0]}, {"area_range": [0.3, 0.6]}, {"aspect_ratio_range": [1.0, 1.0], "area_range": [0.01, 0.9]}, {"max_attempts": 1}]
    for image, seeds, attrs in itertools.product(sizes, SEEDS, variants):
        case("SampleDistortedBoundingBox", [image, BOXES], {**seeds, **attrs, "min_object_covered": 0.5}, label=f"{image} {attrs}")
        case("SampleDistortedBoundingBoxV2", [image, BOXES, np.float32(0.9)], {**seeds, **attrs}, label=f"{image} {attrs}")
    none = np.zeros([1, 0, 4], np.float32)
    for dtype in (np.uint8, np.int8, np.int16, np.int64):
        case("SampleDistortedBoundingBoxV2", [np.array([100, 80, 3], dtype), BOXES, np.float32(0.1)], SEEDS[0], label=np.dtype(dtype).name)
    case("SampleDistortedBoundingBox", [sizes[0], none], {**SEEDS[0], "use_image_if_no_bounding_boxes": True}, label="all of the image")
    case("SampleDistortedBoundingBox", [sizes[0], none], SEEDS[0], label="no boxes")
    for label, inputs in {
        "two sizes": [np.array([4, 4], np.int32), BOXES], "a negative size": [np.array([-4, 4, 3], np.int32), BOXES], "boxes of rank 2": [sizes[0], BOXES[0]], "three numbers": [sizes[0], BOXES[:, :, :3]], "outside": [sizes[0], BOXES * 2], "not a number": [sizes[0], BOXES * np.float32(np.nan)],
    }.items():
        case("SampleDistortedBoundingBox", inputs, SEEDS[0], label=label)
        case("SampleDistortedBoundingBoxV2", inputs + [np.float32(0.1)], SEEDS[0], label=label)
    case("SampleDistortedBoundingBoxV2", [sizes[0], BOXES, np.float32(-1)], SEEDS[0], label="negative cover")
    for attrs in ({"max_attempts": 0}, {"area_range": [0.5, 1.5]}, {"aspect_ratio_range": [0.0, 1.0]}, {"min_object_covered": -0.5}):
        case("SampleDistortedBoundingBox", [sizes[0], BOXES], {**SEEDS[0], **attrs}, label=f"{attrs}")
