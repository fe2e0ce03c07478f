"""Ops that make random numbers: with seeds, the first run of a node is always the same."""
import numpy as np
import tensorflow as tf

from .core import Const, case

EXACT = {"rtol": 0.0, "atol": 0.0}
FLOATS = (tf.float32, tf.float64, tf.float16, tf.bfloat16)
SEEDS = {"seed": 1, "seed2": 2}


def cases():
    fills()
    stateless()
    integers()
    shuffles()
    multinomials()
    parameterized()
    truncated()


def near(dtype):
    """What functions of the C library may differ in."""
    return {tf.float32: {"rtol": 1e-5, "atol": 1e-6}, tf.float64: {"rtol": 1e-13, "atol": 1e-15}}.get(dtype, {})


def fills():
    for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
        for dtype in FLOATS:
            tolerance = EXACT if op == "RandomUniform" else near(dtype)
            long = 1030 if dtype == tf.float32 else 130
            for shape in ([], [1], [3], [4], [2, 5], [0], [2, 0, 3], [long]):
                case(op, [np.array(shape, np.int32)], {"dtype": dtype, **SEEDS}, label=f"{dtype.name} {shape}", **tolerance)
            for seeds in ((7, 0), (0, 9), (87654321, 12), (-5, 2**40 + 3), (2**33 + 1, -1)):
                attrs = {"dtype": dtype, "seed": seeds[0], "seed2": seeds[1]}
                case(op, [Const(np.array([5], np.int64))], attrs, label=f"{dtype.name} seeds {seeds}", **tolerance)
        attrs = {"dtype": tf.float32, **SEEDS}
        case(op, [np.array([2, -3], np.int32)], attrs, label="negative size refused")
        case(op, [np.array([[2]], np.int32)], attrs, label="matrix refused")
        case(op, [np.array([2.0], np.float32)], attrs, label="float sizes refused")


def stateless():
    shape = np.array([2, 5], np.int32)
    for seeds in ([0, 0], [1, 2], [-3, 4], [7, -1], [2**31 - 1, -2**31]):
        case("StatelessRandomGetKeyCounter", [np.array(seeds, np.int32)], label=f"int32 {seeds}")
        case("StatelessRandomGetKeyCounter", [np.array(seeds, np.int64)], label=f"int64 {seeds}")
        case("StatelessRandomGetKeyCounterAlg", [np.array(seeds, np.int64)], label=f"int64 {seeds}")
    case("StatelessRandomGetKeyCounter", [np.array([2**40 + 1, -2**50], np.int64)], label="int64 wide")
    case("StatelessRandomGetKeyCounter", [np.array([1, 2, 3], np.int64)], label="three seeds refused")
    case("StatelessRandomGetKeyCounter", [np.array(1, np.int64)], label="a scalar refused")
    case("StatelessRandomGetAlg", [])
    key, counter = np.array([12345678901234567890], np.uint64), np.array([2**64 - 2, 17], np.uint64)
    alg = np.array(1, np.int32)
    for op in ("RandomUniform", "RandomNormal", "TruncatedNormal"):
        for dtype in FLOATS:
            tolerance = EXACT if op == "RandomUniform" else near(dtype)
            attrs = {"dtype": dtype}
            for seed in (np.array([1, 2], np.int32), np.array([-7, 2**40], np.int64)):
                case(f"Stateless{op}", [shape, seed], attrs, label=f"{dtype.name} {seed.dtype.name}", **tolerance)
            case(f"Stateless{op}V2", [shape, key, counter, alg], attrs, label=dtype.name, **tolerance)
        case(f"Stateless{op}", [np.array([0, 2], np.int64), np.array([1, 2], np.int64)], {"dtype": tf.float32}, label="empty")
        case(f"Stateless{op}", [shape, np.array([1], np.int64)], {"dtype": tf.float32}, label="one seed refused")
        case(f"Stateless{op}V2", [shape, Const(key), Const(np.array([1, 2, 3], np.uint64)), Const(np.array(3, np.int32))],
             {"dtype": tf.float32}, label="algorithm chosen, a longer counter", **near(tf.float32))
        case(f"Stateless{op}V2", [shape, np.array([1, 2], np.uint64), counter, alg], {"dtype": tf.float32}, label="two keys refused")
        case(f"Stateless{op}V2", [shape, key, counter, np.array(7, np.int32)], {"dtype": tf.float32}, label="algorithm 7 refused")


