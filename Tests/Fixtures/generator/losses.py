"""Losses, and what comes with them in training graphs."""
import numpy as np

from .core import Const, case

INDICES = (np.int32, np.int64)


def cases():
    cross_entropy()
    in_top_k()
    l2_loss()
    biases()


def name(dtype):
    return np.dtype(dtype).name


def cross_entropy():
    def entropy(logits, labels, label, labels_dtype=np.int32, **tolerance):
        case("SparseSoftmaxCrossEntropyWithLogits", [logits, np.asarray(labels, labels_dtype)], label=label, **tolerance)

    for dtype in (np.float32, np.float64):
        tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-13}
        logits = lambda *shape: np.random.normal(0, 3, shape).astype(dtype)
        for index in INDICES:
            entropy(logits(4, 5), [0, 4, 2, 2], f"{name(dtype)} {name(index)}", index, **tolerance)
        entropy(logits(2, 1), [0, 0], f"{name(dtype)} one class", **tolerance)
        entropy(logits(2, 100), [99, 3], f"{name(dtype)} many classes", **tolerance)
        entropy(logits(2, 4) * 100, [0, 1], f"{name(dtype)} large", **tolerance)
        entropy(logits(0, 3), [], f"{name(dtype)} no rows", **tolerance)
    special = np.array([[np.nan, 1, 2], [np.inf, 1, 2], [-np.inf, 1, 2], [1, 2, 3]], np.float32)
    entropy(special, [0, 0, 1, 2], "NaN and infinity", rtol=1e-5, atol=1e-6)
    rows = np.zeros([2, 3], np.float32)
    entropy(rows, [0, 3], "refused: a label too large")
    entropy(rows, [-1, 0], "refused: a label too small")
    entropy(rows, [0, 2 ** 40], "refused: a label far too large", np.int64)
    entropy(rows, [0], "refused: too few labels")
    entropy(rows[0], [0], "refused: one row")
    entropy(rows, [[0, 1]], "refused: labels of rank 2")
    entropy(rows[:, :0], [0, 0], "refused: no classes")


def in_top_k():
    predictions = np.array([[1, 2, 3, 3], [np.nan, 1, 2, 3], [1, 2, np.inf, 0], [4, 3, 2, 1], [1, 1, 1, 1]], np.float32)
    for dtype in INDICES:
        targets = np.array([2, 1, 1, 3, 0], dtype)
        for k in (0, 1, 2, 4, 10, -1):
            case("InTopK", [predictions, targets], {"k": k}, label=f"{name(dtype)} {k}")
            case("InTopKV2", [predictions, targets, np.array(k, dtype)], label=f"{name(dtype)} {k}")
            case("InTopKV2", [predictions, targets, Const(k, dtype)], label=f"{name(dtype)} {k}, constant")
    outside = np.array([4, -1, 1, 3, 2 ** 30], np.int32)
    case("InTopK", [predictions, outside], {"k": 5}, label="targets out of range")
    case("InTopK", [predictions[:0], np.zeros([0], np.int32)], {"k": 1}, label="no rows")
    case("InTopK", [predictions, outside[:2]], {"k": 1}, label="refused: too few targets")
    case("InTopK", [predictions[0], outside[:4]], {"k": 1}, label="refused: one row")
    case("InTopK", [predictions, outside[None]], {"k": 1}, label="refused: targets of rank 2")
    case("InTopKV2", [predictions, outside, np.array([1], np.int32)], label="refused: k of rank 1")


def l2_loss():
    for dtype in (np.float32, np.float64):
        for shape in ([], [3], [2, 3, 4], [0], [1000]):
            x = np.random.normal(0, 1, shape).astype(dtype)
            case("L2Loss", [x], label=f"{name(dtype)} {shape}", rtol=1e-5 if dtype == np.float32 else 1e-12)
    case("L2Loss", [np.array([np.inf, 1], np.float32)], label="infinity")
    case("L2Loss", [np.array([np.nan, 1], np.float32)], label="NaN")


def biases():
    for dtype in (np.float32, np.float64, np.int32, np.int64):
        for shape in ([3, 4], [2, 3, 4], [2, 3, 4, 5], [1, 4], [0, 3]):
            x = np.random.uniform(-9, 9, shape).astype(dtype)
            tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
            case("BiasAddGrad", [x], label=f"{name(dtype)} {shape}", **tolerance)
            case("BiasAddGrad", [x], {"data_format": "NCHW"}, label=f"{name(dtype)} {shape} NCHW", **tolerance)
            case("BiasAddV1", [x, x.reshape(-1)[:shape[-1]] if x.size else np.ones(shape[-1], dtype)], label=f"{name(dtype)} {shape}")
    case("BiasAddGrad", [np.ones([3], np.float32)], label="refused: rank 1")
    case("BiasAddV1", [np.ones([2, 3], np.float32), np.ones([2], np.float32)], label="refused: too few biases")
    case("BiasAddV1", [np.ones([3], np.float32), np.ones([3], np.float32)], label="refused: rank 1")
