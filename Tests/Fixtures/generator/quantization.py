"""Real to quantised numbers and back."""
import itertools

import numpy as np
import tensorflow as tf

from .core import Const, case

QUANTISED = (tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32)
RANGES = ((-1.0, 1.0), (0.0, 6.0), (-3.0, 0.5), (0.5, 2.0), (-2.0, -1.0), (0.0, 0.0), (-0.001, 0.001), (-100.0, 300.0))


def cases():
    quantize()
    dequantize()
    round_trips()
    fake()
    on_quantized()


def real(*shape, low=-4, high=4):
    return np.random.uniform(low, high, shape).astype(np.float32)


def scalar(value):
    return np.array(value, np.float32)


def quantize():
    def run(x, low, high, label, dtype=tf.quint8, **attrs):
        case("QuantizeV2", [x, scalar(low), scalar(high)], {"T": dtype, **attrs}, label=f"{dtype.name} {label}", rtol=1e-6)

    for dtype, mode in itertools.product(QUANTISED, ("MIN_COMBINED", "MIN_FIRST", "SCALED")):
        # In 32 bits the sums of single precision are not exact.
        for low, high in RANGES if dtype != tf.qint32 else RANGES[:1]:
            x = np.array([low, high, 0, (low + high) / 2, 100, -100, low / 3], np.float32) if dtype == tf.qint32 else real(12, low=low - 1, high=high + 1)
            run(x, low, high, f"{mode} {low} {high}", dtype, mode=mode)
    for rounding, narrow, dtype in itertools.product(("HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"), (False, True), (tf.qint8, tf.quint8, tf.qint16)):
        run(np.arange(-20, 20).astype(np.float32) / 8, -2, 2, f"{rounding} {narrow}", dtype, mode="SCALED", round_mode=rounding, narrow_range=narrow)
        run(real(9), -1, 3, f"{rounding} {narrow} uneven", dtype, mode="SCALED", round_mode=rounding, narrow_range=narrow)
    run(real(9), -1e-9, 1e-9, "least range", ensure_minimum_range=0.5)
    run(real(9), -1e-3, 1e-3, "no least range", ensure_minimum_range=0.0)
    run(real(0, 3), -1, 1, "empty")
    run(real(2, 1, 3), -1, 1, "three dimensions")
    for mode, axis in itertools.product(("MIN_COMBINED", "SCALED"), (0, 1, 2)):
        shape = [2, 3, 4]
        lows, highs = -np.random.uniform(0, 3, shape[axis]), np.random.uniform(0, 3, shape[axis])
        inputs = [real(*shape), lows.astype(np.float32), highs.astype(np.float32)]
        case("QuantizeV2", inputs, {"T": tf.qint8, "mode": mode, "axis": axis}, label=f"{mode} along {axis}", rtol=1e-6)
    run(real(3), 1, -1, "refused: range")
    run(real(3), -1, 1, "refused: rounding", round_mode="HALF_TO_EVEN")
    case("QuantizeV2", [real(2, 3), real(2), real(3)], {"T": tf.qint8, "axis": 1}, label="refused: too few ranges")
    case("QuantizeV2", [real(2, 3), real(2), real(2)], {"T": tf.qint8, "axis": 2}, label="refused: axis")


def whole(dtype, *shape):
    info = np.iinfo(np.dtype(dtype.as_numpy_dtype)[0])
    numbers = np.random.randint(info.min, int(info.max) + 1, shape)
    numbers.reshape(-1)[:3] = [info.min, info.max, 0][:numbers.size]
    return numbers.astype(np.dtype(dtype.as_numpy_dtype)[0]).view(dtype.as_numpy_dtype)


