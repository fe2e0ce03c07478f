"""Images normalised channel by channel, or by their neighbours."""
import itertools

import numpy as np

from .core import case

NOTHING = np.zeros([0], np.float32)
TOLERANCE = {"rtol": 2e-5, "atol": 2e-5}
FUSED = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
FUSED_GRADIENTS = ("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")


def cases():
    for op in FUSED:
        inference(op)
        training(op)
        fused_refused(op)
    for op in FUSED_GRADIENTS:
        fused_gradients(op)
    global_normalization()
    local_response()


def numbers(*shape):
    return np.random.normal(0, 1, shape).astype(np.float32)


def positive(*shape):
    return np.random.uniform(0.1, 2, shape).astype(np.float32)


def reserved(outputs):
    """What nobody needs is zero."""
    return list(outputs[:3]) + [np.zeros_like(output) for output in outputs[3:]]


def training_reserved(outputs):
    known = 5 if outputs[0].size else 3
    return list(outputs[:known]) + [np.zeros_like(output) for output in outputs[known:]]


def inference(op):
    def given(x, label, depth=None, **attrs):
        depth = x.shape[1 if attrs.get("data_format") == "NCHW" else -1] if depth is None else depth
        inputs = [x, numbers(depth), numbers(depth), numbers(depth), positive(depth)]
        case(op, inputs, {"is_training": False, **attrs}, label=label, unset=reserved, **TOLERANCE)

    for depth in (1, 2, 3, 16, 64, 70):
        given(numbers(2, 3, 2, depth), f"{depth} channels")
    given(numbers(2, 3, 4, 5), "NCHW", data_format="NCHW")
    given(numbers(2, 3, 1, 1), "NCHW of single pixels", data_format="NCHW")
    given(numbers(2, 3, 2, 3), "epsilon", epsilon=0.25)
    given(numbers(1, 2, 3, 2, 3), "rank 5")
    given(numbers(0, 3, 2, 3), "no images")
    given(numbers(2, 0, 2, 3), "no rows")
    x = numbers(1, 3, 2, 2)
    x[0, 0, 0, 0] = np.nan
    x[0, 1, 1, 1] = np.inf
    given(x, "NaN and infinity")
    if op == "FusedBatchNormV3":
        given(numbers(1, 2, 3, 2, 3), "NDHWC", data_format="NDHWC")
        given(numbers(1, 3, 2, 3, 2), "NCDHW", depth=3, data_format="NCDHW")


def training(op):
    def batch(x, label, depth=None, moments=False, **attrs):
        depth = x.shape[1 if attrs.get("data_format") == "NCHW" else -1] if depth is None else depth
        means = [numbers(depth), positive(depth)] if moments else [NOTHING, NOTHING]
        case(op, [x, numbers(depth), numbers(depth), *means], {"is_training": True, **attrs}, label=label,
             unset=training_reserved, **TOLERANCE)

    batch(numbers(2, 3, 2, 3), "training")
    batch(numbers(2, 3, 2, 20), "training, many channels")
    batch(numbers(1, 1, 1, 3), "training, one pixel")
    batch(numbers(2, 3, 4, 5), "training, NCHW", data_format="NCHW")
    batch(numbers(2, 3, 2, 3), "training, epsilon", epsilon=0.5)
    batch(numbers(2, 3, 2, 3), "training, moments that do not count", moments=True)
    batch(numbers(0, 3, 2, 3), "training, no images")
    batch(numbers(1, 2, 3, 2, 3), "training, rank 5")
    batch(numbers(3, 2, 2, 2) + 20, "training, far from zero")
    for factor in (0.0, 0.3, 0.9):
        batch(numbers(2, 3, 2, 3), f"training, average {factor}", moments=True, exponential_avg_factor=factor)
    x = numbers(1, 3, 2, 2)
    x[0, 0, 0, 0] = np.nan
    batch(x, "training, NaN")


