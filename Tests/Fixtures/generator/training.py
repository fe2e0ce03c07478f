"""Ops that apply a gradient to a variable: what they leave in the variables, step after step."""
import numpy as np
import tensorflow as tf

from .core import graph_case, tf1

raw = tf.raw_ops
ADAM = dict(beta1_power=0.9 ** 3, beta2_power=0.999 ** 3, lr=0.05, beta1=0.9, beta2=0.999, epsilon=1e-3)

# The names of the slots, the numbers, and the attributes to try.
OPTIMIZERS = {
    "GradientDescent": ([], dict(alpha=0.1), [{}]),
    "ProximalGradientDescent": ([], dict(alpha=0.1, l1=0.2, l2=0.3), [{}]),
    "Momentum": (["accum"], dict(lr=0.1, momentum=0.9), [{}, {"use_nesterov": True}]),
    "KerasMomentum": (["accum"], dict(lr=0.1, momentum=0.9), [{}, {"use_nesterov": True}]),
    "Adagrad": (["accum"], dict(lr=0.1), [{}, {"update_slots": False}]),
    "AdagradV2": (["accum"], dict(lr=0.1, epsilon=0.01), [{}, {"update_slots": False}]),
    "ProximalAdagrad": (["accum"], dict(lr=0.1, l1=0.2, l2=0.3), [{}]),
    "AdagradDA": (["gradient_accumulator", "gradient_squared_accumulator"], dict(lr=0.1, l1=0.02, l2=0.3, global_step=3), [{}]),
    "Adadelta": (["accum", "accum_update"], dict(lr=0.5, rho=0.9, epsilon=0.01), [{}]),
    "Adam": (["m", "v"], ADAM, [{}, {"use_nesterov": True}]),
    "AdamWithAmsgrad": (["m", "v", "vhat"], ADAM, [{}]),
    "AdaMax": (["m", "v"], dict(beta1_power=0.9 ** 3, lr=0.05, beta1=0.9, beta2=0.99, epsilon=1e-3), [{}]),
    "RMSProp": (["ms", "mom"], dict(lr=0.05, rho=0.9, momentum=0.8, epsilon=0.01), [{}]),
    "CenteredRMSProp": (["mg", "ms", "mom"], dict(lr=0.05, rho=0.9, momentum=0.8, epsilon=0.5), [{}]),
    "AddSign": (["m"], dict(lr=0.1, alpha=1.5, sign_decay=0.7, beta=0.9), [{}]),
    "PowerSign": (["m"], dict(lr=0.1, logbase=0.8, sign_decay=0.7, beta=0.9), [{}]),
    "Ftrl": (["accum", "linear"], dict(lr=0.1, l1=0.2, l2=0.3, lr_power=-0.5), [{}, {"multiply_linear_by_lr": True}]),
    "FtrlV2": (["accum", "linear"], dict(lr=0.1, l1=0.2, l2=0.3, l2_shrinkage=0.05, lr_power=-0.5), [{}, {"multiply_linear_by_lr": True}]),
}
RESOURCE_ONLY = {"KerasMomentum", "AdamWithAmsgrad"}
DENSE_ONLY = {"GradientDescent", "Adam", "AdamWithAmsgrad", "AdaMax", "AddSign", "PowerSign"}
# TensorFlow has no kernels in half precision for them.
WIDE_ONLY = {"ProximalGradientDescent", "ProximalAdagrad", "AdagradDA"}
POSITIVE = {"accum", "gradient_squared_accumulator", "accum_update", "v", "vhat", "ms"}


def variables(names, shape, dtype, resource):
    if resource:
        return [raw.VarHandleOp(shape=shape, dtype=dtype, name=n, shared_name=n) for n in names]
    return [raw.VariableV2(shape=shape, dtype=dtype, name=n, shared_name=n) for n in names]


def values(names, shape, dtype):
    drawn = {n: np.random.uniform(-1, 1, shape) for n in names}
    return {n: (np.abs(v) + 0.1 if n in POSITIVE else v).astype(dtype.as_numpy_dtype) for n, v in drawn.items()}


def numbers(given, dtype):
    return {n: tf.constant(v, tf.int64 if n == "global_step" else dtype, name=n) for n, v in given.items()}


