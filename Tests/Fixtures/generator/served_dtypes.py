"""A checkpoint whose graph has a placeholder, a variable and an output of each dtype, with TensorFlow's answers as JSON."""
import json
import os
import shutil

from .checkpoints import save
from .core import np, tf, tf1
from .registry import COMPLEXES, FLOATS, HALVES, INTEGERS, QUANTIZED, name


def write(folder):
    path = os.path.join(folder, "dtypes")
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    with tf.Graph().as_default():
        sample = build()
        save(path)
        answer = run(path, *sample)
    with open(os.path.join(path, "answer.json"), "w") as file:
        json.dump(answer, file, indent=0)


def build():
    """Feeds, and what is fetched: `y_float16:0` and so on."""
    feeds, fetches = {}, []
    for dtype in FLOATS + HALVES + INTEGERS + COMPLEXES + [np.bool_]:
        label = name(dtype)
        x = tf1.placeholder(dtype, [None, 2], name="x_" + label)
        value = np.array([[3, 2]], np.float32).astype(dtype) if dtype not in COMPLEXES else np.array([[0.1 + 2j, -1.5j]], dtype)
        if dtype in FLOATS + HALVES:
            value = np.array([[0.1, -2.75]]).astype(dtype)
        v = tf1.get_variable("v_" + label, initializer=tf.constant(value), use_resource=False)
        if dtype == np.bool_:
            tf.raw_ops.LogicalAnd(x=x, y=v, name="y_" + label)
        else:
            tf.raw_ops.AddV2(x=x, y=v, name="y_" + label)
        feeds[x.name] = np.array([[1, 2], [0, 7]], np.float32).astype(dtype)
        if dtype in COMPLEXES:
            feeds[x.name] = np.array([[1 - 1j, 2], [0.3, 7j]], dtype)
        fetches.append(f"y_{label}:0")
    for dtype in QUANTIZED:
        label = dtype.name
        x = tf1.placeholder(dtype, [None], name="x_" + label)
        v = tf.cast(tf.constant([5, 6]), dtype)
        # TensorFlow cannot assign to variables of the other two.
        if dtype not in (tf.qint16, tf.quint16):
            v = tf1.get_variable("v_" + label, initializer=v, use_resource=False)
        tf.raw_ops.ConcatV2(values=[x, v], axis=0, name="y_" + label)
        tf.raw_ops.Cast(x=x, DstT=tf.float32, name="f_" + label)
        feeds[x.name] = np.array([(1,), (100,)], dtype.as_numpy_dtype)
        fetches += [f"y_{label}:0", f"f_{label}:0"]
    return feeds, fetches


def run(path, feeds, fetches):
    with tf1.Session() as session:
        tf1.train.Saver().restore(session, os.path.join(path, "model-7"))
        answers = session.run(fetches, feeds)
    return {"feeds": {k: plain(v) for k, v in feeds.items()}, "outputs": {k: plain(v) for k, v in zip(fetches, answers)}}


def plain(array):
    """As the server has it: complex numbers as pairs, quantised ones as integers, halves as the numbers that they are."""
    if array.dtype.names:
        array = array[array.dtype.names[0]]
    if array.dtype.kind == "c":
        return np.stack([array.real, array.imag], -1).tolist()
    return (array.astype(np.float32) if name(array.dtype) in ("bfloat16", "float16") else array).tolist()
