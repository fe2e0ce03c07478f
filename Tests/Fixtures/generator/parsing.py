"""Ops that parse serialized messages and other text formats."""
import numpy as np
import tensorflow as tf

from .core import Const, case
from .strings import text


def cases():
    examples()
    single()
    tensors()
    csv()


def feature(values):
    if values is None:
        return tf.train.Feature()
    if isinstance(values, tf.train.Feature):
        return values
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def example(**features):
    # Without the map's own order, which changes from run to run.
    out = b""
    for name in sorted(features):
        one = tf.train.Example(features=tf.train.Features(feature={name: feature(features[name])}))
        out += one.SerializeToString(deterministic=True)
    return out


F, I, S = tf.float32, tf.int64, tf.string
A = example(x=[1.0, 2.0], y=[3], z=[b"q"], s=[b"a", b"", b"\xff"])
B = example(x=[4.0, 5.0, 6.0], y=[-7], w=[10, 11])
C = example(x=[8.0, 9.0, 1.0, 0.5], y=[1 << 62], z=[b"r"], e=None)


def default(value, dtype):
    return np.asarray(value, dtype) if dtype is not object else text(value)


NONE = {np.float32: np.zeros([0], np.float32), np.int64: np.zeros([0], np.int64), object: text([])}


def parse(label, serialized, sparse=(), dense=(), ragged=(), names=()):
    """sparse: (key, dtype); dense: (key, shape, default); ragged: (key, dtype, dtype of splits)."""
    serialized = text(serialized)
    attrs = {"sparse_types": [d for _, d in sparse], "dense_shapes": [s for _, s, _ in dense]}
    defaults = [v for _, _, v in dense]
    if serialized.shape and not ragged:
        case("ParseExample", [serialized, text(list(names)), [text(k) for k, _ in sparse], [text(k) for k, _, _ in dense], defaults],
             attrs, label=label)
    case("ParseExampleV2", [serialized, text(list(names)), text([k for k, _ in sparse]), text([k for k, _, _ in dense]),
                            text([k for k, _, _ in ragged]), defaults],
         {**attrs, "num_sparse": len(sparse), "ragged_value_types": [d for _, d, _ in ragged], "ragged_split_types": [d for _, _, d in ragged]},
         label=label)


def examples():
    none = NONE
    parse("sparse", [A, B, C], sparse=[("x", F), ("z", S), ("w", I), ("nowhere", F)])
    parse("sparse strings", [A, A], sparse=[("s", S)])
    parse("dense", [A, B], dense=[("y", [1], none[np.int64])])
    parse("dense scalar", [A, B, C], dense=[("y", [], none[np.int64])])
    parse("dense pair", [A, A], dense=[("x", [2], none[np.float32]), ("s", [3, 1], none[object])])
    parse("default scalar", [A, B, C], dense=[("z", [], text("none"))])
    parse("default pair", [A, B], dense=[("w", [2], np.array([1, 2]))])
    parse("default matrix", [C, A], dense=[("w", [1, 2], np.array([[1, 2]]))])
    parse("sparse and dense", [A, B], sparse=[("x", F)], dense=[("y", [], none[np.int64]), ("z", [1], text(["d"]))])
    parse("rows of any length", [A, B, C], dense=[("x", [None], np.float32(-1))])
    parse("rows of pairs", [A, C], dense=[("x", [None, 2], np.float32(-1))])
    parse("strings of any number", [A, B], dense=[("s", [None], text("pad"))])
    parse("rows that are not there", [B, B], dense=[("z", [None], text("pad"))])
    parse("half a pair", [A, B], dense=[("x", [None, 2], np.float32(-1))])
    parse("no padding", [A, B], dense=[("x", [None], none[np.float32])])
    parse("long padding", [A, B], dense=[("x", [None], np.float32([1, 2]))])
    parse("wrong length", [A, B], dense=[("x", [2], none[np.float32])])
    parse("missing", [A, B], dense=[("z", [], none[object])], names=["first", "second"])
    parse("missing without names", [A, B], dense=[("z", [], none[object])])
    parse("other dtype, dense", [A], dense=[("x", [2], none[np.int64])])
    parse("other dtype, sparse", [A], sparse=[("x", I)])
    parse("empty feature", [C, b""], sparse=[("e", F)], dense=[("e", [], np.float32(3))])
    parse("wrong default", [A], dense=[("x", [2], np.float32([1, 2, 3]))])
    parse("wrong rank of default", [A], dense=[("x", [2], np.float32([[1], [2]]))])
    parse("names for others", [A], dense=[("x", [2], none[np.float32])], names=["a", "b"])
    parse("empty batch", [], sparse=[("x", F)], dense=[("y", [2], none[np.int64])])
    parse("no example", [b"\xff\xff\xff"], sparse=[("x", F)])
    parse("cut example", [A[:-3]], sparse=[("z", S)])
    parse("no features", [b"", b""], sparse=[("x", F)], dense=[("y", [], np.int64(1))])
    parse("merged", [A + B], sparse=[("x", F), ("w", I)])
    parse("nothing wanted", [A, B])
    # Lists need not be packed, and a message may have fields that nobody knows.
    unpacked = tf.train.Feature.FromString(b"\x12\x0a\x0d\x00\x00\x80\x3f\x0d\x00\x00\x00\x40")
    parse("unpacked floats", [example(x=unpacked)], sparse=[("x", F)])
    parse("unpacked integers", [b"\x0a\x0d\x0a\x0b\x0a\x01i\x12\x06\x1a\x04\x08\x05\x08\x07"], sparse=[("i", I)])
    parse("unknown fields", [b"\x18\x05" + A + b"\x32\x01a"], sparse=[("x", F)])
    for splits in (tf.int32, tf.int64):
        parse("ragged", [A, B, C, b""], ragged=[("x", F, splits), ("s", S, splits), ("w", I, splits)])
    parse("ragged and others", [A, B], sparse=[("z", S)], dense=[("y", [], none[np.int64])], ragged=[("x", F, tf.int64)])
    parse("scalar", A, sparse=[("x", F), ("nowhere", S)], dense=[("y", [1], none[np.int64])])
    parse("scalar, ragged", A, ragged=[("s", S, tf.int32)])
    parse("scalar, default", b"", dense=[("x", [], np.float32(2))])
    parse("scalar, any length", A, dense=[("x", [None], np.float32(2))])
    parse("scalar, missing", A, dense=[("w", [1], none[np.int64])])
    parse("matrix", [[A]], sparse=[("x", F)])


