#!/usr/bin/env python3
"""Records what one training step of published graphs does to their variables, in TensorFlow.

    python Tests/TensorFlow/record_steps.py CORPUS Tests/Fixtures/training-steps.json

CORPUS holds the folders that STEPS names. Of each variable that a step changes, the record has the norm of its values, the
norm of the change, and products of the change with fixed pseudo-random vectors: enough to tell a wrong change from a right
one, and none of the values. TrainingStepTests repeats the steps.
"""
import glob
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_eager_execution()
PRODUCTS = 3


def floats(*shape, low=0.0, high=1.0):
    return {"dtype": "float32", "shape": list(shape), "low": low, "high": high}


def integers(*shape, below, dtype="int32", low=0):
    return {"dtype": dtype, "shape": list(shape), "low": low, "high": below}


def scalar(value):
    return {"dtype": "bool" if isinstance(value, bool) else "float32", "shape": [], "value": value}


def kept(*shape):
    """Random numbers that let a dropout keep everything."""
    return {"dtype": "float32", "shape": list(shape), "value": 0.999}


# For each folder, the target of each step, and what is fed. A dropout keeps everything.
STEPS = {
    "Aplain+rnnRepo__model.ckpt": {"training/GradientDescent": {"input": floats(3, 10, 1), "supervisor": floats(3, 1), "istate": floats(3, 160)}},
    "BUAAQingYuan+kejso_RE__model.ckpt": {"Adam": {"Placeholder": floats(3, 150, 300, low=-1), "Placeholder_1": floats(3, 8), "dropout_keep_prob": scalar(1.0)}},
    "Brickhoff+MovieRecommender__save": {"Adam": {
        "uid": integers(3, 1, below=6000), "user_gender": integers(3, 1, below=2), "user_age": integers(3, 1, below=7), "user_job": integers(3, 1, below=21),
        "movie_id": integers(3, 1, below=3900), "movie_categories": integers(3, 18, below=19), "movie_titles": integers(3, 15, below=5000),
        "targets": integers(3, 1, low=1, below=6), "dropout_keep_prob": scalar(1.0)}},
    "Dormir30+Siamese_network__model.ckpt": {"Adam": {"Placeholder": floats(4, 784), "Placeholder_1": floats(4, 784), "Placeholder_4": integers(4, below=2, dtype="float32"), "Placeholder_5": scalar(1.0)}},
    "HUFSinforms+portfolioGAN__model.ckpt": {op: {"Placeholder_3": floats(4, 128, low=-1)} for op in ("Adam", "Adam_1", "Adam_2", "Adam_3")},
    "KeplerC+TexasHoldem__model.ckpt": {"GradientDescent": {
        "Placeholder": {"dtype": "float32", "shape": [5, 9], "value": 15}, "random_uniform": floats(9, 1, low=0.4, high=0.66), "GradientDescent/learning_rate": scalar(0.01), "Placeholder_1": floats(5, 1)}},
    "LeanderLXZ+DLND-deep-neural-networks__train_model.ckpt": {"GradientDescent": {"Placeholder": floats(3, 784), "Placeholder_1": floats(3, 10)}},
    "MattChubb+tensorflow-houseprices__model.ckpt": {"Adam": {"Placeholder": scalar(True), "Placeholder_1": floats(5, 8), "Placeholder_2": floats(5, 1)}},
    "NoahRJohnson+Near-Earth-Object-ML-Challenge__model.ckpt": {"GradientDescent": {
        "Placeholder": floats(3, 6), "weights/read": floats(6, 2), "biases/read": floats(2), "Placeholder_1": floats(3, 2)}},
    "ShenghanGao+PoetDraft__model.ckpt-0": {"trainModel/Momentum": {"trainModel/Placeholder": integers(20, 20, below=1000), "trainModel/Placeholder_1": integers(20, 20, below=1000)}},
    "Wallace00V+resnet_cifar10__my_net__save_net.ckpt": {op: {a: floats(4, 32, 32, 3), b: floats(4, 10)} for op, a, b in (
        ("Momentum", "Placeholder", "Placeholder_1"), ("Momentum_1", "Placeholder_2", "Placeholder_3"), ("Momentum_2", "Placeholder_4", "Placeholder_5"))},
    "YangLiliang+DRL-for-Global-Routing__my_test_model-1000": {"Adam": {"input": floats(5, 12), "target": floats(5, 6)}},
    "adamberecz111+Traffic-sign-classifier__lenet": {"Adam": {"Placeholder": floats(4, 32, 32, 3), "Placeholder_1": integers(4, below=43)}},
    "agoila+seq2seq__best_model.ckpt": {"optimization/Adam": {
        "input": integers(128, 5, below=20), "targets": integers(128, 5, below=20), "learning_rate": scalar(0.01),
        "target_sequence_length": {"dtype": "int32", "shape": [128], "value": 5}, "source_sequence_length": {"dtype": "int32", "shape": [128], "value": 5}}},
    "akadahiroyasu+GAN_introduction__checkpoints__generator.ckpt": {"Adam": {"input_z": floats(4, 100, low=-1)}, "Adam_1": {"input_real": floats(4, 784, low=-1), "input_z": floats(4, 100, low=-1)}},
    "michaelhtleung+handwritten-number-classifier__my_test_model-1000": {"Adam": {"X": floats(4, 784), "Y": floats(4, 10)}},
    "mnpathak1+Credit-Card-Fraud-Detection__best_model.ckpt": {op: {"Placeholder": scalar(1.0), "Placeholder_1": floats(5, 31, low=-1), "Placeholder_2": floats(5, 2)} for op in ("Adam", "Adam_1")},
    "simcity429+Airsim_RL__model.ckpt": {
        "Adam": {"Placeholder": floats(2, 5, 72, 128, 1), "Placeholder_1": floats(2, 3, low=-1), "Placeholder_4": floats(2, 3, low=-1), "Placeholder_5": floats(2, 3, low=0.5), "Placeholder_6": floats(2, 1)},
        "Adam_1": {"Placeholder": floats(2, 5, 72, 128, 1), "Placeholder_1": floats(2, 3, low=-1), "Placeholder_7": floats(2)}},
}


