"""Ops that compute each element on its own: unary, binary with broadcasting, comparisons, conversions, choices."""
import numpy as np
import tensorflow as tf

from .core import case

FLOATS = [np.float32, np.float64]
SIGNED = [np.int8, np.int16, np.int32, np.int64]
UNSIGNED = [np.uint8, np.uint16, np.uint32, np.uint64]
INTEGERS = SIGNED + UNSIGNED
NAN, INF = np.nan, np.inf
# Enough elements for whole vectors and a rest.
LONG = 75


def cases():
    identities()
    unary()
    floats_unary()
    binary()
    integer_faults()
    comparisons()
    strings()
    casts()
    sums()
    biases()
    choices()


def numbers(shape, dtype, low=-50, high=50):
    if np.dtype(dtype).kind == "u":
        low = 0
    if np.dtype(dtype).kind == "f":
        return np.random.uniform(low, high, shape).astype(dtype)
    return np.random.randint(low, high, shape).astype(dtype)


def name(dtype):
    return np.dtype(dtype).name


def identities():
    for dtype in FLOATS + INTEGERS:
        case("Identity", [numbers([2, 3], dtype)], label=name(dtype))
    case("Identity", [np.array([[True, False]])], label="bool")
    case("Identity", [np.array(["a", "", "bcd"])], label="string")
    case("Identity", [np.zeros([0, 3], np.float32)], label="empty")
    case("Identity", [np.float32(3)], label="scalar")
    for op in ("StopGradient", "PreventGradient", "Snapshot"):
        case(op, [numbers([3], np.float32)], label="float32")
        case(op, [numbers([2, 2], np.int64)], label="int64")
    case("StopGradient", [np.array(["a"])], label="string")
    for dtype in FLOATS + INTEGERS:
        case("ZerosLike", [numbers([2, 3], dtype)], label=name(dtype))
    case("ZerosLike", [np.array([True, False])], label="bool")
    case("ZerosLike", [np.array(["a", "bc"])], label="string")
    case("ZerosLike", [np.zeros([2, 0], np.float32)], label="empty")
    case("ZerosLike", [np.int32(3)], label="scalar")


def unary():
    dtypes = {
        "Neg": FLOATS + SIGNED, "Abs": FLOATS + SIGNED, "Square": FLOATS + INTEGERS, "Relu": FLOATS + INTEGERS,
        "Relu6": FLOATS + INTEGERS, "Sqrt": FLOATS, "Rsqrt": FLOATS, "Exp": FLOATS, "Log": FLOATS, "Sigmoid": FLOATS,
        "Tanh": FLOATS, "Floor": FLOATS,
    }
    for op, supported in dtypes.items():
        positive = op in ("Sqrt", "Rsqrt", "Log")
        for dtype in supported:
            case(op, [numbers([3, 5], dtype, 0 if positive else -20, 20)], label=name(dtype))
            if dtype in SIGNED and op in ("Neg", "Abs", "Square", "Relu"):
                least = np.iinfo(dtype)
                case(op, [np.array([least.min, least.max, 0, -1], dtype)], label=f"{name(dtype)} extremes")
        case(op, [numbers([], np.float32, 1, 9)], label="scalar")
        case(op, [np.zeros([0], np.float32)], label="empty")
        case(op, [np.zeros([3, 0, 2], np.float64)], label="zero width")
        case(op, [numbers([1, 2, 1, 3, 2], np.float32, 1, 9)], label="rank 5")
        case(op, [numbers([LONG], np.float32, 0.01 if positive else -6, 8)], label="long")
        case(op, [numbers([LONG], np.float64, 0.01 if positive else -6, 8)], label="long float64")
        case(op, [np.array(["a"])], label="string refused")
        case(op, [np.array([True])], label="bool refused")
    case("Neg", [np.array([1], np.uint8)], label="uint8 refused")
    case("Exp", [np.array([1], np.int32)], label="int32 refused")
    case("Log", [np.array([1], np.int64)], label="int64 refused")