def optimizer(name, sparse=False, resource=False, dtype=tf.float32, attrs=None, index=tf.int32, shape=(5, 3), more=None):
    slots, given, _ = OPTIMIZERS[name]
    given = {**given, **(more or {})}
    names = ["var"] + slots
    op = ("Resource" if resource else "") + ("SparseApply" if sparse else "Apply") + name
    gradient = "delta" if name == "GradientDescent" or name == "ProximalGradientDescent" and not sparse else "grad"
    with tf.Graph().as_default() as graph:
        made = variables(names, shape, dtype, resource)
        inputs = dict(zip(names, made))
        inputs.update(numbers(given, dtype))
        inputs[gradient] = tf1.placeholder(dtype, [None, *shape[1:]] if sparse else shape, name="g")
        if sparse:
            inputs["indices"] = tf1.placeholder(index, [None], name="i")
        step = getattr(raw, op)(**inputs, **(attrs or {}), name="step")
        with tf.control_dependencies([step.op if hasattr(step, "op") else step]):
            for n, v in zip(names, made):
                (raw.ReadVariableOp(resource=v, dtype=dtype, name="after_" + n) if resource else tf.identity(v, name="after_" + n))
    runs = []
    for indices in ([1, 3, 1], [4], []) if sparse else (None, None):
        feeds = {"g:0": np.random.uniform(-1, 1, (len(indices), *shape[1:]) if sparse else shape).astype(dtype.as_numpy_dtype)}
        if sparse:
            feeds["i:0"] = np.array(indices, index.as_numpy_dtype)
        runs.append((feeds, [f"after_{n}:0" for n in names]))
    narrow = dtype in (tf.half, tf.bfloat16)
    graph_case(f"{op} {dtype.name} {attrs or ''} {more or ''}", graph, variables=values(names, shape, dtype), runs=runs, rtol=0.03 if narrow else None, atol=0.03 if narrow else 1e-6)


def graphs():
    for name, (_, _, choices) in OPTIMIZERS.items():
        for attrs in choices:
            for resource in (False, True):
                if not resource and name in RESOURCE_ONLY:
                    continue
                for sparse in (False, True):
                    if not (sparse and name in DENSE_ONLY):
                        optimizer(name, sparse, resource, attrs=attrs)
    for name in OPTIMIZERS:
        for dtype in (tf.float64, tf.half, tf.bfloat16):
            if dtype == tf.float64 or name not in WIDE_ONLY and (name, dtype) != ("AdaMax", tf.bfloat16):
                optimizer(name, resource=True, dtype=dtype)
        if name not in DENSE_ONLY:
            optimizer(name, sparse=True, resource=True, index=tf.int64, dtype=tf.float64)
            optimizer(name, sparse=True, resource=name in RESOURCE_ONLY, shape=(6,))
    # No shrinking, and another power of the rate.
    for name in ("ProximalGradientDescent", "ProximalAdagrad", "AdagradDA"):
        optimizer(name, more={"l1": 0.0})
        optimizer(name, sparse=True, more={"l1": 0.0})
    for name in ("Ftrl", "FtrlV2"):
        optimizer(name, more={"lr_power": -0.7})
        optimizer(name, sparse=True, more={"lr_power": -0.7})
        optimizer(name, dtype=tf.float64, attrs={"multiply_linear_by_lr": True}, more={"lr_power": -0.7})
    # Larger than a unit of work and a block of conversions, and a scalar.
    optimizer("Adam", shape=(257,), dtype=tf.half)
    optimizer("Momentum", shape=())
    refused()
    in_order()
    in_a_branch()


