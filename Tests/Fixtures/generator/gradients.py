"""Gradients of elementwise ops."""
import numpy as np

from .core import case
from .registry import COMPLEXES, FLOATS, HALVES, INTEGERS, name, numbers, supported

NAN, INF = np.nan, np.inf
OPS = ["ReluGrad", "Relu6Grad", "LeakyReluGrad", "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad", "TanhGrad",
       "SigmoidGrad", "SqrtGrad", "RsqrtGrad", "InvGrad", "ReciprocalGrad"]


def cases():
    for op in OPS:
        for dtype in supported(op, FLOATS + ([] if op == "LeakyReluGrad" else INTEGERS) + HALVES + COMPLEXES):
            close = {}
            if dtype in HALVES:
                # Every step is rounded there.
                close = {"rtol": 5e-3 if dtype == np.float16 else 4e-2, "atol": 1e-2}
            elif dtype in COMPLEXES:
                close = {"rtol": 1e-5 if dtype == np.complex64 else 1e-12}
            elif op in ("TanhGrad", "SigmoidGrad", "SoftplusGrad"):
                close = {"rtol": 4e-6 if dtype == np.float32 else 1e-12}
            case(op, [numbers([3, 5], dtype, -3, 9), numbers([3, 5], dtype, -3, 9)], label=name(dtype), **close)
            case(op, [numbers([41], dtype, -3, 9), numbers([41], dtype, -3, 9)], label=f"long {name(dtype)}", **close)
        for dtype in FLOATS:
            special = np.array([NAN, INF, -INF, 0, -0.0, 1, -2, 7], dtype)
            if op not in ("SoftsignGrad", "TanhGrad", "SigmoidGrad"):
                case(op, [np.repeat(special, 8), np.tile(special, 8)], label=f"special {name(dtype)}")
        case(op, [np.float32(2), np.float32(3)], label="scalars", rtol=4e-6)
        case(op, [np.zeros([0, 2], np.float32), np.zeros([0, 2], np.float32)], label="empty")
        if op in OPS[:7]:
            case(op, [np.ones([2, 3], np.float32), np.ones([2], np.float32)], label="shapes refused")
        case(op, [np.ones([2], np.float32), np.ones([2], np.float64)], label="dtypes refused")
        case(op, [np.array([True]), np.array([True])], label="bool refused")
    for alpha in (0.0, 0.5, 3.0):
        case("LeakyReluGrad", [numbers([9], np.float32), numbers([9], np.float32)], {"alpha": alpha}, label=f"alpha {alpha}")
        case("LeakyReluGrad", [numbers([9], np.int32), numbers([9], np.int32)], {"alpha": alpha}, label=f"alpha {alpha} int32")