def floats_unary():
    values = {
        # Results and inputs that are denormal are left out where TensorFlow, which flushes them to zero, is far off.
        "Neg": [NAN, INF, -INF, 0, -0.0, 1e-40], "Abs": [NAN, INF, -INF, 0, -0.0, -1e-40],
        "Square": [NAN, INF, -INF, 0, -0.0, 1e-30, 1e30, -1e30], "Sqrt": [NAN, INF, -INF, 0, -0.0, -1, 1e-37, 3e38],
        "Rsqrt": [NAN, INF, 0, -0.0, -1, 1e-37, 3e38], "Log": [NAN, INF, -INF, 0, -0.0, -1, 1e-37, 3e38, 1, 0.999999, 1.000001],
        "Exp": [NAN, INF, -INF, 0, -0.0, 88.7, 88.8, -87.3, -88, -104, 200, -200, 1e-40, 1e-8, -1e-8, 1e30, -1e30],
        "Sigmoid": [NAN, INF, -INF, 0, -0.0, 17, -17, -87, -88, 89, -200, 200, 1e-40, 1e-8, 1e30, -1e30],
        "Tanh": [NAN, INF, -INF, 0, -0.0, 0.62, 0.63, -0.624, 1e-8, 1e-5, -3e-3, 9, -9.1, 20, 100, -100, 1e-40, 1e30],
        "Relu": [NAN, INF, -INF, 0, -0.0, 1e-40], "Relu6": [NAN, INF, -INF, 0, -0.0, 6, 6.5, 1e-40],
        "Floor": [NAN, INF, -INF, 0, -0.0, 0.5, -0.5, 1.5, -1.5, 8388609.0, 3e38, 1e-40],
    }
    for op, special in values.items():
        for dtype in FLOATS:
            case(op, [np.array(special, dtype)], label=f"special {name(dtype)}")
            # Also as parts of whole vectors.
            case(op, [np.resize(np.array(special, dtype), 40)], label=f"special, long, {name(dtype)}")
    case("Exp", [np.array([709.7, 709.8, -708, -745, -746, 710, 1e300])], label="float64 limits")
    case("Log", [np.array([1e-300, 1e300, 4.9, 1e-10])], label="float64 limits")
    case("Tanh", [np.linspace(-1, 1, 41)], label="float64 near zero")
    case("Tanh", [np.linspace(-1, 1, 41).astype(np.float32)], label="float32 near zero")
    case("Log", [np.linspace(0.5, 2, 41)], label="float64 near one")
    case("Log", [np.linspace(0.5, 2, 41).astype(np.float32)], label="float32 near one", atol=1e-9)


# Shapes that broadcast: left, right.
SHAPES = [
    ([], []), ([3], []), ([], [3]), ([1], [4]), ([4], [1]), ([2, 3], [3]), ([3], [2, 3]), ([2, 3], [2, 1]),
    ([2, 1], [2, 3]), ([2, 1], [1, 3]), ([1, 3], [2, 1]), ([2, 3], [1, 1]), ([1, 1, 1], [2]), ([2, 3, 4], [3, 1]),
    ([2, 1, 4], [3, 1]), ([2, 3, 1, 2, 2], [3, 1, 2, 1]), ([2, 1, 2, 1, 2], [1, 2, 1, 2, 1]), ([3, 1, 2, 2, 1], [2, 2, 3]),
    ([0], [0]), ([0], []), ([0], [1]), ([2, 0], [1, 1]), ([2, 0], [2, 1]), ([3, 1], [0]), ([LONG], [LONG]),
    ([2, LONG], [LONG]), ([2, LONG], [2, 1]), ([2, 3], [2, 3]),
]
BINARY = {
    "Add": FLOATS + SIGNED + [np.uint8], "AddV2": FLOATS + INTEGERS, "Sub": FLOATS + INTEGERS, "Mul": FLOATS + INTEGERS,
    "RealDiv": FLOATS, "Div": FLOATS + INTEGERS, "DivNoNan": FLOATS, "Maximum": FLOATS + INTEGERS,
    "Minimum": FLOATS + INTEGERS, "SquaredDifference": FLOATS + [np.int32, np.int64], "Pow": FLOATS + SIGNED,
}


def operands(op, dtype, left, right):
    a, b = numbers(left, dtype), numbers(right, dtype)
    if op == "Pow":
        floating = np.dtype(dtype).kind == "f"
        a, b = (numbers(left, dtype, 0.1, 5), numbers(right, dtype, -3, 3)) if floating else (a, numbers(right, dtype, 0, 9))
    elif op in ("Div", "RealDiv") and np.dtype(dtype).kind != "f":
        b = np.where(b == 0, np.array(7, dtype), b).astype(dtype)
    return a, b