def fused_refused(op):
    good = lambda: [numbers(2, 3, 2, 3), numbers(3), numbers(3), numbers(3), positive(3)]
    for index, what in enumerate(("x", "scale", "offset", "mean", "variance")):
        inputs = good()
        inputs[index] = inputs[index][0] if index == 0 else inputs[index][:2]
        case(op, inputs, {"is_training": False}, label=f"refused: {what}")
        inputs = good()
        inputs[index] = inputs[index][None, None] if index == 0 else inputs[index][None]
        case(op, inputs, {"is_training": False}, label=f"refused: rank of {what}")
    empty = good()[:3] + [NOTHING, NOTHING]
    case(op, empty, {"is_training": False}, label="refused: no moments")
    case(op, empty, {"is_training": True, "exponential_avg_factor": 0.5}, label="refused: no moments to average")


def fused_gradients(op):
    last = [NOTHING] if op == "FusedBatchNormGradV3" else []

    def gradient(dy, x, label, depth=3, **attrs):
        case(op, [dy, x, numbers(depth), numbers(depth), positive(depth), *last], attrs, label=label, **TOLERANCE)

    for is_training in (True, False):
        attrs = {"is_training": is_training}
        gradient(numbers(2, 3, 2, 3), numbers(2, 3, 2, 3), f"training {is_training}", **attrs)
        if is_training:
            gradient(numbers(2, 3, 4, 5), numbers(2, 3, 4, 5), "NCHW", data_format="NCHW", **attrs)
        gradient(numbers(1, 2, 3, 2, 3), numbers(1, 2, 3, 2, 3), f"rank 5, training {is_training}", **attrs)
        gradient(numbers(2, 3, 2, 3), numbers(2, 3, 2, 3), f"epsilon, training {is_training}", epsilon=0.5, **attrs)
        gradient(numbers(0, 3, 2, 3), numbers(0, 3, 2, 3), f"no images, training {is_training}", **attrs)
    gradient(numbers(1, 3, 2, 3), numbers(2, 3, 2, 3), "refused: shapes")
    gradient(numbers(3, 2, 3), numbers(3, 2, 3), "refused: rank")
    gradient(numbers(2, 3, 2, 3), numbers(2, 3, 2, 3), "refused: channels", depth=2)


def global_normalization():
    for dtype, scales in itertools.product((np.float32, np.float64), (True, False)):
        inputs = [numbers(2, 3, 2, 3), numbers(3), positive(3), numbers(3), numbers(3)]
        tolerance = TOLERANCE if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}
        case("BatchNormWithGlobalNormalization", [i.astype(dtype) for i in inputs],
             {"variance_epsilon": 0.01, "scale_after_normalization": scales}, label=f"{np.dtype(dtype).name} {scales}",
             **tolerance)
    attrs = {"variance_epsilon": 0.01, "scale_after_normalization": True}
    op = "BatchNormWithGlobalNormalization"
    case(op, [numbers(0, 3, 2, 3), numbers(3), positive(3), numbers(3), numbers(3)], attrs, label="no images")
    case(op, [numbers(3, 2, 3), numbers(3), positive(3), numbers(3), numbers(3)], attrs, label="refused: rank")


def local_response():
    attributes = [{}, {"depth_radius": 1, "alpha": 0.5, "beta": 0.75, "bias": 2.0}, {"depth_radius": 0}, {"beta": 1.0},
                  {"depth_radius": 9, "beta": 0.3}, {"depth_radius": 4, "bias": 1.0, "alpha": 0.001 / 9.0, "beta": 0.75}]
    for attrs in attributes:
        for shape in ([2, 2, 2, 5], [1, 1, 2, 40]):
            x = numbers(*shape)
            case("LRN", [x], attrs, label=f"{attrs} {shape}", rtol=1e-5)
            case("LRNGrad", [numbers(*shape), x, numbers(*shape)], attrs, label=f"{attrs} {shape}", rtol=2e-5, atol=1e-5)
    case("LRN", [numbers(0, 2, 2, 3)], label="no images")
    case("LRN", [numbers(1, 2, 2, 3)], {"bias": -100.0}, label="negative norms")
    case("LRN", [numbers(2, 2, 3)], label="refused: rank")
    case("LRN", [numbers(1, 2, 2, 3)], {"depth_radius": -1}, label="refused: radius")
    case("LRNGrad", [numbers(0, 2, 2, 3)] * 3, label="no images")
    case("LRNGrad", [numbers(1, 2, 2, 3), numbers(1, 2, 2, 3), numbers(1, 2, 2, 4)], label="refused: shapes")
    case("LRNGrad", [numbers(2, 2, 3)] * 3, label="refused: rank")
