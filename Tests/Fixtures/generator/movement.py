"""What the families that move elements share: elements of every dtype, and cases for the dtypes that TensorFlow has."""
import numpy as np
import tensorflow as tf

from . import core
from .arrays import ALL, INDEX, ints, name, numbers
from .core import Const, case

REAL = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.int8, np.int16, np.uint16, np.uint32, np.uint64]
FLOATS = [np.float32, np.float64]
# What can be added up, strings and truth values among them.
SUMS = REAL + [np.bool_, np.object_]

__all__ = ["ALL", "Const", "FLOATS", "INDEX", "REAL", "SUMS", "case", "each_dtype", "ints", "name", "np", "numbers", "older", "tf"]


def older(op, attr, newer, inputs, value, label=""):
    """A case of an op that TensorFlow has no more: what its successor gives, to which an attribute became the last input."""
    encode = core._encode

    def renamed(label, node, flat, constant, *rest):
        old = core.tf1.NodeDef()
        old.CopyFrom(node)
        old.op = op
        old.attr[attr].i = value
        return encode(label, old, flat[:-1], constant[:-1], *rest)

    core._encode = renamed
    try:
        case(newer, inputs + [ints(value)], label=label)
    finally:
        core._encode = encode


def each_dtype(op, make, attrs=None, dtypes=ALL, label=""):
    """A case for each dtype, `make` giving its inputs; those that TensorFlow has no CPU kernel for are left out."""
    for dtype in dtypes:
        case(op, make(dtype), attrs, label=f"{label} {name(dtype)}".strip())
        record = core._records[-1]
        if b"No OpKernel" in record or b"not in the list of allowed values" in record or b"not in list of allowed values" in record:
            core._records.pop()