def binary():
    for op, dtypes in BINARY.items():
        for left, right in SHAPES:
            a, b = operands(op, np.float32, left, right)
            case(op, [a, b], label=f"{left} {right}")
        for dtype in dtypes:
            for left, right in ([2, 9], [2, 9]), ([2, 9], [9]), ([2, 1], [2, 3]), ([], [5]):
                a, b = operands(op, dtype, left, right)
                case(op, [a, b], label=f"{name(dtype)} {left} {right}")
        for dtype in FLOATS:
            special = np.array([NAN, INF, -INF, 0, -0.0, 1, -1, 3e38, -3e38, 1e-30], dtype)
            case(op, [special[:, None], special[None, :]], label=f"special {name(dtype)}")
            case(op, [np.repeat(special, 10), np.tile(special, 10)], label=f"special pairs {name(dtype)}")
        case(op, [numbers([2, 3], np.float32), numbers([4, 3], np.float32)], label="shapes refused")
        case(op, [numbers([2], np.float32), numbers([2], np.int32)], label="dtypes refused")
        case(op, [np.array([True]), np.array([False])], label="bool refused")
        extremes = [d for d in dtypes if np.dtype(d).kind == "i"]
        if op in ("Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference"):
            for dtype in extremes:
                info = np.iinfo(dtype)
                a = np.array([info.min, info.max, -1, 1], dtype)
                case(op, [a[:, None], a[None, :]], label=f"extremes {name(dtype)}")
    case("Add", [np.zeros([2, 1, 3], np.float32), np.zeros([2, 2], np.float32)], label="rank 3 and 2 refused")
    case("RealDiv", [np.array([4], np.int32), np.array([2], np.int32)], label="int32 refused")
    case("DivNoNan", [np.array([4], np.int32), np.array([2], np.int32)], label="int32 refused")
    case("Pow", [np.array([-2.0, -8, 0, 0, -1, 4], np.float32), np.array([3, 1 / 3, -1, 0, INF, 0.5], np.float32)], label="cases")
    case("Pow", [np.array([3, -3, 2], np.int32), np.array([40, 41, 33], np.int32)], label="wraps around")
    case("Pow", [np.array([7, -2, 2], np.int64), np.array([30, 63, 64], np.int64)], label="wraps around int64")


def integer_faults():
    for dtype in INTEGERS:
        case("Div", [np.array([5, 6], dtype), np.array([2, 0], dtype)], label=f"by zero refused {name(dtype)}")
        case("Div", [np.array(5, dtype), np.array([[0]], dtype)], label=f"scalar by zero refused {name(dtype)}")
    for dtype in SIGNED:
        case("Pow", [np.array([5, 1], dtype), np.array([2, -1], dtype)], label=f"negative exponent refused {name(dtype)}")
        a = np.array([-7, 7, -7, 7, 0], dtype)
        case("Div", [a, np.array([2, 2, -2, -2, -3], dtype)], label=f"towards zero {name(dtype)}")
    for dtype in (np.int32, np.int64):
        case("Div", [np.array([np.iinfo(dtype).min], dtype), np.array([-1], dtype)], label=f"overflow {name(dtype)}")
    case("Div", [np.zeros([0], np.int32), np.array(0, np.int32)], label="empty by zero")


