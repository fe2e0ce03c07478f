"""Boxes of which only those stay that do not overlap better ones."""
from .movement import *

BOXES = np.array([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, -0.1, 1, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]], np.float32)
SCORES = np.array([0.9, 0.75, 0.6, 0.95, 0.5, 0.3], np.float32)
TIES = np.array([0.5, 0.5, 0.5, 0.7, 0.7, 0.5], np.float32)
NONE = np.float32(-np.inf)


def f(value):
    return np.float32(value)


def cases():
    for size in (0, 2, 30, -1):
        for iou in (0.5, 0.0):
            case("NonMaxSuppression", [BOXES, SCORES, ints(size)], {"iou_threshold": iou}, label=f"{size} {iou}")
            case("NonMaxSuppressionV2", [BOXES, SCORES, ints(size), f(iou)], label=f"{size} {iou}")
            for score in (NONE, f(0.4), f(0.6)):
                case("NonMaxSuppressionV3", [BOXES, SCORES, ints(size), f(iou), score], label=f"{size} {iou} {score}")
                for pad in (False, True):
                    case("NonMaxSuppressionV4", [BOXES, SCORES, ints(size), f(iou), score], {"pad_to_max_output_size": pad}, label=f"{size} {iou} {score} {pad}")
                    if size > 0 or not pad:
                        for sigma in (0.0, 0.5):
                            case("NonMaxSuppressionV5", [BOXES, SCORES, ints(size), f(iou), score, f(sigma)], {"pad_to_max_output_size": pad}, label=f"{size} {iou} {score} {sigma} {pad}", rtol=1e-5)
    flipped = BOXES[:, [2, 3, 0, 1]]
    for boxes, scores, label in (
        (flipped, SCORES, "flipped"), (BOXES, TIES, "ties"), (np.zeros([3, 4], np.float32), np.ones([3], np.float32), "points"), (np.zeros([0, 4], np.float32), np.zeros([0], np.float32), "nothing"),
        (BOXES, SCORES[:5], "a score is missing"), (BOXES[:, :3], SCORES, "three sides"), (BOXES[0], SCORES, "a vector"), (BOXES, SCORES[None], "a row of scores"),
    ):
        case("NonMaxSuppression", [boxes, scores, ints(4)], {"iou_threshold": 0.5}, label=label)
        case("NonMaxSuppressionV2", [boxes, scores, ints(4), f(0.5)], label=label)
        case("NonMaxSuppressionV3", [boxes, scores, ints(4), f(0.5), NONE], label=label)
        case("NonMaxSuppressionV4", [boxes, scores, ints(4), f(0.5), NONE], label=label)
        case("NonMaxSuppressionV5", [boxes, scores, ints(4), f(0.5), NONE, f(0.0)], label=label)
    for iou in (-0.1, 1.1):
        case("NonMaxSuppressionV3", [BOXES, SCORES, ints(4), f(iou), NONE], label=f"threshold {iou}")
    case("NonMaxSuppressionV3", [BOXES, SCORES, ints([4]), f(0.5), NONE], label="the size is a vector")
    case("NonMaxSuppressionV3", [BOXES, SCORES, ints(4), np.array([0.5], np.float32), NONE], label="the threshold is a vector")
    case("NonMaxSuppressionV3", [Const(BOXES), Const(SCORES), Const(2, np.int32), Const(f(0.5)), Const(NONE)], label="constant")
    case("NonMaxSuppressionV5", [BOXES, TIES, ints(6), f(0.5), f(0.1), f(0.8)], label="soft ties", rtol=1e-5)
    case("NonMaxSuppressionV5", [BOXES, SCORES, ints(6), f(0.5), f(0.0), f(-0.5)], label="negative sigma")
    overlaps = np.array([[1, 0.8, 0.1], [0.8, 1, 0.2], [0.1, 0.2, 1]], np.float32)
    for size in (0, 1, 3, 5):
        for threshold in (0.1, 0.5, 0.9):
            case("NonMaxSuppressionWithOverlaps", [overlaps, np.array([0.5, 0.9, 0.7], np.float32), ints(size), f(threshold), f(0.0)], label=f"{size} {threshold}")
    combined()


def combined():
    random = np.random.RandomState(3)
    corners = random.rand(2, 7, 1, 2).astype(np.float32)
    boxes = np.concatenate([corners, corners + 0.3 * random.rand(2, 7, 1, 2).astype(np.float32) + 0.1], -1)
    scores = (random.permutation(42) / 42).astype(np.float32).reshape(2, 7, 3)
    own = np.concatenate([boxes, boxes + 0.05, boxes - 0.1], 2)
    for per_class, total in ((2, 4), (7, 15), (3, 3)):
        for iou in (0.3, 0.6):
            for score in (0.0, 0.5):
                for each in (boxes, own):
                    for pad, clip in ((False, True), (True, True), (False, False)):
                        case("CombinedNonMaxSuppression", [each, scores, ints(per_class), ints(total), f(iou), f(score)], {"pad_per_class": pad, "clip_boxes": clip},
                             label=f"{per_class} {total} {iou} {score} {each.shape[2]} {pad} {clip}")
    good = [boxes, scores, ints(2), ints(4), f(0.5), f(0.0)]
    for place, bad, label in ((0, boxes[:, :, 0], "no classes"), (0, own[:, :, :2], "two classes of boxes"), (1, scores[:1], "other batch"), (1, scores[:, :5], "other boxes"), (2, ints(0), "none of a class"),
                              (2, ints([2]), "a vector"), (3, ints(0), "none"), (3, ints(-1), "less than none"), (4, f(1.5), "threshold"), (4, f(-0.5), "negative threshold")):
        case("CombinedNonMaxSuppression", good[:place] + [bad] + good[place + 1:], label=label)
    case("CombinedNonMaxSuppression", [boxes[:, :0], scores[:, :0], ints(2), ints(4), f(0.5), f(0.0)], label="no boxes")
