"""Convolutions, pools, norms, losses and cells of half precision and bfloat16."""
import numpy as np

from .core import Const, case
from .registry import BFLOAT16, HALVES, name


def cases():
    for dtype in HALVES:
        convolutions(dtype)
        pools(dtype)
        norms(dtype)
        others(dtype)


def numbers(dtype, *shape):
    return np.random.uniform(-1, 1, shape).astype(np.float32).astype(dtype)


def close(dtype, steps=8):
    """TensorFlow rounds sums on the way."""
    unit = 2.0 ** (-10 if dtype == np.float16 else -7)
    return {"rtol": steps * unit, "atol": steps * unit}


def convolutions(dtype):
    for op, filter in (("Conv2D", [2, 3, 3, 4]), ("DepthwiseConv2dNative", [2, 3, 3, 2])):
        attrs = {"strides": [1, 1, 1, 1], "padding": "SAME"}
        case(op, [numbers(dtype, 2, 5, 4, 3), numbers(dtype, *filter)], attrs, label=name(dtype), **close(dtype))
        outputs = 4 if op == "Conv2D" else 6
        dy = numbers(dtype, 2, 5, 4, outputs)
        case(f"{op}BackpropInput", [Const([2, 5, 4, 3], np.int32), numbers(dtype, *filter), dy], attrs, label=name(dtype), **close(dtype))
        case(f"{op}BackpropFilter", [numbers(dtype, 2, 5, 4, 3), Const(filter, np.int32), dy], attrs, label=name(dtype), **close(dtype, 32))
    attrs = {"strides": [1, 1, 2, 1, 1], "padding": "SAME"}
    case("Conv3D", [numbers(dtype, 1, 3, 4, 3, 2), numbers(dtype, 2, 2, 2, 2, 3)], attrs, label=name(dtype), **close(dtype))
    case("Dilation2D", [numbers(dtype, 1, 4, 4, 2), numbers(dtype, 2, 2, 2)], {"strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"}, label=name(dtype))


def pools(dtype):
    attrs = {"ksize": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "padding": "SAME"}
    x = numbers(dtype, 2, 5, 4, 3)
    case("MaxPool", [x], attrs, label=name(dtype))
    case("AvgPool", [x], attrs, label=name(dtype), **close(dtype, 4))
    case("MaxPoolWithArgmax", [x], attrs, label=name(dtype))
    case("MaxPoolV2", [x, Const(attrs["ksize"], np.int32), Const(attrs["strides"], np.int32)], {"padding": "SAME"}, label=name(dtype))
    dy = numbers(dtype, 2, 3, 4, 3)
    case("MaxPoolGrad", [x, dy, dy], attrs, label=name(dtype), **close(dtype, 4))
    case("AvgPoolGrad", [Const([2, 5, 4, 3], np.int32), dy], attrs, label=name(dtype), **close(dtype, 4))
    if dtype == BFLOAT16:
        attrs = {"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 1, 1], "padding": "SAME"}
        for op in ("MaxPool3D", "AvgPool3D"):
            case(op, [numbers(dtype, 1, 3, 4, 3, 2)], attrs, label=name(dtype), **close(dtype, 4))


def norms(dtype):
    vector = lambda: np.random.uniform(0.5, 2, 3).astype(np.float32)
    nothing = np.zeros([0], np.float32)
    for op in ("FusedBatchNormV2", "FusedBatchNormV3"):
        reserved = {"undefined": (3, 4, 5)}
        case(op, [numbers(dtype, 2, 3, 2, 3), vector(), vector(), vector(), vector()], {"is_training": False}, label=name(dtype), **close(dtype, 4), **reserved)
        case(op, [numbers(dtype, 2, 3, 2, 3), vector(), vector(), nothing, nothing], {"is_training": True}, label=f"{name(dtype)}, training", undefined=(5,), **close(dtype))
        last = [nothing] if op == "FusedBatchNormV3" else []
        inputs = [numbers(dtype, 2, 3, 2, 3), numbers(dtype, 2, 3, 2, 3), vector(), vector(), vector(), *last]
        case(op.replace("Norm", "NormGrad"), inputs, {"is_training": True}, label=name(dtype), **close(dtype, 16))
    if dtype == np.float16:
        case("LRN", [numbers(dtype, 1, 2, 2, 9)], label=name(dtype), **close(dtype))
        case("BatchNormWithGlobalNormalization", [numbers(dtype, 1, 2, 2, 3)] + [vector().astype(dtype) for _ in range(4)],
             {"variance_epsilon": 0.01, "scale_after_normalization": True}, label=name(dtype), **close(dtype))


def others(dtype):
    logits = numbers(dtype, 3, 5)
    case("SparseSoftmaxCrossEntropyWithLogits", [logits, np.array([0, 4, 2], np.int32)], label=name(dtype), **close(dtype))
    case("L2Loss", [numbers(dtype, 3, 5)], label=name(dtype), **close(dtype))
    case("BiasAddGrad", [numbers(dtype, 3, 5)], label=name(dtype), **close(dtype))
    case("BiasAddV1", [numbers(dtype, 3, 5), numbers(dtype, 5)], label=name(dtype))
    if dtype == np.float16:
        lstm = [numbers(dtype, 2, 4), numbers(dtype, 2, 4), numbers(dtype, 7, 16), *(numbers(dtype, 4) for _ in range(3)), numbers(dtype, 16)]
        case("LSTMBlockCell", [numbers(dtype, 2, 3), *lstm], {"use_peephole": True}, label=name(dtype), **close(dtype))
        case("BlockLSTM", [np.array(2, np.int64), numbers(dtype, 2, 2, 3), *lstm], label=name(dtype), **close(dtype, 16))
