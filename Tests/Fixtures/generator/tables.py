"""Lookup tables: what a table made of some content answers. Goes to tables/tables.vectors.

The node of a record is the op under test; its inputs are not the op's own: for a search the table's keys and values, then the
keys that are searched and the default; for a text file the content of the file. Attributes that no op has (is_mutable, and
the dtypes of the table) tell what table it is.
"""
import os
import tempfile

import numpy as np
import tensorflow as tf

from . import core
from .strings import text

tf1 = tf.compat.v1


def write(folder):
    core.begin()
    finds()
    files()
    core.finish(os.path.join(folder, "tables", "tables.vectors"))


def record(label, op, attrs, arrays, compute):
    """Runs `compute(graph, session)`, which gives the outputs."""
    outputs, error, message = [], "", ""
    with tf.Graph().as_default() as graph:
        try:
            with tf1.Session(graph=graph) as session:
                outputs = compute(session)
        except (tf.errors.OpError, ValueError, TypeError) as failure:
            error, message = type(failure).__name__, core._reason(failure)[:200]
    node = tf1.NodeDef(name="op", op=op)
    for name, value in attrs.items():
        if isinstance(value, bool):
            node.attr[name].b = value
        elif isinstance(value, int):
            node.attr[name].i = value
        elif isinstance(value, tf.DType):
            node.attr[name].type = value.as_datatype_enum
        else:
            node.attr[name].s = value.encode()
    core._records.append(core._encode(
        label, node, arrays, [None] * len(arrays), [False] * len(arrays), outputs, [None] * len(outputs), error, message, None, None))


def find(label, keys, values, asked, default, is_mutable=False):
    keys, values, asked, default = (np.asarray(a) for a in (keys, values, asked, default))
    dtype = lambda a: tf.string if a.dtype == object else tf.as_dtype(a.dtype)
    shape = list(values.shape[keys.ndim:])

    def compute(session):
        if not is_mutable:
            handle = tf.raw_ops.HashTableV2(key_dtype=dtype(keys), value_dtype=dtype(values))
            fill = tf.raw_ops.InitializeTableV2(table_handle=handle, keys=keys, values=values)
        else:
            if shape:
                handle = tf.raw_ops.MutableHashTableOfTensorsV2(key_dtype=dtype(keys), value_dtype=dtype(values), value_shape=shape)
            else:
                handle = tf.raw_ops.MutableHashTableV2(key_dtype=dtype(keys), value_dtype=dtype(values))
            fill = tf.raw_ops.LookupTableImportV2(table_handle=handle, keys=keys, values=values)
        session.run(fill)
        answer = tf.raw_ops.LookupTableFindV2(table_handle=handle, keys=tf.constant(asked, dtype(asked)), default_value=tf.constant(default, dtype(default)))
        return session.run([answer, tf.raw_ops.LookupTableSizeV2(table_handle=handle)])

    record(label, "LookupTableFindV2", {"is_mutable": is_mutable}, [keys, values, asked, default], compute)