def dequantize():
    for dtype, mode in itertools.product(QUANTISED, ("MIN_COMBINED", "MIN_FIRST", "SCALED")):
        for low, high in RANGES:
            case("Dequantize", [whole(dtype, 12), scalar(low), scalar(high)], {"mode": mode}, label=f"{dtype.name} {mode} {low} {high}", rtol=2e-6, atol=1e-6 * max(abs(low), abs(high)))
        case("Dequantize", [whole(dtype, 12), scalar(-1), scalar(2)], {"mode": "SCALED", "narrow_range": True}, label=f"{dtype.name} narrow", rtol=1e-6)
        if mode != "MIN_FIRST":
            for axis in (0, 1):
                case("Dequantize", [Const(whole(dtype, 2, 3)), real([2, 3][axis], low=-3, high=0), real([2, 3][axis], low=0.1)], {"mode": mode, "axis": axis}, label=f"{dtype.name} {mode} along {axis}", rtol=2e-6, atol=1e-6)
        case("Dequantize", [whole(dtype, 12), scalar(-1), scalar(2)], {"dtype": tf.bfloat16}, label=f"{dtype.name} to bfloat16", atol=1e-3)
    case("Dequantize", [whole(tf.quint8, 2, 3), real(2), real(3)], {"axis": 1}, label="refused: too few ranges")
    case("Dequantize", [whole(tf.quint8, 2, 3), real(2), real(2)], {"axis": 2}, label="refused: axis")
    case("Dequantize", [Const(whole(tf.quint8, 2, 3)), real(3), real(3)], {"axis": 1, "mode": "MIN_FIRST"}, label="refused: mode")
    case("Dequantize", [whole(tf.quint8, 3), scalar(0), scalar(1)], {"dtype": tf.bfloat16, "mode": "SCALED"}, label="refused: bfloat16")


def round_trips():
    for dtype in (np.float32, np.float64):
        tolerance = {"rtol": 1e-6 if dtype == np.float32 else 1e-12}
        for signed, bits, (low, high) in itertools.product((True, False), (1, 4, 8, 16), ((-1.5, 2.0), (-3.0, 0.5), (0.5, 2.0))):
            x = real(9, low=low - 1, high=high + 1).astype(dtype)
            attrs = {"signed_input": signed, "num_bits": bits}
            label = f"{np.dtype(dtype).name} {signed} {bits} {low} {high}"
            given = [np.array(low, dtype), np.array(high, dtype)]
            case("QuantizeAndDequantize", [x], {**attrs, "range_given": True, "input_min": low, "input_max": high}, label=label, **tolerance)
            case("QuantizeAndDequantizeV2", [x, *given], {**attrs, "range_given": True}, label=label, **tolerance)
            case("QuantizeAndDequantizeV3", [x, *given, np.array(bits, np.int32)], {"signed_input": signed, "range_given": True}, label=label, **tolerance)
        case("QuantizeAndDequantize", [x], {"range_given": False}, label=f"{np.dtype(dtype).name} own range", **tolerance)
    given = [scalar(-2), scalar(3)]
    for op in ("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV4"):
        for rounding, narrow, ranged in itertools.product(("HALF_TO_EVEN", "HALF_UP"), (False, True), (False, True)):
            attrs = {"round_mode": rounding, "narrow_range": narrow, "range_given": ranged, "num_bits": 3}
            case(op, [np.arange(-12, 12).astype(np.float32) / 4, *given], attrs, label=f"{rounding} {narrow} {ranged}", rtol=1e-6)
        for axis, ranged in itertools.product((0, 1, 2), (False, True)):
            count = [2, 3, 4][axis]
            case(op, [real(2, 3, 4), -np.abs(real(count)), np.abs(real(count))], {"axis": axis, "range_given": ranged}, label=f"along {axis} {ranged}", rtol=1e-6)
        case(op, [real(0, 3), *given], {"range_given": True}, label="empty")
        case(op, [real(3), *given[::-1]], {"range_given": True}, label="refused: range")
        case(op, [real(3), *given], {"num_bits": 63}, label="refused: bits")
    case("QuantizeAndDequantizeV3", [real(2, 3), -np.abs(real(3)), np.abs(real(3)), Const(5, np.int32)], {"axis": 1, "narrow_range": True}, label="along 1", rtol=1e-6)
    case("QuantizeAndDequantizeV3", [real(3), *given, np.array(0, np.int32)], label="refused: bits")
    case("QuantizeAndDequantize", [real(3)], {"num_bits": 0}, label="refused: bits")