def integers():
    key, counter, alg = np.array([99], np.uint64), np.array([5, 6], np.uint64), np.array(1, np.int32)
    seed = np.array([1, 2], np.int32)
    for dtype, bounds in ((np.int32, ((0, 10), (-7, 2**31 - 1), (-2**31, 2**31 - 1), (5, 6))),
                          (np.int64, ((0, 10), (-5, 2**40), (-2**63, 2**63 - 1)))):
        for low, high in bounds:
            between = [np.array(low, dtype), np.array(high, dtype)]
            label = f"{np.dtype(dtype).name} [{low}, {high})"
            for shape in ([9], [2, 3], []):
                case("RandomUniformInt", [np.array(shape, np.int32)] + between, SEEDS, label=f"{label} {shape}")
            case("StatelessRandomUniformInt", [np.array([9], np.int32), seed] + between, label=label)
            case("StatelessRandomUniformIntV2", [np.array([9], np.int32), key, counter, alg] + between, label=label)
        case("RandomUniformInt", [np.array([3], np.int64), np.array(5, dtype), np.array(5, dtype)], SEEDS, label="nothing between refused")
        case("RandomUniformInt", [np.array([0], np.int64), np.array(5, dtype), np.array(5, dtype)], SEEDS, label="nothing between, nothing asked")
        case("RandomUniformInt", [np.array([3], np.int64), np.array([5], dtype), np.array(5, dtype)], SEEDS, label="vector refused")
    for dtype in (tf.int32, tf.int64, tf.uint32, tf.uint64):
        case("StatelessRandomUniformFullInt", [np.array([7], np.int32), seed], {"dtype": dtype}, label=dtype.name)
        case("StatelessRandomUniformFullIntV2", [np.array([7], np.int32), key, counter, alg], {"dtype": dtype}, label=dtype.name)


def shuffles():
    for dtype in (np.float32, np.float64, np.int32, np.int64, np.int8, np.uint8, np.int16, np.bool_, np.complex64, np.complex128, np.float16):
        case("RandomShuffle", [np.arange(11).astype(dtype)], SEEDS, label=np.dtype(dtype).name)
    case("RandomShuffle", [np.array(list("abcdefg"), object)], SEEDS, label="strings")
    for shape in ([], [1], [0], [2, 3], [7, 2], [5, 0], [300], [4, 3, 2]):
        case("RandomShuffle", [np.arange(int(np.prod(shape))).reshape(shape).astype(np.int32)], SEEDS, label=f"{shape}")


def multinomials():
    for dtype in (np.float32, np.float64, np.float16, tf.bfloat16.as_numpy_dtype):
        for output in (tf.int32, tf.int64):
            logits = np.random.randn(3, 5).astype(dtype)
            attrs = {"output_dtype": output}
            case("Multinomial", [logits, np.array(7, np.int32)], {**attrs, **SEEDS}, label=f"{logits.dtype.name} {output.name}")
            case("StatelessMultinomial", [logits, np.array(7, np.int32), np.array([3, 4], np.int64)], attrs, label=f"{logits.dtype.name} {output.name}")
    special = np.array([[np.inf, 1, 2, np.nan], [-np.inf, 3, 3, -np.inf], [100, 101, 102, 0]], np.float32)
    for logits, samples, label in ((special, 9, "infinities"), (np.zeros([0, 3], np.float32), 2, "no rows"), (np.zeros([2, 3], np.float32), 0, "no samples"),
                                   (np.zeros([2, 0], np.float32), 2, "no classes"), (np.zeros([3], np.float32), 2, "a vector refused"),
                                   (np.zeros([2, 3], np.float32), -1, "negative refused"), (np.zeros([2, 0], np.float32), 0, "no classes, no samples"),
                                   (np.array([[1, 5.0]], np.float32), 1, "one"), (np.zeros([1, 1], np.float32), 4, "one class")):
        case("Multinomial", [logits, np.array(samples, np.int32)], SEEDS, label=label)
    case("Multinomial", [special, np.array([1], np.int32)], SEEDS, label="samples of a vector refused")