def finds():
    words = text(["a", "b", "", "日本", "a long word that is not short", b"\x00\xff"])
    asked = text([["b", "x"], ["", b"\x00\xff"], ["a long word that is not short", "a long word"]])
    count = len(words)
    for dtype in (np.int32, np.int64, np.float32, np.float64, np.bool_):
        find(f"strings to {np.dtype(dtype).name}", words, np.arange(count).astype(dtype), asked, np.asarray(1).astype(dtype))
    find("strings to strings", words, words[::-1], asked, text("none"))
    for key in (np.int32, np.int64):
        numbers = np.array([0, 1, -1, 7, 100000, np.iinfo(key).max, np.iinfo(key).min], key)
        ask = np.array([[7, 8], [np.iinfo(key).min, 0]], key)
        for value in (np.int32, np.int64, np.float32, np.float64):
            if (key, value) != (np.int32, np.int64):
                find(f"{np.dtype(key).name} to {np.dtype(value).name}", numbers, np.arange(7).astype(value), ask, np.asarray(-1).astype(value))
        find(f"{np.dtype(key).name} to string", numbers, text(list("abcdefg")), ask, text("none"))
    many = np.arange(0, 3000, 3, dtype=np.int64)
    find("many", many, many * 2, np.arange(0, 100, dtype=np.int64), np.int64(-1))
    find("equal keys", text(["a", "b", "a"]), np.array([1, 2, 1], np.int64), text(["a"]), np.int64(0))
    find("equal keys of strings", text(["a", "b", "a"]), text(["x", "y", "x"]), text(["a"]), text(""))
    find("two values", text(["a", "b", "a"]), np.array([1, 2, 3], np.int64), text(["a"]), np.int64(0))
    find("empty table", text([]), np.array([], np.int64), text(["a"]), np.int64(5))
    find("no keys asked", words, np.arange(count), text(np.zeros([2, 0]).tolist()), np.int64(5))
    find("scalar asked", words, np.arange(count), text("b"), np.int64(5))
    find("a default each", words, np.arange(count), asked, np.array([[1, 2], [3, 4], [5, 6]], np.int64))
    find("wrong default", words, np.arange(count), asked, np.array([1], np.int64))
    find("other dtype asked", words, np.arange(count), np.array([1], np.int64), np.int64(1))
    find("other default", words, np.arange(count), asked, np.float32(1))
    find("fewer values", words, np.arange(count - 1), asked, np.int64(1))
    find("matrix of keys", words.reshape([2, 3]), np.arange(count).reshape([2, 3]), asked, np.int64(1))
    find("later value", text(["a", "b", "a"]), np.array([1, 2, 3], np.int64), text(["a", "c"]), np.int64(0), True)
    find("a default each", words, np.arange(count), asked, np.array([[1, 2], [3, 4], [5, 6]], np.int64), True)
    rows = np.arange(2 * count).reshape([count, 2])
    find("rows", words, rows, asked, np.array([-1, -2]), True)
    find("rows, a default each", words, rows, asked, -np.arange(12).reshape([3, 2, 2]), True)
    find("rows, wrong default", words, rows, asked, np.int64(1), True)
    find("rows of floats", np.array([1, 2], np.int64), np.array([[1, 2, 3], [4, 5, 6]], np.float32), np.array([2, 3], np.int64), np.zeros([3], np.float32), True)


def file(label, content, key, key_index, value, value_index, size=-1, delimiter="\t", offset=0):
    def compute(session):
        with tempfile.TemporaryDirectory() as folder:
            name = os.path.join(folder, "vocabulary")
            with open(name, "wb") as stream:
                stream.write(content)
            handle = tf.raw_ops.HashTableV2(key_dtype=key, value_dtype=value)
            session.run(tf.raw_ops.InitializeTableFromTextFileV2(
                table_handle=handle, filename=name, key_index=key_index, value_index=value_index, vocab_size=size,
                delimiter=delimiter, offset=offset))
            keys, values = session.run(tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=key, Tvalues=value))
        order = sorted(range(len(keys)), key=lambda i: keys[i])
        return [keys[order], values[order]]

    record(label, "InitializeTableFromTextFileV2",
           {"key_dtype": key, "value_dtype": value, "key_index": key_index, "value_index": value_index, "vocab_size": size,
            "delimiter": delimiter, "offset": offset}, [text(content)], compute)


def files():
    s, i, i32, f, d = tf.string, tf.int64, tf.int32, tf.float32, tf.float64
    lines = b"zwei\neins\n\xe6\x97\xa5\n"
    file("numbered lines", lines, s, -2, i, -1)
    file("no line feed at the end", lines[:-1], s, -2, i, -1)
    file("carriage returns", b"a\r\nb\rx\r\nc\r", s, -2, i, -1)
    file("offset", lines, s, -2, i, -1, offset=5)
    file("lines by number", lines, i, -1, s, -2)
    file("lines by number with an offset", lines, i, -1, s, -2, offset=-7)
    file("some lines", lines, s, -2, i, -1, size=2)
    file("all lines", lines, s, -2, i, -1, size=3)
    file("too few lines", lines, s, -2, i, -1, size=4)
    file("empty line", b"a\n\nb", s, -2, i, -1)
    file("empty file", b"", s, -2, i, -1)
    file("a word twice", b"a\nb\na", s, -2, i, -1)
    file("columns", b"a\t1\nb\t2\na\t1", s, 0, i, 1)
    file("columns backwards", b"a\t1\nb\t2\nc\t3\textra", i, 1, s, 0)
    file("other delimiter", b"a 1,x\nb 2,y", s, 0, s, 1, delimiter=",")
    file("blanks", b"a 3\nb 4 ", s, 0, i, 1, delimiter=" ")
    file("empty columns", b"a\t\nb\t3", s, 0, s, 1)
    file("missing column", b"a\t1\nb", s, 0, i, 1)
    file("no number", b"a\tx\nb\t1", s, 0, i, 1)
    file("floats", b"a\t1.5\nb\t-1e3", s, 0, f, 1)
    file("doubles", b"a\t1.5\nb\t-1e3", s, 0, d, 1)
    file("int32", b"a\t1\nb\t-2", s, 0, i32, 1)
    file("int32 keys", b"1,a\n2,b", i32, 0, s, 1, delimiter=",")
    file("numbers as keys", b"10\n20", i, -2, i, -1)
    file("line numbers are int64", b"a\nb", s, -2, s, -1)
    file("line numbers as keys are int64", b"a\nb", i32, -1, s, -2)
    file("no floats of whole lines", b"1\n2", s, -2, f, -2)
    file("long delimiter", b"1\n2", s, 0, i, -1, delimiter="ab")


