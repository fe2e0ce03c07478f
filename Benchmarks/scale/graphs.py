"""Writes a frozen graph of many nodes, and prints how many there are.

Usage: graphs.py FILE COUNT     needs TensorFlow, for the messages of its graphs alone
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
from tensorflow.core.framework import graph_pb2, types_pb2

FLOAT = types_pb2.DT_FLOAT


def node(graph, name, op, *inputs, **types):
    made = graph.node.add(name=name, op=op, input=inputs)
    for attribute in types or {"T": FLOAT}:
        made.attr[attribute].type = FLOAT
    return made


def constant(graph, name, shape):
    """A constant of small numbers of its own, so that no two are merged."""
    made = node(graph, name, "Const", dtype=FLOAT)
    tensor = made.attr["value"].tensor
    tensor.dtype = FLOAT
    size = 1
    for length in shape:
        tensor.tensor_shape.dim.add(size=length)
        size *= length
    seed = len(graph.node)
    tensor.float_val.extend(((seed * 31 + index * 17) % 97 - 48) / 400 for index in range(size))
    return name


def write_graph(path, count):
    """Writes a network of at least `count` nodes: layers of eight units, each added to the one before. Returns the number of nodes."""
    graph = graph_pb2.GraphDef()
    shape = node(graph, "x", "Placeholder", dtype=FLOAT).attr["shape"].shape
    for size in (-1, 8):
        shape.dim.add(size=size)
    value, layer = "x", 0
    while len(graph.node) + 1 < count:
        name = f"layer{layer}"
        node(graph, f"{name}/MatMul", "MatMul", value, constant(graph, f"{name}/kernel", [8, 8]))
        node(graph, f"{name}/BiasAdd", "BiasAdd", f"{name}/MatMul", constant(graph, f"{name}/bias", [8]))
        node(graph, f"{name}/Relu", "Relu", f"{name}/BiasAdd")
        node(graph, f"{name}/add", "AddV2", f"{name}/Relu", value)
        value, layer = f"{name}/add", layer + 1
    node(graph, "y", "Identity", value)
    with open(path, "wb") as file:
        file.write(graph.SerializeToString())
    return len(graph.node)


print(write_graph(sys.argv[1], int(sys.argv[2])))
