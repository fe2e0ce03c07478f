"""Conversions between dtypes that are not in elementwise.py: half precision, bfloat16, complex and quantised numbers."""
import numpy as np
import tensorflow as tf

from .core import case
from .registry import BFLOAT16, COMPLEXES, FLOATS, HALVES, INTEGERS, QUANTIZED, name, numbers

NAN, INF = np.nan, np.inf
REALS = FLOATS + INTEGERS + [np.bool_]


def cases():
    for odd in HALVES + COMPLEXES:
        for other in REALS + HALVES + COMPLEXES:
            case("Cast", [numbers([19], odd, 0, 100)], {"DstT": tf.as_dtype(other)}, label=f"{name(odd)} to {name(other)}")
            case("Cast", [numbers([19], other, 0, 100)], {"DstT": tf.as_dtype(odd)}, label=f"{name(other)} to {name(odd)}")
    rounded = [1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, 65519, 65520, 1e5, 2**-25, 2**-24, 6e-8, 3e-5, 1e-45, -1e-40,
               NAN, INF, -INF, 0, -0.0, 3.39e38, -0.1, 1 / 3]
    for source in FLOATS:
        for target in HALVES:
            case("Cast", [np.array(rounded, source)], {"DstT": tf.as_dtype(target)}, label=f"rounded {name(source)} to {name(target)}")
            cut = [v for v in rounded if not (0 < abs(v) < 1e-4 or abs(v) > 6e4)]
            case("Cast", [np.array(cut, source)], {"DstT": tf.as_dtype(target), "Truncate": True}, label=f"cut {name(source)} to {name(target)}")
    case("Cast", [np.array([1 + 2**-24, 1 / 3, 0.1, -0.1, 1e30])], {"DstT": tf.float32, "Truncate": True}, label="cut float64 to float32")
    case("Cast", [np.array([1 / 3, 0.1, -0.1], np.float16)], {"DstT": tf.bfloat16, "Truncate": True}, label="cut float16 to bfloat16")
    case("Cast", [np.array([1 / 3 + 0.1j])], {"DstT": tf.complex64, "Truncate": True}, label="cut complex128 to complex64")
    for source in HALVES:
        values = np.array([NAN, INF, -INF, 0, -0.0, 0.5, -1.5, 2.5, 100.5], source)
        for target in [np.bool_] + FLOATS:
            case("Cast", [values], {"DstT": tf.as_dtype(target)}, label=f"special {name(source)} to {name(target)}")
    case("Cast", [np.array([2049, 2051, 65519, 16777217, -3], np.int64)], {"DstT": tf.float16}, label="int64 to float16 rounded")
    case("Cast", [np.complex64([0, 1j, 1, 0.5 + 2j])], {"DstT": tf.bool}, label="complex64 to bool")
    for dtype in HALVES + COMPLEXES:
        case("Cast", [np.zeros([0, 2], dtype)], {"DstT": tf.float32}, label=f"empty {name(dtype)}")
        case("Cast", [np.array(3, dtype)], {"DstT": tf.float64}, label=f"scalar {name(dtype)}")
        case("Cast", [np.array([3], dtype)], {"DstT": tf.string}, label=f"{name(dtype)} to string refused")
    for dtype in QUANTIZED:
        for other in (tf.int32, tf.float32, tf.int8, tf.uint8, tf.float16, dtype):
            case("Cast", [np.array([0, 1, 100], other.as_numpy_dtype)], {"DstT": dtype}, label=f"{other.name} to {dtype.name}")
            case("Cast", [np.array([(0,), (1,), (100,)], dtype.as_numpy_dtype)], {"DstT": other}, label=f"{dtype.name} to {other.name}")
        values = np.array([(0,), (1,), (100,)], dtype.as_numpy_dtype)
        case("Identity", [values], label=dtype.name)
        for op in ("Equal", "NotEqual"):
            case(op, [values, np.array([(0,), (2,), (100,)], dtype.as_numpy_dtype)], label=dtype.name)
