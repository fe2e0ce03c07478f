"""Runs single ops (`case`) and graphs (`graph_case`) in TensorFlow, and records their inputs and outputs.

A record is a protobuf message OpVector or GraphVector (see Tests/VectorSupport/op_vector.proto), preceded by its length as a
varint.
"""
import os
import struct

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

tf1 = tf.compat.v1
tf1.disable_eager_execution()

_records = []


class Const:
    """An input that is a constant of the graph instead of a feed."""

    def __init__(self, value, dtype=None):
        self.value = np.asarray(value, dtype)


def begin():
    np.random.seed(7)
    _records.clear()


def finish(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        for record in _records:
            file.write(_varint(len(record)) + record)
    print(f"{path}: {len(_records)} cases, {os.path.getsize(path)} bytes")


def case(op_type, inputs, attrs=None, label="", rtol=None, atol=None, undefined=(), unset=None):
    """Records an op.

    inputs: arrays, or Const(array). A list among them is a list input (N tensors), as for Pack.
    attrs: the node's attributes: dtypes as tf.DType, strings as bytes or str. Attributes that the inputs determine are
    inferred. rtol, atol: the tolerance of the comparison; None for the default of the dtype. undefined: indices of outputs
    that TensorFlow does not initialise; they are recorded as zeros. unset: a function from the outputs to those to record,
    if parts of them are not initialised.
    """
    flat, types, constant, feeds = [], [], [], {}
    with tf.Graph().as_default() as graph:
        tf1.set_random_seed(None)
        _allow_deprecated(graph, op_type)

        def tensor(value):
            is_const = isinstance(value, Const)
            array = value.value if is_const else np.asarray(value)
            if array.dtype.kind in "SU":
                array = array.astype(object)
            dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
            flat.append(array)
            types.append(dtype)
            constant.append(is_const)
            if is_const:
                return tf1.constant(array, dtype=dtype)
            placeholder = tf1.placeholder(dtype)
            feeds[placeholder] = array
            return placeholder

        error = message = ""
        outputs, output_types = [], []
        node = None
        tensors = [[tensor(v) for v in i] if isinstance(i, list) else tensor(i) for i in inputs]
        try:
            op = _create(graph, op_type, tensors, attrs or {})
            node = op.node_def
            with tf1.Session(graph=graph, config=_plain_config()) as session:
                outputs, output_types = session.run(list(op.outputs), feeds), [o.dtype.base_dtype for o in op.outputs]
        except (tf.errors.OpError, ValueError, TypeError) as failure:
            error = type(failure).__name__
            message = _reason(failure)[:200]
            if node is None:
                node = _bare_node(op_type, tensors, attrs or {})
        outputs = unset(outputs) if unset and not error else outputs
        outputs = [np.zeros_like(output) if index in undefined else output for index, output in enumerate(outputs)]
        _records.append(_encode(label, node, flat, types, constant, outputs, output_types, error, message, rtol, atol))


def _allow_deprecated(graph, op_type):
    """Gives the graph an old version, because TensorFlow refuses replaced ops in new graphs only."""
    deprecation = graph.op_def_for_type(op_type).deprecation
    if deprecation.version:
        old = tf1.GraphDef()
        old.versions.producer = deprecation.version - 1
        tf.import_graph_def(old)


def _plain_config():
    """One thread, and no optimiser that would change the computation."""
    config = tf1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.optimizer_options.opt_level = -1
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


def graph_case(label, graph, feeds=None, fetches=None, variables=None, runs=None, rtol=None, atol=None, setup=(), optimized=False, stored=None):
    """Records runs of a graph in one session, for graphs/FAMILY.graphs.

    graph: a GraphDef, or a tf.Graph.
    feeds, fetches: a dict from tensor names (`x:0`) to arrays, and a list of tensor names. Instead of one run, `runs` can be
    a list of (feeds, fetches), in order. A run sees the state that earlier runs left.
    variables: a dict from variables' names to their values before the first run.
    setup: names of operations to run first, such as those that fill tables.
    optimized: whether TensorFlow may optimise the graph, as in a session with the default configuration.
    stored: the GraphDef to record, if it is not the one that runs.
    """
    graph_def = graph if isinstance(graph, tf1.GraphDef) else graph.as_graph_def()
    record = GraphRecord(label, stored or graph_def, variables or {}, rtol, atol)
    with tf.Graph().as_default() as session_graph:
        failure = _failure(lambda: tf1.import_graph_def(graph_def, name=""))
        assign = [] if failure else [_assign(session_graph, name, value) for name, value in (variables or {}).items()]
        config = tf1.ConfigProto() if optimized else _plain_config()
        with tf1.Session(graph=session_graph, config=config) as session:
            session.run(assign)
            session.run([session_graph.get_operation_by_name(name) for name in setup])
            for run_feeds, run_fetches in runs if runs is not None else [(feeds or {}, fetches)]:
                answers = []
                error = failure or _failure(lambda: answers.extend(session.run(list(run_fetches), run_feeds)))
                record.add_run(run_feeds, run_fetches, answers, error)
    _records.append(record.encoded())


def _failure(body):
    """The class and the message of the error of a call; None if it succeeds."""
    try:
        body()
        return None
    except (tf.errors.OpError, ValueError, TypeError) as failure:
        return type(failure).__name__, _reason(failure)[:200]


def _assign(graph, name, value):
    node = graph.get_operation_by_name(name)
    if node.type == "VarHandleOp":
        return tf.raw_ops.AssignVariableOp(resource=node.outputs[0], value=tf.constant(value, node.get_attr("dtype")))
    return tf.raw_ops.Assign(ref=node.outputs[0], value=tf.constant(value, node.get_attr("dtype")), validate_shape=False)


class GraphRecord:
    """Builds a message GraphVector."""

    def __init__(self, label, graph_def, variables, rtol=None, atol=None):
        stripped = tf1.GraphDef()
        stripped.CopyFrom(graph_def)
        for node in stripped.node:
            node.device = ""
            for name in [name for name in node.attr if name in ("_class", "_output_shapes")]:
                del node.attr[name]
        self._head = _bytes_field(1, label.encode()) + _bytes_field(2, stripped.SerializeToString(deterministic=True))
        for name, value in variables.items():
            self._head += _bytes_field(3, _named_tensor(name, value))
        self._runs = b""
        self._tail = _tolerances(5, rtol, atol)

    def add_run(self, feeds, fetches, answers, error=None):
        run = b"".join(_bytes_field(1, _named_tensor(name, value)) for name, value in feeds.items())
        run += b"".join(_bytes_field(2, name.encode()) for name in fetches)
        run += b"".join(_bytes_field(3, _tensor_proto(answer)) for answer in answers)
        if error:
            run += _bytes_field(4, error[0].encode()) + _bytes_field(5, error[1].encode())
        self._runs += _bytes_field(4, run)

    def encoded(self):
        return self._head + self._runs + self._tail


def _named_tensor(name, value):
    return _bytes_field(1, name.encode()) + _bytes_field(2, _tensor_proto(value))


def _tolerances(number, rtol, atol):
    """The two optional doubles: rtol at that field number, and atol at the next."""
    return b"".join(
        _varint(field << 3 | 1) + struct.pack("<d", value)
        for field, value in ((number, rtol), (number + 1, atol)) if value is not None)


def _reason(failure):
    """The line with the problem. In errors of runs, the place where the node was made precedes it."""
    lines = str(failure).split("\n")
    for line, following in zip(lines, lines[1:]):
        if line.startswith("Node: "):
            return following
    return lines[0]


def _create(graph, op_type, tensors, attrs):
    """Makes the node from its op definition, and infers attributes from the inputs."""
    from tensorflow.python.framework import op_def_library

    op_def = graph.op_def_for_type(op_type)
    keywords = {arg.name: value for arg, value in zip(op_def.input_arg, tensors)}
    inferred = {a for arg in op_def.input_arg for a in (arg.type_attr, arg.number_attr, arg.type_list_attr)}
    for attr in op_def.attr:
        if attr.HasField("default_value") and attr.name not in inferred:
            keywords[attr.name] = _python_value(attr.type, attr.default_value)
    keywords.update(attrs)
    _, _, op, _ = op_def_library._apply_op_helper(op_type, name="op", **keywords)
    return op


def _python_value(kind, value):
    if kind.startswith("list("):
        inner = {"int": value.list.i, "float": value.list.f, "string": value.list.s, "bool": value.list.b,
                 "shape": value.list.shape}.get(kind[5:-1])
        return [tf.as_dtype(t) for t in value.list.type] if inner is None else list(inner)
    if kind == "type":
        return tf.as_dtype(value.type)
    return {"int": value.i, "float": value.f, "bool": value.b, "string": value.s, "shape": value.shape}[kind]


def _bare_node(op_type, tensors, attrs):
    """The node of a case that TensorFlow refuses when the graph is made. A file may still contain such a node."""
    node = tf1.NodeDef(name="op", op=op_type)
    with tf.Graph().as_default() as graph:
        op_def = graph.op_def_for_type(op_type)
    for attr in op_def.attr:
        if attr.HasField("default_value"):
            node.attr[attr.name].CopyFrom(attr.default_value)
    for arg, value in zip(op_def.input_arg, tensors):
        first = value[0] if isinstance(value, list) and value else value
        if arg.type_attr and first != []:
            node.attr[arg.type_attr].type = first.dtype.as_datatype_enum
        if arg.number_attr:
            node.attr[arg.number_attr].i = len(value)
        if arg.type_list_attr:
            node.attr[arg.type_list_attr].list.type.extend(v.dtype.as_datatype_enum for v in value)
    for name, value in attrs.items():
        attr = node.attr[name]
        if isinstance(value, bool):
            attr.b = value
        elif isinstance(value, int):
            attr.i = value
        elif isinstance(value, float):
            attr.f = value
        elif isinstance(value, tf.DType):
            attr.type = value.as_datatype_enum
        elif isinstance(value, (str, bytes)):
            attr.s = value.encode() if isinstance(value, str) else value
        elif isinstance(value, (list, tuple)):
            attr.list.SetInParent()
            if value and isinstance(value[0], tf.DType):
                attr.list.type.extend(v.as_datatype_enum for v in value)
            elif value and isinstance(value[0], (list, tuple)):
                attr.list.shape.extend(tf.TensorShape(v).as_proto() for v in value)
            elif value and isinstance(value[0], (str, bytes)):
                attr.list.s.extend(v.encode() if isinstance(v, str) else v for v in value)
            else:
                attr.list.i.extend(value)
    return node


def _varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes_field(number, data):
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor_proto(array, dtype=None):
    """A tensor. A session returns quantised numbers as plain integers, so their dtype must be given."""
    # numpy's own strings lose zero bytes at the end.
    array = np.asarray(array, object if isinstance(array, bytes) else None)
    if array.dtype == object or array.dtype.kind in "SU":
        return tf.make_tensor_proto(array.astype(object), tf.string).SerializeToString(deterministic=True)
    proto = tensor_pb2.TensorProto(dtype=(dtype or tf.as_dtype(array.dtype)).as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    proto.tensor_shape.SetInParent()
    proto.tensor_content = np.ascontiguousarray(array).tobytes()
    return proto.SerializeToString(deterministic=True)


def _encode(label, node, inputs, input_types, constant, outputs, output_types, error, message, rtol, atol):
    stripped = tf1.NodeDef()
    stripped.CopyFrom(node)
    for name in list(stripped.attr):
        if name.startswith("_"):
            del stripped.attr[name]
    stripped.device = ""
    del stripped.input[:]
    stripped.input.extend(f"i{index}" for index in range(len(inputs)))
    record = _bytes_field(1, label.encode()) if label else b""
    record += _bytes_field(2, stripped.SerializeToString(deterministic=True))
    for array, dtype in zip(inputs, input_types):
        record += _bytes_field(3, _tensor_proto(array, dtype))
    for array, dtype in zip(outputs, output_types):
        record += _bytes_field(4, _tensor_proto(array, dtype))
    if error:
        record += _bytes_field(5, error.encode()) + _bytes_field(6, message.encode())
    return record + _tolerances(7, rtol, atol) + _bytes_field(9, bytes(int(c) for c in constant))
