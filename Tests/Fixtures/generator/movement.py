"""Helpers for families that move elements: elements of every dtype, and cases for the dtypes that TensorFlow supports."""
import numpy as np
import tensorflow as tf

from . import core
from .arrays import ALL, INDEX, ints, name, numbers
from .core import Const, case

REAL = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.int8, np.int16, np.uint16, np.uint32, np.uint64]
FLOATS = [np.float32, np.float64]

__all__ = ["ALL", "Const", "FLOATS", "INDEX", "REAL", "case", "each_dtype", "ints", "name", "np", "numbers", "older", "tf"]


def older(op, newer, inputs, attrs=None, label="", attr=None):
    """A case of an op that TensorFlow no longer has, with the outputs of its successor. `attr`: an attribute, and its value,
    that became the successor's last input."""
    encode = core._encode

    def renamed(label, node, flat, constant, *rest):
        old = core.tf1.NodeDef()
        old.CopyFrom(node)
        old.op = op
        if attr:
            old.attr[attr[0]].i = attr[1]
            flat, constant = flat[:-1], constant[:-1]
        return encode(label, old, flat, constant, *rest)

    core._encode = renamed
    try:
        case(newer, inputs + ([ints(attr[1])] if attr else []), attrs, label=label)
    finally:
        core._encode = encode


def each_dtype(op, make, attrs=None, dtypes=ALL, label=""):
    """A case for each dtype with a CPU kernel in TensorFlow. `make` returns the inputs for a dtype."""
    for dtype in dtypes:
        case(op, make(dtype), attrs, label=f"{label} {name(dtype)}".strip())
        record = core._records[-1]
        if b"No OpKernel" in record or b"not in the list of allowed values" in record or b"not in list of allowed values" in record:
            core._records.pop()
