#!/usr/bin/env python3
"""Makes the models of this folder anew. Not needed to build, test or serve.

    python3 -m venv .build/tensorflow && .build/tensorflow/bin/pip install tensorflow==2.21.0 scikit-learn
    .build/tensorflow/bin/python models/train.py [tutorial] [digits]

tutorial: (w1 + w2) * bias, saved at step 1000.
digits: a classifier of the 8x8 handwritten digits that scikit-learn carries, trained here, saved early and at the end.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_eager_execution()
HERE = os.path.dirname(os.path.abspath(__file__))


def save(saver, session, name, step):
    """Saves with paths relative to the folder, so that it can be moved."""
    saver.save(session, os.path.join(HERE, name, "model"), global_step=step)


def tutorial():
    with tf.Graph().as_default(), tf1.Session() as session:
        w1 = tf1.placeholder("float", name="w1")
        w2 = tf1.placeholder("float", name="w2")
        bias = tf1.Variable(2.0, name="bias")
        tf.multiply(tf.add(w1, w2), bias, name="op_to_restore")
        saver = tf1.train.Saver(save_relative_paths=True)
        session.run(tf1.global_variables_initializer())
        save(saver, session, "tutorial", 1000)


def dense(x, name, width, activation=None):
    with tf1.variable_scope(name):
        weights = tf1.get_variable("weights", [int(x.shape[-1]), width], use_resource=False,
                                   initializer=tf1.glorot_uniform_initializer(seed=1))
        biases = tf1.get_variable("biases", [width], use_resource=False, initializer=tf1.zeros_initializer())
        y = tf.matmul(x, weights) + biases
        return activation(y) if activation else y


def dropout(x, keep_prob):
    """As TensorFlow 1 builds it: with keep_prob 1 the mask is exactly 1."""
    with tf1.name_scope("dropout"):
        mask = tf.floor(keep_prob + tf1.random_uniform(tf.shape(x), seed=2))
        return tf.realdiv(x, keep_prob) * mask


def digits_data():
    """The samples, each pixel in [0, 1]; every fifth is held back."""
    from sklearn.datasets import load_digits
    data = load_digits()
    x = (data.data / 16).astype(np.float32)
    y = data.target.astype(np.int64)
    order = np.random.RandomState(0).permutation(len(x))
    x, y = x[order], y[order]
    held = np.arange(len(x)) % 5 == 0
    return x[~held], y[~held], x[held], y[held]


def digits(steps=3000, early=300):
    train_x, train_y, held_x, held_y = digits_data()
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(1)
        x = tf1.placeholder(tf.float32, [None, 64], name="x")
        keep_prob = tf1.placeholder(tf.float32, [], name="keep_prob")
        labels = tf1.placeholder(tf.int64, [None], name="labels")
        hidden = dense(x, "hidden1", 128, tf.nn.relu)
        hidden = dropout(hidden, keep_prob)
        hidden = dense(hidden, "hidden2", 64, tf.nn.relu)
        logits = tf.identity(dense(hidden, "out", 10), name="logits")
        probs = tf.nn.softmax(logits, name="probs")
        tf.argmax(probs, 1, name="class")
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits), name="loss")
        step = tf1.train.get_or_create_global_step()
        train = tf1.train.AdamOptimizer(2e-3).minimize(loss, global_step=step)
        saver = tf1.train.Saver(tf1.trainable_variables() + [step], save_relative_paths=True)
        session.run(tf1.global_variables_initializer())
        rng = np.random.RandomState(3)
        for number in range(1, steps + 1):
            batch = rng.randint(0, len(train_x), 64)
            session.run(train, {x: train_x[batch], labels: train_y[batch], keep_prob: 0.7})
            if number in (early, steps):
                save(saver, session, "digits", step)
                answer = session.run("class:0", {x: held_x, keep_prob: 1.0})
                print(f"digits: step {number}: {np.mean(answer == held_y):.4f} of {len(held_y)} held-back samples right")


if __name__ == "__main__":
    for name in sys.argv[1:] or ["tutorial", "digits"]:
        os.makedirs(os.path.join(HERE, name), exist_ok=True)
        {"tutorial": tutorial, "digits": digits}[name]()