def noise(seed, count):
    """SplitMix64: `count` numbers in [0, 1)."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0 ** 53


def value(feed):
    dtype, shape = np.dtype(feed["dtype"]), feed["shape"]
    if "value" in feed:
        return np.full(shape, feed["value"], dtype)
    numbers = feed["low"] + noise(feed["seed"], int(np.prod(shape))) * (feed["high"] - feed["low"])
    return (np.floor(numbers) if feed["high"] > 1 or dtype.kind == "i" else numbers).astype(dtype).reshape(shape)


def dropouts(graph, target, session, feeds):
    """Feeds for the random numbers of dropouts that no placeholder switches off."""
    needed, stack = set(), [graph.get_operation_by_name(target)]
    while stack:
        op = stack.pop()
        if op.name not in needed:
            needed.add(op.name)
            stack += [t.op for t in op.inputs] + list(op.control_inputs)
    found = {}
    for op in graph.get_operations():
        if op.name in needed and op.type == "RandomUniform" and not any("keep_prob" in name for name in feeds):
            try:
                shape = session.run(tf1.shape(op.outputs[0]), {n + ":0": value(f) for n, f in feeds.items()})
            except tf.errors.InvalidArgumentError:
                shape = session.run(op.inputs[0], {n + ":0": value(f) for n, f in feeds.items()})
            found[op.name] = kept(*[int(s) for s in shape])
    return found


def change(before, after):
    difference = after.astype(np.float64).ravel() - before.astype(np.float64).ravel()
    products = [digits(difference @ (2 * noise(1000 + k, difference.size) - 1)) for k in range(PRODUCTS)]
    return {"norm": digits(np.linalg.norm(after.astype(np.float64))), "change": digits(np.linalg.norm(difference)), "products": products}


def digits(number):
    """Seven digits: more than float32 has."""
    return float(f"{number:.7g}")


def record(folder, target, feeds):
    for index, feed in enumerate(feeds.values()):
        if "value" not in feed:
            feed["seed"] = 100 * (index + 1)
    meta = sorted(glob.glob(os.path.join(folder, "*.meta")))[-1]
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        saver = tf1.train.import_meta_graph(meta, clear_devices=True)
        saver.restore(session, tf1.train.latest_checkpoint(folder) or meta[:-5])
        variables = {v.op.name: v for v in tf1.global_variables()}
        initial = missing(session, variables)
        for name, spec in initial.items():
            session.run(variables[name].initializer, {variables[name].initializer.inputs[1]: value(spec)})
        before = session.run({name: v for name, v in variables.items()})
        feeds.update(dropouts(graph, target, session, feeds))
        session.run(graph.get_operation_by_name(target), {n + ":0": value(f) for n, f in feeds.items()})
        after = session.run({name: v for name, v in variables.items()})
    changed = {n: change(before[n], after[n]) for n in sorted(after) if after[n].dtype.kind in "fi" and not np.array_equal(before[n], after[n])}
    print(f"{os.path.basename(folder)} {target}: {len(changed)} of {len(after)} variables change")
    return {"feeds": feeds, "initial": initial, "variables": changed}


def missing(session, variables):
    """Values for the variables that the checkpoint does not have."""
    flags = session.run([tf1.is_variable_initialized(v) for v in variables.values()])
    found = {}
    for (name, variable), is_ready in zip(variables.items(), flags):
        if not is_ready:
            found[name] = {"dtype": variable.dtype.base_dtype.name, "shape": variable.shape.as_list(), "low": 0.0, "high": 0.1, "seed": 7 + len(found)}
    return found


def main(corpus, path):
    result = {}
    for name, targets in STEPS.items():
        for target, feeds in targets.items():
            result.setdefault(name, {})[target] = record(os.path.join(corpus, name), target, feeds)
    with open(path, "w") as file:
        json.dump(result, file, sort_keys=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