def graphs():
    tables_of_constants()
    tables_of_version_1()
    restored_table()
    refused()


def tables_of_constants():
    with tf.Graph().as_default() as graph:
        words = tf1.placeholder(tf.string, [None], name="words")
        raw = tf.raw_ops
        ids = raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="vocabulary", name="ids")
        names = raw.HashTableV2(key_dtype=tf.int64, value_dtype=tf.string, name="names")
        keys = tf.constant(["a", "b", "c"])
        fill = raw.InitializeTableV2(table_handle=ids, keys=keys, values=tf.range(tf.constant(3, tf.int64)), name="fill")
        # What fills one table is computed with another one.
        with tf.control_dependencies([fill]):
            numbers = raw.LookupTableFindV2(table_handle=ids, keys=keys, default_value=tf.constant(-1, tf.int64)) + 10
        raw.InitializeTableV2(table_handle=names, keys=numbers, values=tf.strings.upper(keys), name="fill_names")
        found = raw.LookupTableFindV2(table_handle=tf.identity(ids), keys=words, default_value=tf.constant(-1, tf.int64), name="found")
        tf.identity(found * 2, name="twice")
        raw.LookupTableFindV2(table_handle=names, keys=found + 10, default_value=tf.constant("?"), name="name")
        raw.LookupTableSizeV2(table_handle=ids, name="size")
        raw.LookupTableExportV2(table_handle=names, Tkeys=tf.int64, Tvalues=tf.string, name="content")
    core.graph_case(
        "tables of constants", graph, setup=["fill_names"],
        runs=[({"words:0": text(["c", "x", "a"])}, ["found:0", "twice:0", "name:0"]), ({"words:0": text([])}, ["name:0"]), ({}, ["size:0"])])


def tables_of_version_1():
    with tf.Graph().as_default() as graph:
        words = tf1.placeholder(tf.string, name="words")
        raw = tf.raw_ops
        table = raw.HashTable(key_dtype=tf.string, value_dtype=tf.float32, name="table")
        raw.InitializeTable(table_handle=table, keys=tf.constant(["a", "b"]), values=tf.constant([0.5, 1.5]), name="fill")
        raw.LookupTableFind(table_handle=table, keys=words, default_value=tf1.placeholder_with_default(-1.0, [], name="default"), name="found")
        raw.LookupTableSize(table_handle=table, name="size")
    core.graph_case(
        "tables of version 1", graph, setup=["fill"],
        runs=[({"words:0": text([["b", "x"]])}, ["found:0", "size:0"]), ({"words:0": text("a"), "default:0": np.float32(9)}, ["found:0"])])


def restored_table():
    with tf.Graph().as_default() as graph:
        words = tf1.placeholder(tf.string, name="words")
        raw = tf.raw_ops
        table = raw.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64, name="table")
        raw.LookupTableImportV2(table_handle=table, keys=tf.constant(["a", "b", "a"]), values=tf.constant([1, 2, 3], tf.int64), name="fill")
        empty = raw.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64, name="empty")
        raw.LookupTableFindV2(table_handle=table, keys=words, default_value=tf.constant(-1, tf.int64), name="found")
        raw.LookupTableFindV2(table_handle=empty, keys=words, default_value=tf.constant(-1, tf.int64), name="not_found")
    core.graph_case("tables that may change", graph, setup=["fill"], runs=[({"words:0": text(["a", "b", "c"])}, ["found:0", "not_found:0"])])


def refused():
    with tf.Graph().as_default() as graph:
        words = tf1.placeholder(tf.string, name="words")
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64, name="table")
        tf.raw_ops.LookupTableFindV2(table_handle=table, keys=words, default_value=tf.constant(-1, tf.int64), name="found")
    core.graph_case("a table that nothing fills", graph, runs=[({"words:0": text(["a"])}, ["found:0"])])
