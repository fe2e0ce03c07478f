"""The dtypes of TensorFlow's CPU kernels."""
import functools

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import kernels

BFLOAT16 = tf.bfloat16.as_numpy_dtype
HALVES = [np.float16, BFLOAT16]
FLOATS = [np.float32, np.float64]
COMPLEXES = [np.complex64, np.complex128]
SIGNED = [np.int8, np.int16, np.int32, np.int64]
UNSIGNED = [np.uint8, np.uint16, np.uint32, np.uint64]
INTEGERS = SIGNED + UNSIGNED
QUANTIZED = [tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32]


def name(dtype):
    return tf.as_dtype(dtype).name


@functools.lru_cache(None)
def names(op, attr="T"):
    """The names of the dtypes that an attribute of the op supports on a CPU."""
    allowed = set()
    for kernel in kernels.get_registered_kernels_for_op(op).kernel:
        for constraint in kernel.constraint:
            if kernel.device_type == "CPU" and constraint.name == attr:
                allowed |= {tf.as_dtype(t).name for t in constraint.allowed_values.list.type}
    return frozenset(allowed)


def supported(op, among, attr="T"):
    """Those of the given dtypes that the op has a CPU kernel for."""
    return [dtype for dtype in among if name(dtype) in names(op, attr)]


def is_float(dtype):
    return np.dtype(dtype).kind == "f" or dtype == BFLOAT16


def numbers(shape, dtype, low=-20, high=20):
    """Random numbers of any dtype. Unsigned ones begin at 0. Both parts of complex ones are in the range."""
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return (np.random.uniform(low, high, shape) + 1j * np.random.uniform(low, high, shape)).astype(dtype)
    if dtype.kind == "b":
        return np.random.randint(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        return np.random.randint(max(0, int(low)) if dtype.kind == "u" else int(low), max(int(high), 1), shape).astype(dtype)
    return np.random.uniform(low, high, shape).astype(dtype)