def comparisons():
    order = ["Greater", "GreaterEqual", "Less", "LessEqual"]
    for op in order + ["Equal", "NotEqual"]:
        for left, right in SHAPES:
            case(op, [numbers(left, np.int32, 0, 3), numbers(right, np.int32, 0, 3)], label=f"{left} {right}")
        for dtype in FLOATS + INTEGERS:
            a, b = numbers([3, 4], dtype, -2, 2), numbers([3, 4], dtype, -2, 2)
            b[0] = a[0]
            case(op, [a, b], label=name(dtype))
            case(op, [a, b[:, :1]], label=f"column {name(dtype)}")
        for dtype in FLOATS:
            special = np.array([NAN, INF, -INF, 0, -0.0, 1], dtype)
            case(op, [special[:, None], special[None, :]], label=f"special {name(dtype)}")
        case(op, [numbers([2, 3], np.float32), numbers([4, 3], np.float32)], label="shapes refused")
        case(op, [numbers([2], np.float32), numbers([2], np.int32)], label="dtypes refused")
    for op in order:
        case(op, [np.array([True]), np.array([False])], label="bool refused")
        case(op, [np.array(["a"]), np.array(["b"])], label="string refused")
    for op in ("Equal", "NotEqual"):
        truth = np.array([True, False])
        case(op, [truth[:, None], truth], label="bool")
        case(op, [np.array([["a"], ["bc"], [""]]), np.array(["a", "", "bd", "abc"])], label="string")
        case(op, [np.array(["a", "b"]), np.array("a")], label="string scalar")
        for strict in (True, False):
            attrs = {"incompatible_shape_error": strict}
            case(op, [np.ones(2, np.float32), np.ones(3, np.float32)], attrs, label=f"incompatible, {strict}")
            case(op, [np.ones([2, 1], np.float32), np.ones(3, np.float32)], attrs, label=f"compatible, {strict}")
            case(op, [np.ones([2], np.float32), np.ones([2], np.float32)], attrs, label=f"same, {strict}")
            case(op, [np.array(["a"] * 2), np.array(["a"] * 3)], attrs, label=f"incompatible strings, {strict}")


def strings():
    case("Add", [np.array(["a", "", "xyz"]), np.array(["1", "2", ""])], label="string")
    case("Add", [np.array([["a"], ["bc"]]), np.array(["x", "yz"])], label="string broadcast")
    case("Add", [np.array("a"), np.array(["x", "y"])], label="string scalar")
    case("Add", [np.array("a"), np.array("b")], label="string scalars")
    case("Add", [np.array([], object), np.array(["b"])], label="string empty")
    case("Add", [np.array(["a" * 300]), np.array(["b" * 200])], label="string long")


def casts():
    kinds = FLOATS + INTEGERS + [np.bool_]
    for source in kinds:
        for target in kinds:
            attrs = {"DstT": tf.as_dtype(target)}
            values = numbers([19], np.int64, 0, 100).astype(source) if source != np.bool_ else np.arange(19) % 2 == 0
            case("Cast", [values], attrs, label=f"{name(source)} to {name(target)}")
    for source in FLOATS:
        fractions = np.array([-1.5, -0.5, -0.0, 0.5, 0.999, 1.5, 2.5, 100.9, -100.9], source)
        for target in SIGNED + [np.bool_]:
            case("Cast", [fractions], {"DstT": tf.as_dtype(target)}, label=f"fractions {name(source)} to {name(target)}")
        far = np.array([NAN, INF, -INF, 3e9, -3e9, 1e19, -1e19, 2147483648.0, -2147483648.0, 9.3e18], source)
        for target in (np.int32, np.int64, np.bool_):
            case("Cast", [far], {"DstT": tf.as_dtype(target)}, label=f"out of range {name(source)} to {name(target)}")
    for target in (np.uint8, np.int8, np.int16, np.uint16):
        # One at a time: TensorFlow's vectors differ from its scalars here.
        for value in (300.0, -1.0, 70000.0, -300.5):
            case("Cast", [np.float32(value)], {"DstT": tf.as_dtype(target)}, label=f"low bits to {name(target)}")
    wide = np.array([2**31, 2**40 + 5, -(2**35), -1, 255, 256, -129], np.int64)
    for target in FLOATS + INTEGERS + [np.bool_]:
        case("Cast", [wide], {"DstT": tf.as_dtype(target)}, label=f"wide int64 to {name(target)}")
    big = np.array([2**64 - 1, 2**63, 2**53 + 1, 2**24 + 1], np.uint64)
    for target in FLOATS + INTEGERS:
        case("Cast", [big], {"DstT": tf.as_dtype(target)}, label=f"wide uint64 to {name(target)}")
    case("Cast", [np.array([1e300, -1e300, 1e-50, NAN, 0.1])], {"DstT": tf.float32}, label="float64 to float32 limits")
    case("Cast", [np.array([1.7, -1.7], np.float32)], {"DstT": tf.int32, "Truncate": True}, label="Truncate")
    case("Cast", [np.zeros([0, 2], np.float32)], {"DstT": tf.int32}, label="empty")
    case("Cast", [np.float32(2.5)], {"DstT": tf.int64}, label="scalar")
    case("Cast", [np.array(["1"])], {"DstT": tf.float32}, label="string refused")
    case("Cast", [np.float32(1)], {"DstT": tf.string}, label="to string refused")


