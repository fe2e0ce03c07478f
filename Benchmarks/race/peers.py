"""Measures one model with one of the programs that metaserve is compared with.

Usage: peers.py PEER FOLDER CASE THREADS SECONDS     PEER: tensorflow, onnxruntime, openvino, litert

Prints {"median_us": M, "agrees": B}: the median time of a run, with the feeds in memory, and whether the outputs are those that
TensorFlow computed (to 0.001).
"""
import glob
import json
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np


def arrays(folder, entries):
    def read(entry):
        if "npy" in entry:
            return np.load(f"{folder}/{entry['npy']}")
        return np.array(entry["data"], entry["dtype"]).reshape(entry["shape"])

    return {name: read(entry) for name, entry in entries.items()}


def tensorflow(folder, case, threads, feeds, fetches):
    import tensorflow as tf

    tf1 = tf.compat.v1
    tf1.disable_v2_behavior()
    config = tf1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    session = tf1.Session(config=config)
    prefix = glob.glob(f"{folder}/*.meta")[0].removesuffix(".meta")
    tf1.train.import_meta_graph(prefix + ".meta").restore(session, prefix)
    call = session.make_callable(fetches, list(feeds))
    return lambda: call(*feeds.values())


def onnxruntime(folder, case, threads, feeds, fetches):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(fetches, feeds)


def openvino(folder, case, threads, feeds, fetches):
    import openvino as ov

    options = {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32",
    }
    core = ov.Core()
    model = core.read_model(f"{folder}/frozen.pb")
    # Some graphs cannot be compiled for unknown shapes.
    model.reshape({port: value.shape for port in model.inputs for name, value in feeds.items() if name in port.names})
    request = core.compile_model(model, "CPU", options).create_infer_request()
    return lambda: list(request.infer(feeds).values())


def litert(folder, case, threads, feeds, fetches):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(f"{folder}/case-{case}.tflite", num_threads=threads)
    interpreter.allocate_tensors()
    places = {detail["name"].split(":")[0]: detail["index"] for detail in interpreter.get_input_details()}
    inputs = [(places[name.split(":")[0]], value) for name, value in feeds.items()]
    outputs = [detail["index"] for detail in interpreter.get_output_details()]

    def run():
        for place, value in inputs:
            interpreter.set_tensor(place, value)
        interpreter.invoke()
        return [interpreter.get_tensor(place) for place in outputs]

    return run


PEERS = {function.__name__: function for function in (tensorflow, onnxruntime, openvino, litert)}


def median_us(run, seconds):
    for _ in range(3):
        run()
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(times) < 5:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def main(peer, folder, case, threads, seconds):
    with open(f"{folder}/cases.json") as file:
        entry = json.load(file)[case]
    feeds, expected = arrays(folder, entry["feeds"]), arrays(folder, entry["fetches"])
    run = PEERS[peer](folder, case, threads, feeds, list(expected))
    outputs = run()
    # The order of the outputs is not the same everywhere.
    agrees = all(
        any(np.shape(output) == value.shape and np.allclose(output, value, 1e-3, 1e-3) for output in outputs)
        for value in expected.values())
    print(json.dumps({"median_us": median_us(run, seconds), "agrees": agrees}))


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[1] not in PEERS:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
