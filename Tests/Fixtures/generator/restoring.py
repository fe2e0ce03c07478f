"""Checkpoints that have not all that their graphs ask for, or have it in another shape."""
import os
import shutil

from .checkpoints import save, variable
from .core import np, tf, tf1


def write(folder):
    root = os.path.join(folder, "restoring")
    shutil.rmtree(root, ignore_errors=True)
    for make in (reshaped, partly, nothing, other_shape, other_dtype, training_only, two_inputs):
        path = os.path.join(root, make.__name__)
        os.makedirs(path)
        with tf.Graph().as_default():
            make(path)


def exchange(path, graph):
    """Saves another graph for the variables that are there."""
    with tf.Graph().as_default():
        graph()
        saver = tf1.train.Saver(reshape=graph.__name__ == "squares")
        saver.export_meta_graph(os.path.join(path, "model-7.meta"))


def reshaped(path):
    """[4] in the file, [2,2] in the graph of `Saver(reshape=True)`; a resource variable beside the older kind."""
    variable("v", np.float32([1, 2, 3, 4]))
    tf1.get_variable("r", initializer=tf.constant(np.float32([[1, 2, 3]])), use_resource=True)
    save(path)

    def squares():
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        v = variable("v", np.zeros([2, 2], np.float32))
        r = tf1.get_variable("r", initializer=tf.constant(np.zeros([3], np.float32)), use_resource=True)
        tf.add(tf.matmul(x, v), tf.reduce_sum(r), name="y")
    exchange(path, squares)


def partly(path):
    """Two outputs; the file lacks the second's variable."""
    variable("a", np.float32(2))
    save(path)

    def graph():
        x = tf1.placeholder(tf.float32, [None], name="x")
        tf.multiply(x, variable("a", np.float32(0)), name="y")
        tf.multiply(x, variable("aa", np.float32(0)), name="z")
    exchange(path, graph)


def nothing(path):
    """The only output needs a variable that the file has under another name."""
    variable("rnn/cell/weights", np.float32([1, 2]))
    save(path)

    def graph():
        x = tf1.placeholder(tf.float32, [None, 2], name="x")
        tf.multiply(x, variable("rnn/cell/kernel", np.float32([0, 0])), name="y")
    exchange(path, graph)


def other_shape(path):
    """The file's variable has another shape, and nothing reshapes it."""
    variable("v", np.float32([1, 2, 3, 4]))
    save(path)

    def graph():
        tf.multiply(tf1.placeholder(tf.float32, [], name="x"), variable("v", np.zeros([2, 2], np.float32)), name="y")
    exchange(path, graph)


def other_dtype(path):
    variable("v", np.float64([1, 2]))
    save(path)

    def graph():
        tf.multiply(tf1.placeholder(tf.float32, [], name="x"), variable("v", np.zeros([2], np.float32)), name="y")
    exchange(path, graph)


def training_only(path):
    """What only training needs is not in the file."""
    variable("w", np.float32([[1], [2]]))
    save(path)

    def graph():
        x, y_ = tf1.placeholder(tf.float32, [None, 2], name="x"), tf1.placeholder(tf.float32, [None, 1], name="y_")
        y = tf.matmul(x, variable("w", np.zeros([2, 1], np.float32)), name="y")
        tf1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(y - y_), name="loss"))
    exchange(path, graph)


def two_inputs(path):
    """An input that leads to the output that cannot be had only."""
    variable("a", np.float32([[2]]))
    save(path)

    def graph():
        tf.matmul(tf1.placeholder(tf.float32, [None, 1], name="x"), variable("a", np.float32([[0]])), name="y")
        tf.matmul(tf1.placeholder(tf.float32, [None, 1], name="u"), variable("b", np.float32([[0]])), name="z")
    exchange(path, graph)
