"""Ops that make random numbers: with seeds, the first run of a node is always the same."""
import numpy as np
import tensorflow as tf

from .core import Const, case


def cases():
    op = "RandomUniform"
    for dtype in (tf.float32, tf.float64):
        for shape in ([], [1], [3], [4], [2, 5], [0], [2, 0, 3], [1030]):
            attrs = {"dtype": dtype, "seed": 1, "seed2": 2}
            case(op, [np.array(shape, np.int32)], attrs, label=f"{dtype.name} {shape}", rtol=0.0, atol=0.0)
        for seeds in ((7, 0), (0, 9), (87654321, 12), (-5, 2**40 + 3), (2**33 + 1, -1)):
            attrs = {"dtype": dtype, "seed": seeds[0], "seed2": seeds[1]}
            case(op, [Const(np.array([5], np.int64))], attrs, label=f"{dtype.name} seeds {seeds}", rtol=0.0, atol=0.0)
    attrs = {"dtype": tf.float32, "seed": 1, "seed2": 2}
    case(op, [np.array([2, -3], np.int32)], attrs, label="negative size refused")
    case(op, [np.array([[2]], np.int32)], attrs, label="matrix refused")
    case(op, [np.array([2.0], np.float32)], attrs, label="float sizes refused")