def single():
    none = NONE

    def one(label, serialized, sparse=(), dense=()):
        case("ParseSingleExample", [text(serialized), [v for _, _, v in dense]],
             {"num_sparse": len(sparse), "sparse_keys": [k.encode() for k, _ in sparse], "sparse_types": [d for _, d in sparse],
              "dense_keys": [k.encode() for k, _, _ in dense], "dense_shapes": [s for _, s, _ in dense]}, label=label)

    one("both", A, [("x", F), ("nowhere", I)], [("y", [], none[np.int64]), ("s", [3], none[object])])
    one("default", A, [], [("w", [2], np.array([5, 6]))])
    one("wrong length", A, [], [("x", [3], none[np.float32])])
    one("missing", A, [], [("w", [2], none[np.int64])])
    one("other dtype", A, [("x", I)])
    one("damaged", b"\xff\xff", [("x", F)])
    one("vector", [A], [("x", F)])


def tensors():
    for array in (np.float32([[1, -2], [3, np.inf]]), np.float64(1.5), np.int32([1, 2]), np.int64([]), np.uint8([[1], [255]]), np.array([True, False]),
                  np.int8([-1]), np.int16([300]), np.uint16([65535]), np.uint32([1 << 31]), np.uint64([1 << 63]), np.float16([1.5]),
                  np.complex64([1 + 2j]), np.complex128([3j]), text(["a", b"\xff", ""])):
        dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
        case("ParseTensor", [text(tf.make_tensor_proto(array, dtype).SerializeToString())], {"out_type": dtype}, label=dtype.name)
        case("SerializeTensor", [array], label=dtype.name)
    filled = tf.make_tensor_proto(np.float32([1, 1, 1, 1]))
    filled.tensor_content = b""
    filled.float_val.append(1)
    case("ParseTensor", [text(filled.SerializeToString())], {"out_type": F}, label="one value for all")
    good = tf.make_tensor_proto(np.float32([1, 2])).SerializeToString()
    case("ParseTensor", [text(good)], {"out_type": tf.int32}, label="other dtype")
    case("ParseTensor", [text(b"\xff\xff")], {"out_type": F}, label="damaged")
    case("ParseTensor", [text([good])], {"out_type": F}, label="vector")


def csv():
    def decode(label, records, defaults, **attrs):
        case("DecodeCSV", [text(records), defaults], attrs, label=label)

    i32, i64, f, d, s = np.zeros([0], np.int32), np.zeros([0], np.int64), np.zeros([0], np.float32), np.zeros([0], np.float64), text([])
    decode("each dtype", ["1,2,1.5,2.5,a", "-3,4,1e3,-.5,b c"], [i32, i64, f, d, s])
    decode("scalar", "1,x", [i32, s])
    decode("matrix", [["1", "2"], ["3", "4"]], [i32])
    decode("defaults", [",,", "1,,z"], [np.int32([7]), np.float32([0.5]), text(["none"])])
    decode("required", [",x"], [i32, s])
    decode("required string", ["1,"], [i32, s])
    decode("quotes", ['"a,b",1', '"say ""hi""",2', '"",3', 'x,4'], [text(["none"]), i32])
    decode("quotes stay", ['"a",1'], [s, i32], use_quote_delim=False)
    decode("line feed in quotes", ['"a\nb",1'], [s, i32])
    decode("other delimiter", ["1;a"], [i32, s], field_delim=";")
    decode("missing values", ["NA,x", "3,NA"], [np.int32([9]), text(["none"])], na_value="NA")
    decode("some columns", ["1,2,3,4"], [i32, i32], select_cols=[1, 3])
    decode("blanks", [" 1 , 2.5 , a "], [i32, f, s])
    decode("carriage return", ["1,a\r", "2,b\r\n"], [i32, s])
    decode("too few", ["1"], [i32, i32])
    decode("too many", ["1,2,3"], [i32, i32])
    decode("no number", ["x"], [i32])
    decode("no float", ["x"], [f])
    decode("too large", ["99999999999"], [i32])
    decode("open quote", ['"a'], [s])
    decode("quote within", ['a"b,1'], [s, i32])
    decode("text after a quote", ['"a"b,1'], [s, i32])
    decode("long delimiter", ["1"], [i32], field_delim=",,")
    decode("long default", ["1"], [np.int32([1, 2])])
    decode("scalar default", [""], [np.int32(4)])
    decode("columns backwards", ["1,2"], [i32, i32], select_cols=[1, 0])
    decode("empty", [], [i32, s])
    decode("empty record", [""], [np.int32([3])])
    decode("strings of all kinds", ["日本,\x00z"], [s, s])
