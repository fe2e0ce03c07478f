"""Serialized summaries, as TensorBoard reads them."""
import numpy as np
import tensorflow as tf

from .core import case

NUMBERS = (np.float32, np.float64, np.float16, tf.bfloat16.as_numpy_dtype, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)


def text(value):
    return np.array(value, object)


def summary(*values):
    proto = tf.compat.v1.Summary()
    for tag, number in values:
        proto.value.add(tag=tag, simple_value=number)
    return proto.SerializeToString()


def cases():
    for dtype in NUMBERS:
        case("ScalarSummary", [text(b"loss"), np.array(3, dtype)], label=np.dtype(dtype).name)
        case("HistogramSummary", [text(b"w"), np.array([0, 1, 2, 2, 100], dtype)], label=np.dtype(dtype).name)
    case("ScalarSummary", [text([b"a", b"b"]), np.array([1.5, 0], np.float32)], label="two")
    case("ScalarSummary", [text([b"a"]), np.array(-2.5, np.float32)], label="a vector and a scalar")
    case("ScalarSummary", [text(b""), np.array(np.nan, np.float32)], label="NaN, no name")
    case("ScalarSummary", [text([]), np.zeros([0], np.float32)], label="none")
    case("ScalarSummary", [text([[b"a", b"b"]]), np.array([[1, 2]], np.float64)], label="matrices")
    case("ScalarSummary", [text([b"a", b"b"]), np.array([1], np.float32)], label="other shapes refused")
    case("ScalarSummary", [text(b"a"), np.array([1, 2], np.float32)], label="two numbers refused")
    op = "HistogramSummary"
    case(op, [text(b"w"), np.random.normal(size=[50]).astype(np.float32)], label="normal")
    case(op, [text(b"w"), np.array([[-1e30, 1e30], [1e-13, -1e-13]])], label="far out")
    case(op, [text(b"w"), np.array([-1.0, 0.0, 1e-12, -1e-12, 1.1e-12, 1.7e308])], label="at limits")
    case(op, [text(b"w"), np.array([np.finfo(np.float64).max / 2, np.finfo(np.float64).min / 2])], label="the largest")
    case(op, [text(b"w"), np.array(-3.5, np.float32)], label="one")
    case(op, [text(b"w"), np.zeros([0], np.float32)], label="none")
    case(op, [text(b"w"), np.array([0.0, -0.0])], label="zeros")
    case(op, [text(b"w"), np.array([1, np.nan], np.float32)], label="NaN refused")
    case(op, [text(b"w"), np.array([1, np.inf], np.float32)], label="infinity refused")
    case(op, [text([b"w"]), np.array([1], np.float32)], label="a vector of tags refused")
    op = "MergeSummary"
    one, two, three = summary(("a", 1.0)), summary(("b", 2.0), ("c", 0.0)), summary(("a", 5.0))
    case(op, [[text(one)]], label="one")
    case(op, [[text(one), text(two)]], label="two")
    case(op, [[text([one, two]), text(summary())]], label="a vector and an empty one")
    case(op, [[text(one), text(three)]], label="a tag twice refused")
    case(op, [[text(one), text(b"\x0a\x05ab")]], label="no summary refused")
    case(op, [[text(b"")]], label="nothing")
    tensors()


def tensors():
    metadata = tf.compat.v1.SummaryMetadata(display_name="shown")
    metadata.plugin_data.plugin_name = "plugin"
    metadata = text(metadata.SerializeToString())
    for x in (np.array([[1, 2]]), np.float32(1.5), np.array(True), np.zeros([0, 2]), np.zeros([2], np.float16), np.array([1 + 2j]), text(b"s"), text([b"a", b""])):
        case("TensorSummary", [x], label=x.dtype.name)
        case("TensorSummaryV2", [text(b"tag"), x, metadata], label=x.dtype.name)
    case("TensorSummary", [np.array([1, 2])], {"description": "d", "display_name": "n", "labels": ["a"]}, label="attributes")
    case("TensorSummaryV2", [text(b""), np.array(1), text(b"")], label="no name")
    case("TensorSummaryV2", [text([b"a"]), np.array(1), text(b"")], label="a vector refused")