def parameterized():
    alphas = [0.1, 0.7, 1, 1.5, 20, 300]
    rates = [0, 0.1, 1, 9.99, 10, 20, 300, -1]
    seed = np.array([1, 2], np.int32)
    for dtype in (np.float32, np.float64, np.float16):
        a = np.array(alphas, dtype)
        near_ = {np.float32: {"rtol": 2e-6}, np.float64: {"rtol": 1e-11}}.get(dtype, {})
        case("RandomGamma", [np.array([20], np.int32), a], SEEDS, label=np.dtype(dtype).name, **near_)
        case("RandomGamma", [np.array([2, 2], np.int64), a.reshape([2, 3])], SEEDS, label=f"{np.dtype(dtype).name} matrices", **near_)
        case("StatelessRandomGammaV2", [np.array([5, 6], np.int32), seed, a], label=np.dtype(dtype).name, **near_)
        case("StatelessRandomGammaV3", [np.array([5, 6], np.int32), np.array([9], np.uint64), np.array([9, 10], np.uint64), np.array(1, np.int32), a],
             label=np.dtype(dtype).name, **near_)
        case("RandomPoisson", [np.array([9], np.int32), np.array(rates, dtype)], SEEDS, label=np.dtype(dtype).name)
    for dtype in (np.float32, np.float64, np.float16, np.int32, np.int64):
        for output in (tf.float32, tf.float64, tf.float16, tf.int32, tf.int64):
            r = np.array(rates, dtype)
            case("RandomPoissonV2", [np.array([7], np.int32), r], {**SEEDS, "dtype": output}, label=f"{r.dtype.name} {output.name}")
            case("StatelessRandomPoisson", [np.array([4, 8], np.int32), seed, r], {"dtype": output}, label=f"{r.dtype.name} {output.name}")
    for shape, parameters in (([], 2.0), ([3], 2.0), ([0], [1.0]), ([2], []), ([], [1.0, 2]), ([2, 0], [[1.0]])):
        p = np.array(parameters, np.float32)
        case("RandomGamma", [np.array(shape, np.int32), p], SEEDS, label=f"{shape} {p.shape}", rtol=2e-6)
        case("RandomPoissonV2", [np.array(shape, np.int32), p], SEEDS, label=f"{shape} {p.shape}")
    case("RandomGamma", [np.array([-1], np.int32), np.array(1.0, np.float32)], SEEDS, label="negative size refused")
    case("StatelessRandomGammaV2", [np.array([5, 4], np.int32), seed, np.array([1.0, 2], np.float32)], label="alpha does not fit")
    case("StatelessRandomGammaV2", [np.array([3, 2, 4], np.int32), seed, np.ones([2, 4], np.float32)], label="alpha is a matrix", rtol=2e-6)


def truncated():
    op = "ParameterizedTruncatedNormal"
    for dtype in (np.float32, np.float64):
        def run(shape, mean, deviation, low, high, label):
            inputs = [np.array(shape, np.int32)] + [np.array(p, dtype) for p in (mean, deviation, low, high)]
            case(op, inputs, SEEDS, label=f"{np.dtype(dtype).name} {label}", **({"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-13}))
        run([5, 3], 0, 1, -2, 2, "two deviations")
        run([250], 1, 2, -3, 5, "batches of 100")
        run([9], 0, 1, 0.2, 0.5, "narrow")
        run([9], 0, 1, 3, 10, "far out")
        run([9], 0, 1, -10, -3, "far out on the other side")
        run([9], 2, 0.5, -np.inf, 1, "no lower bound")
        run([9], 2, 0.5, 2.5, np.inf, "no upper bound")
        run([4, 5], [0, 1, 2, 3], [1, 2, 3, 4], [-1, -1, 2.5, 9], [1, 2, 3, 19], "each its own")
        run([4, 5], [0], [1, 2, 3, 4], -1, [1], "some shared")
        run([3, 2], [0], [1], [-1], [1], "vectors of one")
        run([0, 2], 0, 1, -1, 1, "empty")
        run([3], 0, 0, -1, 1, "deviation 0 refused")
        run([3], 0, 1, 1, 1, "no bounds refused")
        run([3], 0, 1, -np.inf, np.inf, "infinite bounds refused")
        run([3], [0, 1], 1, -1, 1, "two means for three refused")
        run([3], [[0]], 1, -1, 1, "a matrix refused")