def fake():
    for bits, narrow, (low, high) in itertools.product((2, 8, 16), (False, True), ((-6.0, 6.0), (-1.0, 3.5), (0.0, 1.0), (0.3, 2.0), (-2.0, -0.5))):
        attrs = {"num_bits": bits, "narrow_range": narrow}
        x = real(15, low=low - 1, high=high + 1)
        label = f"{bits} {narrow} {low} {high}"
        if low <= 0 <= high:
            case("FakeQuantWithMinMaxArgs", [x], {**attrs, "min": low, "max": high}, label=label, rtol=1e-6, atol=1e-6)
        case("FakeQuantWithMinMaxVars", [x, scalar(low), scalar(high)], attrs, label=label, rtol=1e-6, atol=1e-6)
    for shape in ([3], [2, 3], [2, 2, 3], [1, 2, 2, 3], [0, 3]):
        ranges = [np.array([-1, 0, -2], np.float32), np.array([2, 0, 0.5], np.float32)]
        case("FakeQuantWithMinMaxVarsPerChannel", [real(*shape), *ranges], label=f"{shape}", rtol=1e-6, atol=1e-6)
    case("FakeQuantWithMinMaxVars", [real(3), scalar(0), scalar(0)], label="all is zero")
    case("FakeQuantWithMinMaxVars", [real(0), scalar(-1), scalar(1)], label="empty")
    case("FakeQuantWithMinMaxArgs", [real(3)], {"min": 2.0, "max": 1.0}, label="refused: range")
    case("FakeQuantWithMinMaxArgs", [real(3)], {"num_bits": 17}, label="refused: bits")
    case("FakeQuantWithMinMaxVarsPerChannel", [real(2, 3), real(2), real(3)], label="refused: too few ranges")
    case("FakeQuantWithMinMaxVarsPerChannel", [real(2, 3), real(3), real(3)[None]], label="refused: rank of ranges")


def on_quantized():
    ranges = lambda *ends: [scalar(end) for end in ends]
    products(ranges)
    narrowing(ranges)
    x = whole(tf.quint8, 2, 3, 4)
    for dtype in (tf.quint8, tf.qint32):
        for op, (low, high) in itertools.product(("QuantizedRelu", "QuantizedRelu6"), ((-10, 10), (0, 5), (-3, 9), (1, 7))):
            case(op, [whole(dtype, 12), *ranges(low, high)], {"out_type": dtype}, label=f"{dtype.name} {low} {high}")
        case("QuantizedReshape", [whole(dtype, 2, 3), Const([3, -1], np.int32), *ranges(-1, 2)], label=dtype.name)
    case("QuantizedReshape", [x, np.array([24], np.int32), *ranges(-1, 2)], label="fed")
    case("QuantizedReshape", [x, np.array([25], np.int32), *ranges(-1, 2)], label="refused: shape")
    for op, dtype in itertools.product(("QuantizedMaxPool", "QuantizedAvgPool"), (tf.quint8, tf.qint8)):
        for padding, sizes in itertools.product(("SAME", "VALID"), ([1, 2, 2, 1], [1, 3, 2, 1])):
            attrs = {"ksize": sizes, "strides": [1, 2, 1, 1], "padding": padding}
            # TensorFlow's mean of qint8 is that of the bytes.
            if (op, dtype) != ("QuantizedAvgPool", tf.qint8):
                case(op, [whole(dtype, 2, 4, 5, 3), *ranges(-1, 2)], attrs, label=f"{dtype.name} {padding} {sizes}")
    attrs = {"ksize": [1, 2, 2, 1], "strides": [1, 1, 1, 1], "padding": "SAME"}
    case("QuantizedMaxPool", [x, *ranges(-1, 2)], attrs, label="refused: rank")