def sums():
    for dtype in FLOATS + INTEGERS:
        case("AddN", [[numbers([2, 3], dtype) for _ in range(3)]], label=name(dtype))
    for count in (1, 2, 5, 9):
        case("AddN", [[numbers([3], np.float32) for _ in range(count)]], label=f"{count} inputs")
    case("AddN", [[np.float32(1), np.float32(2)]], label="scalars")
    case("AddN", [[np.zeros([0, 2], np.float32)] * 2], label="empty")
    case("AddN", [[np.zeros([2, 3], np.float32), np.zeros([3], np.float32)]], label="shapes refused")
    case("AddN", [[np.array(["a"]), np.array(["b"])]], label="string refused")


def biases():
    for dtype in FLOATS + INTEGERS:
        case("BiasAdd", [numbers([2, 3], dtype), numbers([3], dtype)], label=name(dtype))
    for shape in ([2, 3], [2, 4, 3], [2, 2, 2, 3], [1, 2, 1, 2, 3], [0, 3], [2, 0], [2, 0, 3]):
        case("BiasAdd", [numbers(shape, np.float32), numbers(shape[-1:], np.float32)], label=f"NHWC {shape}")
        attrs = {"data_format": "NCHW"}
        case("BiasAdd", [numbers(shape, np.float32), numbers([shape[1]], np.float32)], attrs, label=f"NCHW {shape}")
    case("BiasAdd", [numbers([2, 3], np.float32), numbers([2], np.float32)], label="length refused")
    case("BiasAdd", [numbers([2, 3], np.float32), numbers([1], np.float32)], label="length 1 refused")
    case("BiasAdd", [numbers([3], np.float32), numbers([3], np.float32)], label="rank 1 refused")
    case("BiasAdd", [numbers([2, 3], np.float32), numbers([1, 3], np.float32)], label="bias rank refused")
    case("BiasAdd", [numbers([2, 3], np.float32), numbers([2, 3], np.float32)], {"data_format": "NHCW"}, label="format refused")


def choices():
    for dtype in FLOATS + INTEGERS:
        mask = np.array([[True, False, True], [False, True, True]])
        case("Select", [mask, numbers([2, 3], dtype), numbers([2, 3], dtype)], label=name(dtype))
        case("Select", [mask[0, :2], numbers([2, 3], dtype), numbers([2, 3], dtype)], label=f"rows {name(dtype)}")
    for which in (True, False):
        case("Select", [np.array(which), numbers([2, 3], np.float32), numbers([2, 3], np.float32)], label="scalar")
        case("Select", [np.array(which), np.float32(1), np.float32(2)], label="scalars")
    mask = np.array([True, False, True])
    case("Select", [mask, np.array(["a", "b", ""]), np.array(["x", "yy", "z"])], label="string")
    case("Select", [mask[:2], np.array([["a", "b"], ["c", "d"]]), np.array([["x", "y"], ["z", "w"]])], label="string rows")
    case("Select", [mask, np.array([True, True, False]), np.array([False, False, True])], label="bool")
    case("Select", [mask, numbers([3, 2, 2], np.float32), numbers([3, 2, 2], np.float32)], label="rank 3 rows")
    case("Select", [np.arange(LONG) % 3 == 0, numbers([LONG], np.float32), numbers([LONG], np.float32)], label="long")
    case("Select", [mask[:0], np.zeros([0, 3], np.float32), np.zeros([0, 3], np.float32)], label="empty")
    case("Select", [mask[:2], np.zeros([2, 0], np.float32), np.zeros([2, 0], np.float32)], label="zero width")
    case("Select", [mask, numbers([2, 3], np.float32), numbers([2, 3], np.float32)], label="rows refused")
    case("Select", [mask[:2], numbers([2, 3], np.float32), numbers([3], np.float32)], label="shapes refused")
    case("Select", [mask[:2, None], numbers([2, 3], np.float32), numbers([2, 3], np.float32)], label="column refused")
    case("Select", [np.array([1, 0]), numbers([2], np.float32), numbers([2], np.float32)], label="condition refused")
    case("Select", [mask, np.float32(1), np.float32(2)], label="scalars by vector refused")