def refused():
    """Indices out of range, and shapes that do not fit."""
    with tf.Graph().as_default() as graph:
        v = raw.VariableV2(shape=[3, 2], dtype=tf.float32, name="v")
        a = raw.VariableV2(shape=[3, 2], dtype=tf.float32, name="a")
        g = tf1.placeholder(tf.float32, name="g")
        i = tf1.placeholder(tf.int32, name="i")
        rate = tf1.placeholder(tf.float32, name="rate")
        raw.ApplyGradientDescent(var=v, alpha=rate, delta=g, name="dense")
        raw.SparseApplyMomentum(var=v, accum=a, lr=rate, grad=g, indices=i, momentum=0.5, name="sparse")
        tf.identity(v, name="read")
    full = np.arange(6, dtype=np.float32).reshape(3, 2)
    rate, rates = np.float32(0.5), np.array([0.5], np.float32)
    row = np.ones([1, 2], np.float32)
    index = lambda *values: np.array(values, np.int32)
    graph_case("gradients that do not fit", graph, variables={"v": full, "a": full}, runs=[
        ({"g:0": full, "rate:0": rate}, ["dense:0"]), ({"g:0": row, "rate:0": rate}, ["dense:0"]), ({"g:0": full, "rate:0": rates}, ["dense:0"]),
        ({"g:0": row, "rate:0": rate, "i:0": index(2)}, ["sparse:0"]), ({"g:0": row, "rate:0": rate, "i:0": index(3)}, ["sparse:0"]),
        ({"g:0": row, "rate:0": rate, "i:0": index(-1)}, ["sparse:0"]), ({"g:0": row, "rate:0": rate, "i:0": index(0, 1)}, ["sparse:0"]),
        ({"g:0": row, "rate:0": rate, "i:0": np.array([[1]], np.int32)}, ["sparse:0"]), ({}, ["read:0"])])


def in_order():
    """Who has read a variable before it is changed keeps what was read."""
    with tf.Graph().as_default() as graph:
        v = raw.VarHandleOp(shape=[4], dtype=tf.float32, name="v", shared_name="v")
        x = tf1.placeholder(tf.float32, [4], name="x")
        before = raw.ReadVariableOp(resource=v, dtype=tf.float32, name="before")
        shaped = tf.reshape(before, [2, 2], name="shaped")
        with tf.control_dependencies([shaped]):
            first = raw.ResourceApplyGradientDescent(var=v, alpha=0.5, delta=x * before)
        with tf.control_dependencies([first]):
            middle = raw.ReadVariableOp(resource=v, dtype=tf.float32, name="middle")
            again = raw.ResourceApplyGradientDescent(var=v, alpha=0.25, delta=middle)
        with tf.control_dependencies([again]):
            after = raw.ReadVariableOp(resource=v, dtype=tf.float32, name="after")
            tf.add(tf.reshape(shaped, [4]) * 100.0, after, name="sum")
            tf.concat([middle, after], 0, name="both")
    feed = {"x:0": np.array([1, -1, 2, 0.5], np.float32)}
    start = np.array([1, 2, 3, 4], np.float32)
    graph_case("reads before and after", graph, variables={"v": start}, runs=[(feed, f) for f in (["sum:0"], ["both:0"], ["shaped:0", "sum:0"], ["before:0", "middle:0", "after:0"], ["after:0"])])


def in_a_branch():
    """A step that is taken only sometimes, and one in a loop."""
    tf1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        v = raw.VarHandleOp(shape=[2], dtype=tf.float32, name="v", shared_name="v")
        m = raw.VarHandleOp(shape=[2], dtype=tf.float32, name="m", shared_name="m")
        x = tf1.placeholder(tf.float32, [2], name="x")
        train = tf1.placeholder(tf.bool, [], name="train")
        n = tf1.placeholder(tf.int32, [], name="n")
        read = lambda: raw.ReadVariableOp(resource=v, dtype=tf.float32)

        def step():
            with tf.control_dependencies([raw.ResourceApplyMomentum(var=v, accum=m, lr=0.1, grad=x, momentum=0.5)]):
                return read()
        tf.identity(tf1.cond(train, step, read), name="taken")

        def body(i, _):
            with tf.control_dependencies([raw.ResourceApplyMomentum(var=v, accum=m, lr=0.1, grad=x * tf.cast(i, tf.float32), momentum=0.5)]):
                return i + 1, read()
        tf.identity(tf1.while_loop(lambda i, _: i < n, body, [0, x], parallel_iterations=1)[1], name="looped")
    x = np.array([1, -2], np.float32)
    start = {"v": np.array([3, 4], np.float32), "m": np.zeros(2, np.float32)}
    graph_case("steps in a branch and in a loop", graph, variables=start, runs=[({"x:0": x, "train:0": t}, ["taken:0"]) for t in (False, True, True, False)] + [({"x:0": x, "n:0": np.int32(n)}, ["looped:0"]) for n in (0, 4, 1)])
