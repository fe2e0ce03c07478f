"""Freezes and converts a model for the programs that it is compared with.

Usage: convert.py FOLDER     a folder that models.py wrote; needs TensorFlow and tf2onnx

Writes frozen.pb, model.onnx, and case-N.tflite for the shapes of each case. What cannot be converted is named, and left out.
"""
import glob
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf
import tf2onnx

tf1 = tf.compat.v1


def main(folder):
    with open(f"{folder}/cases.json") as file:
        cases = json.load(file)
    feeds, fetches = list(cases[0]["feeds"]), list(cases[0]["fetches"])
    outputs = sorted({name.split(":")[0] for name in fetches})
    prefix = glob.glob(f"{folder}/*.meta")[0].removesuffix(".meta")
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.train.import_meta_graph(prefix + ".meta").restore(session, prefix)
        graph_def = session.graph.as_graph_def()
        frozen = tf1.graph_util.convert_variables_to_constants(session, graph_def, outputs)
    with open(f"{folder}/frozen.pb", "wb") as file:
        file.write(frozen.SerializeToString())
    try:
        onnx, _ = tf2onnx.convert.from_graph_def(frozen, input_names=feeds, output_names=fetches, opset=17)
        with open(f"{folder}/model.onnx", "wb") as file:
            file.write(onnx.SerializeToString())
    except Exception as error:
        print(f"{folder}: no ONNX: {str(error)[:200]}")
    for index, case in enumerate(cases):
        shapes = {name.split(":")[0]: value["shape"] for name, value in case["feeds"].items()}
        converter = tf1.lite.TFLiteConverter.from_frozen_graph(f"{folder}/frozen.pb", list(shapes), outputs, shapes)
        try:
            flat = converter.convert()
        except Exception as error:
            print(f"{folder}: no LiteRT for case {index}: {str(error).splitlines()[0][:200]}")
            continue
        with open(f"{folder}/case-{index}.tflite", "wb") as file:
            file.write(flat)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tf1.disable_v2_behavior()
    main(sys.argv[1])
    # Says that there is nothing left to convert.
    open(f"{sys.argv[1]}/converted", "w").close()