def products(ranges):
    for sizes, (low, high) in itertools.product(((2, 3, 4), (1, 5, 1), (3, 1, 2)), ((-1, 2), (0, 1), (-3, 0))):
        rows, depth, columns = sizes
        for left, right in itertools.product((False, True), (False, True)):
            a = whole(tf.quint8, *((depth, rows) if left else (rows, depth)))
            b = whole(tf.quint8, *((columns, depth) if right else (depth, columns)))
            case("QuantizedMatMul", [a, b, *ranges(low, high, -0.5, 3)], {"transpose_a": left, "transpose_b": right}, label=f"{sizes} {low} {high} {left} {right}")
    a, b = whole(tf.quint8, 2, 3), whole(tf.quint8, 3, 2)
    case("QuantizedMatMul", [a, a, *ranges(-1, 1, -1, 1)], label="refused: shapes")
    case("QuantizedMatMul", [a, b, *ranges(1, 1, -1, 1)], label="refused: range")
    case("QuantizedMatMul", [a, b, *ranges(-1, 1, 2, 1)], label="refused: range of b")
    # A filter of qint8 has a kernel that gives nothing.
    for padding, stride in itertools.product(("SAME", "VALID"), (1, 2)):
        inputs = [whole(tf.quint8, 2, 5, 4, 3), whole(tf.quint8, 2, 3, 3, 2), *ranges(-1, 2, -0.5, 3)]
        case("QuantizedConv2D", inputs, {"strides": [1, stride, stride, 1], "padding": padding}, label=f"{padding} {stride}")
    case("QuantizedConv2D", [whole(tf.quint8, 2, 5, 4, 3), whole(tf.quint8, 2, 3, 2, 2), *ranges(-1, 2, -0.5, 3)], {"strides": [1, 1, 1, 1], "padding": "SAME"}, label="refused: depth")
    for dtype, (low, high) in itertools.product((tf.quint8, tf.qint8), ((-1, 2), (0, 1), (-3, 0))):
        case("QuantizedBiasAdd", [whole(dtype, 2, 3), whole(dtype, 3), *ranges(low, high, -0.5, 3)], {"out_type": tf.qint32}, label=f"{dtype.name} {low} {high}")
    case("QuantizedBiasAdd", [a, whole(tf.quint8, 4), *ranges(-1, 1, -1, 1)], {"out_type": tf.qint32}, label="refused: biases")


def narrowing(ranges):
    int32 = lambda numbers: np.asarray(numbers, np.int32).view(tf.qint32.as_numpy_dtype)
    for numbers in (np.random.randint(-2 ** 20, 2 ** 20, 9), np.random.randint(-2 ** 31, 2 ** 31 - 1, 9), [5, 5], [-7, -3], [0], [2 ** 31 - 1, -2 ** 31]):
        for low, high in ((-100, 100), (-1, 3), (0, 2)):
            x = [int32(numbers), *ranges(low, high)]
            case("RequantizationRange", x, label=f"{numbers} {low} {high}")
            case("QuantizeDownAndShrinkRange", x, {"out_type": tf.quint8}, label=f"{numbers} {low} {high}")
            for dtype, (new_low, new_high) in itertools.product((tf.quint8, tf.qint8), ((-0.05, 0.05), (0, 1), (-100, 20))):
                case("Requantize", [*x, *ranges(new_low, new_high)], {"out_type": dtype}, label=f"{dtype.name} {low} {high} {new_low} {new_high}")
    case("RequantizationRange", [int32([]), *ranges(-100, 100)], label="empty")
    case("Requantize", [int32([]), *ranges(-100, 100, -1, 1)], {"out_type": tf.quint8}, label="empty")
    case("Requantize", [int32([1]), *ranges(-100, 100, 1, 2)], {"out_type": tf.quint8}, label="refused: beginning")
    case("Requantize", [int32([1]), *ranges(-100, 100, -1, -2)], {"out_type": tf.quint8}, label="refused: end")
