"""Ops that look at values, and hand them on or reinterpret them."""
import numpy as np
import tensorflow as tf

from .core import case

BF16 = tf.bfloat16.as_numpy_dtype


def cases():
    numerics()
    handing_on()
    bitcast()


def numerics():
    inf, nan = np.inf, np.nan
    for op in ("CheckNumerics", "CheckNumericsV2"):
        for dtype in (np.float32, np.float64, np.float16, BF16):
            for values in ([1, -2, 0], [], [1, nan], [inf, 1], [-inf, 2], [nan, inf], [-inf, inf], [-inf, nan], [inf, nan, -inf], [-nan]):
                case(op, [np.array(values, dtype)], {"message": "here"}, label=f"{np.dtype(dtype).name} {values}")
        case(op, [np.array([[1e38, -1e38], [1e-45, -0.0]], np.float32)], {"message": ""}, label="large and small")
        case(op, [np.float32(2)], {"message": "m"}, label="scalar")


def handing_on():
    for x in (np.arange(6, dtype=np.float32).reshape([2, 3]), np.array([1, 2]), np.array(True), np.array([b"a", b"bc"], object), np.zeros([0, 2])):
        label = x.dtype.name
        case("DebugIdentity", [x], {"tensor_name": "x:0"}, label=label)
        for op in ("Copy", "CopyHost"):
            case(op, [x], label=label)
        case("Print", [x, [np.array([1.0]), np.array(b"text", object)]], {"message": "m"}, label=label)
    case("DebugIdentityV2", [np.array([1.5])], {"tensor_debug_mode": 1}, label="float64")
    case("DebugIdentityV3", [np.array([1.5])], {"tensor_name": "x:0"}, label="float64")
    case("PrintV2", [np.array(b"", object)], {"output_stream": "log(info)"}, label="nothing")


def bitcast():
    dtypes = (np.float32, np.float64, np.int32, np.int64, np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.uint64, np.float16, BF16, np.complex64, np.complex128)
    for source in dtypes:
        for target in dtypes:
            wide, narrow = np.dtype(source).itemsize, np.dtype(target).itemsize
            shape = [2, narrow // wide] if narrow > wide else [2, 3]
            x = np.arange(16 * 6, dtype=np.uint8)[:int(np.prod(shape)) * wide].view(source).reshape(shape)
            case("Bitcast", [x], {"type": tf.as_dtype(target)}, label=f"{np.dtype(source).name} {np.dtype(target).name}")
    case("Bitcast", [np.zeros([0, 2], np.float32)], {"type": tf.float64}, label="empty")
    case("Bitcast", [np.float32(1)], {"type": tf.uint8}, label="scalar")
    case("Bitcast", [np.zeros([2, 3], np.float32)], {"type": tf.float64}, label="last axis refused")
    case("Bitcast", [np.float32(1)], {"type": tf.float64}, label="scalar refused")
