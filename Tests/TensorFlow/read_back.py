#!/usr/bin/env python3
"""Reads with TensorFlow what ReadBackTests have saved: `make test-tensorflow`.

    python Tests/TensorFlow/read_back.py .build/saved

Saved published checkpoints must have the variables of the original, bit for bit, and list themselves in `checkpoint`. Saved
networks that were trained must compute what metaserve computed, and train on to the same numbers.
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


def variables(prefix):
    """The tensors of a checkpoint, by name."""
    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def restored(folder):
    """What a session has in its variables after import and restore."""
    prefix = tf1.train.latest_checkpoint(folder)
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        saver = tf1.train.import_meta_graph(prefix + ".meta", clear_devices=True)
        saver.restore(session, prefix)
        names = [op.outputs[0] for op in graph.get_operations() if op.type in ("Variable", "VariableV2")]
        flags = session.run([tf1.is_variable_initialized(v) for v in names])
        ready = [v for v, flag in zip(names, flags) if flag]
        return {v.op.name: value for v, value in zip(ready, session.run(ready))}


def check_corpus(folder):
    failures = 0
    for path in sorted(glob.glob(os.path.join(folder, "corpus", "*"))):
        origin = open(os.path.join(path, "origin")).read()
        prefix = tf1.train.latest_checkpoint(path)
        new = variables(prefix)
        meta = sorted(glob.glob(os.path.join(origin, "*.meta")))[-1]
        old = variables(tf1.train.latest_checkpoint(origin) or meta[:-5])
        # Variables that the graph does not have are not saved.
        wrong = [n for n in new if n not in old or new[n].dtype != old[n].dtype or new[n].tobytes() != old[n].tobytes()]
        if not os.path.samefile(os.path.dirname(prefix), path):
            wrong.append("latest_checkpoint")
        try:
            count = len(restored(path))
        except Exception as error:
            wrong.append(f"restore: {str(error)[:200]}")
            count = 0
        print(f"{os.path.basename(path)}: {len(new)} of {len(old)} tensors, {count} variables restored" + (f", WRONG {wrong[:3]}" if wrong else ""))
        failures += bool(wrong)
    return failures


def check_trained(folder):
    failures = 0
    for path in sorted(glob.glob(os.path.join(folder, "trained", "*"))):
        expected = json.load(open(os.path.join(path, "expected.json")))
        prefix = tf1.train.latest_checkpoint(path)
        feeds = {"x:0": np.arange(128).reshape(2, 64) % 17, "labels:0": [3, 7], "keep_prob:0": 1.0}
        with tf.Graph().as_default() as graph, tf1.Session() as session:
            tf1.train.import_meta_graph(prefix + ".meta", clear_devices=True).restore(session, prefix)
            for moment in ("before", "after"):
                if moment == "after":
                    session.run(graph.get_operation_by_name(expected["step"]), feeds)
                for name, value in expected[moment].items():
                    found = session.run(name, feeds).ravel()
                    difference = float(np.max(np.abs(found - np.array(value, np.float32))))
                    isRight = np.allclose(found, value, rtol=1e-4, atol=1e-5)
                    print(f"{os.path.basename(path)} {moment} {name}: differs by {difference:.2g}" + ("" if isRight else ", WRONG"))
                    failures += not isRight
    return failures


if __name__ == "__main__":
    for part in ("corpus", "trained"):
        if not glob.glob(os.path.join(sys.argv[1], part, "*")):
            sys.exit(f"{sys.argv[1]}: nothing was saved in {part}/")
    failures = check_corpus(sys.argv[1]) + check_trained(sys.argv[1])
    sys.exit(f"{failures} failures" if failures else None)
