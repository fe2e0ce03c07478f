"""Models that assign variables when they run, with runs.json: what TensorFlow answers, run after run in one session."""
import json
import os
import shutil

FEED = [[1, 2], [3, 6], [5, 1]]


def write(folder):
    from .core import tf, tf1
    root = os.path.join(folder, "assigning")
    shutil.rmtree(root, ignore_errors=True)
    runs = {}
    for make in (branch, branch_of_resource, testing_branch, update_ops, always, counter):
        path = os.path.join(root, make.__name__)
        os.makedirs(path)
        # Functional control flow, as tf.cond of TensorFlow 2 makes it.
        (tf1.enable_control_flow_v2 if make is branch_of_resource else tf1.disable_control_flow_v2)()
        with tf.Graph().as_default(), tf1.Session() as session:
            feeds = make()
            session.run(tf1.global_variables_initializer())
            tf1.train.Saver(save_relative_paths=True).save(session, path + "/model", global_step=1)
            runs[make.__name__] = [run(session, feed) for feed in feeds]
    tf1.disable_control_flow_v2()
    with open(os.path.join(root, "runs.json"), "w") as file:
        json.dump(runs, file, sort_keys=True, indent=0)


def run(session, feed):
    answer = session.run("y:0", {**feed, "x:0": FEED})
    return {"feeds": {**feed, "x:0": FEED}, "y": [[float(v) for v in row] for row in answer]}


def averages(resource):
    from .core import np, tf1
    make = lambda name, value: tf1.get_variable(name, initializer=np.float32(value), use_resource=resource, trainable=False)
    return make("bn/moving_mean", [1, -1]), make("bn/moving_variance", [4, 1])


def normalized(train, resource):
    """Batch normalisation that updates its moving averages in the branch of training."""
    from .core import tf, tf1
    x = tf1.placeholder(tf.float32, [None, 2], name="x")
    mean, variance = averages(resource)

    def of_batch():
        batch_mean, batch_variance = tf.nn.moments(x, [0])
        updates = [mean.assign_sub(0.5 * (mean - batch_mean)), variance.assign_sub(0.5 * (variance - batch_variance))]
        with tf.control_dependencies(updates):
            return tf.identity(batch_mean), tf.identity(batch_variance)
    found_mean, found_variance = tf1.cond(train, of_batch, lambda: (tf.identity(mean), tf.identity(variance)))
    tf.multiply(x - found_mean, tf1.rsqrt(found_variance + 1.0), name="y")


def branch():
    from .core import tf, tf1
    normalized(tf1.placeholder(tf.bool, [], name="is_training"), resource=False)
    return [{"is_training:0": t} for t in (False, True, False, True, False)]


def branch_of_resource():
    from .core import tf, tf1
    normalized(tf1.placeholder_with_default(False, [], name="phase_train"), resource=True)
    return [{}, {"phase_train:0": True}, {}]


def testing_branch():
    from .core import tf, tf1
    normalized(tf.logical_not(tf1.placeholder(tf.bool, [], name="is_testing")), resource=True)
    return [{"is_testing:0": t} for t in (True, False, True)]


def decayed(train):
    """Batch normalisation whose updates are in no branch: the switch chooses how much they change."""
    from .core import tf, tf1
    x = tf1.placeholder(tf.float32, [None, 2], name="x")
    mean, variance = averages(resource=False)
    batch_mean, batch_variance = tf.nn.moments(x, [0])
    rate = tf1.cond(train, lambda: tf.constant(0.5), lambda: tf.constant(0.0))
    found_mean = tf1.cond(train, lambda: tf.identity(batch_mean), lambda: tf.identity(mean))
    updates = [tf1.assign_sub(mean, (mean - batch_mean) * rate, name="bn/update_mean"),
               tf1.assign_sub(variance, (variance - batch_variance) * rate, name="bn/update_variance")]
    return x - found_mean, updates


def update_ops():
    from .core import tf, tf1
    y, _ = decayed(tf1.placeholder(tf.bool, [], name="is_training"))
    tf.identity(y, name="y")
    return [{"is_training:0": t} for t in (False, True, False)]


def always():
    from .core import tf, tf1
    y, updates = decayed(tf1.placeholder(tf.bool, [], name="is_training"))
    with tf.control_dependencies(updates):
        tf.identity(y, name="y")
    return [{"is_training:0": t} for t in (False, True, False)]


def counter():
    """No switch: each run counts."""
    from .core import np, tf, tf1
    x = tf1.placeholder(tf.float32, [None, 2], name="x")
    count = tf1.get_variable("count", initializer=np.float32(0), use_resource=False)
    tf.add(x, tf1.assign_add(count, 1.0, name="counted"), name="y")
    return [{}, {}, {}]
