"""Saves a model of many megabytes as tf.train.Saver does, for the fault tests: large_model.py FOLDER MEGABYTES STEPS.

Eight variables hold the step everywhere. A request is small and touches little of them, so that what a reload costs shows in the
latency of the requests beside it.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_eager_execution()


def main(folder, megabytes, steps):
    rows = int(megabytes) * 256 // 8
    x = tf1.placeholder(tf.float32, [None, 8], name="x")
    step = tf1.placeholder(tf.float32, [], name="step")
    parts = [tf1.get_variable(f"part{i}", [rows, 1024], initializer=tf1.zeros_initializer(), use_resource=False)
             for i in range(8)]
    assign = [part.assign(tf.fill([rows, 1024], step)) for part in parts]
    column = tf.stack([part[i, i] for i, part in enumerate(parts)])
    hidden = tf.nn.relu(tf.matmul(x, tf.concat([part[:8, :64] for part in parts], 1)))
    tf.add(tf.reduce_sum(x * column, 1), 0.0 * tf.reduce_sum(hidden, 1), name="y")
    saver = tf1.train.Saver(max_to_keep=None, save_relative_paths=True)
    with tf1.Session() as session:
        for number in range(1, int(steps) + 1):
            session.run(assign, {step: number})
            saver.save(session, os.path.join(folder, "model"), global_step=number)


if __name__ == "__main__":
    main(*sys.argv[1:])
