"""What all steps choose with, and the pool of values that they take from and add to."""
import numpy as np
import tensorflow as tf

from ..core import tf1

FLOATS = ["float32", "float32", "float32", "float64"]
NARROW = ["float16", "bfloat16"]
COMPLEX = ["complex64", "complex128"]
INTEGERS = ["int32", "int64"]
SMALL = ["int8", "uint8", "int16", "uint16", "uint32", "uint64"]
WORDS = [b"", b"a", b"Bc", b"12", b"-3.5", b"foo bar", b"x,y,,z", "\u00e9\u20ac".encode(), b"aab", b"\x01\x00q"]


class Choices:
    """Everything is chosen by one generator, so that a seed always makes the same graph."""

    def __init__(self, seed, largest):
        self.largest = largest
        self.random = np.random.RandomState(seed)
        # Narrow floats are in graphs of their own, which are compared as narrowly as narrow floats allow.
        self.is_narrow = self.random.rand() < 0.1
        self.floats = FLOATS + NARROW + NARROW if self.is_narrow else FLOATS
        self.placeholders = []
        self.pool = []
        self.is_used = set()
        # How many bodies of functions, branches and loops are around what is made.
        self.nesting = 0
        self.variables = {}
        self.has_state = False

    def integer(self, low, high):
        return int(self.random.randint(low, high + 1))

    def one(self, choices):
        return choices[self.random.randint(len(choices))]

    def chance(self, probability):
        return bool(self.random.rand() < probability)

    def values(self, dtype, shape):
        if dtype == "bool":
            return self.random.rand(*shape) < 0.5
        if dtype == "string":
            picked = self.random.randint(len(WORDS), size=shape)
            return np.array([WORDS[i] for i in np.ravel(picked)], object).reshape(shape)
        if dtype in COMPLEX:
            return np.asarray(self.random.uniform(-2, 2, size=shape) + 1j * self.random.uniform(-2, 2, size=shape), dtype)
        if dtype in INTEGERS + SMALL:
            return self.random.randint(0 if dtype.startswith("u") else -9, 10, size=shape).astype(dtype)
        return np.asarray(self.random.uniform(-3, 3, size=shape), tf.as_dtype(dtype).as_numpy_dtype)

    def constant(self, dtype, shape):
        dtype = tf.as_dtype(dtype).base_dtype
        return tf1.constant(self.values(dtype.name, shape), dtype=dtype)

    def some_shape(self, low=0, high=4):
        return [self.one([1, 2, 3, 4, 5, 7]) if self.random.rand() < 0.96 else 0 for _ in range(self.integer(low, high))]

    def some(self, dtypes=None, ranks=None):
        """A value of the pool, used from now on; None if there is none of the kind."""
        fitting = [t for t in self.pool if (dtypes is None or t.dtype.base_dtype.name in dtypes)
                   and t.shape.rank is not None and (ranks is None or t.shape.rank in ranks)]
        # The newest are likeliest: graphs become deep.
        return fitting[-1 - min(len(fitting) - 1, self.random.geometric(0.35) - 1)] if fitting else None

    def add(self, *tensors, uses=()):
        for used in uses:
            self.is_used.add(used.ref())
        for tensor in tensors:
            size = np.prod([d if d is not None else 5 for d in tensor.shape.as_list()]) if tensor.shape.rank is not None else 0
            if size <= self.largest:
                self.pool.append(tensor)
        return True

    def partner(self, tensor):
        """Something that broadcasts with a value: another of the pool, or a constant."""
        dtype = tensor.dtype.base_dtype.name
        if self.random.rand() < 0.35:
            other = self.some([dtype])
            if other is not None:
                try:
                    tf.broadcast_static_shape(tensor.shape, other.shape)
                    return other
                except ValueError:
                    pass
        shape = [1 if size is None or self.random.rand() < 0.3 else size for size in tensor.shape.as_list()]
        shape = shape[self.integer(0, len(shape)):] if self.random.rand() < 0.5 else shape
        return self.constant(dtype, shape)

    def axis(self, tensor):
        """An axis of a value that has some, counted from the end at times."""
        axis = self.integer(0, tensor.shape.rank - 1)
        return axis - tensor.shape.rank if self.chance(0.3) else axis
