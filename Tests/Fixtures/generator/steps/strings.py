"""Steps with strings: joins, splits, patterns, numbers, hashes."""
import tensorflow as tf

from ..core import tf1
from .choices import INTEGERS, SMALL

PATTERNS = [("[a-c]+", "<\\0>"), ("(\\w)(.)", "\\2\\1"), (",", ""), ("^.", "_"), ("[^0-9.-]", ""), ("a|b", "\\\\")]


class StringSteps:
    def string_steps(self):
        return [self.text_of, self.text, self.text, self.join, self.split_text, self.hash, self.number_in,
                self.codes]

    def text_of(self):
        x = self.some(INTEGERS + SMALL + ["bool"])
        if x is None:
            return False
        if x.dtype == tf.bool:
            return self.add(tf.strings.as_string(x), uses=[x])
        width = self.one([-1, -1, 4])
        return self.add(tf.strings.as_string(x, width=width, fill=self.one(["", "0", " "]) if width > 0 else ""), uses=[x])

    def text(self):
        x = self.some(["string"])
        if x is None:
            return False
        pattern, rewrite = self.one(PATTERNS)
        position, length = self.integer(-1, 0), self.integer(0, 3)
        readable = tf.strings.regex_replace(x, "[^ -~]", "?")
        op = self.one([
            lambda v: tf.strings.length(v), lambda v: tf.strings.length(v, "UTF8_CHAR"), tf.strings.upper, tf.strings.lower, tf.strings.strip,
            lambda v: tf.strings.upper(readable, "utf-8"), lambda v: tf.strings.regex_replace(readable, pattern, rewrite, self.chance(0.5)),
            lambda v: tf.raw_ops.RegexReplace(input=readable, pattern=pattern, rewrite=rewrite), lambda v: tf.strings.regex_full_match(readable, ".*[a-z].*"),
            lambda v: tf.raw_ops.RegexFullMatch(input=readable, pattern="[A-Z].*|.*\\d"), lambda v: tf.strings.format("{}|", v, summarize=self.integer(-1, 3)), tf.io.encode_base64, lambda v: tf.io.decode_base64(tf.io.encode_base64(v)),
            lambda v: tf.strings.substr(tf.strings.join(["pq", v]), position, length), tf.zeros_like,
            lambda v: tf.strings.unicode_transcode(v, "UTF-8", "UTF-16-BE"), lambda v: tf.where(tf.strings.length(v) > 2, v, tf.strings.join([v, v]))])
        return self.add(op(x), uses=[x])

    def join(self):
        x = self.some(["string"])
        if x is None:
            return False
        kind = self.integer(0, 2)
        if kind == 0 and x.shape.rank:
            return self.add(tf.strings.reduce_join(x, self.axis(x), keepdims=self.chance(0.5), separator=self.one(["", "+"])), uses=[x])
        if kind == 1 and x.shape.rank and x.shape.as_list()[0] is not None:
            ids = tf.constant(self.random.randint(0, 3, size=x.shape.as_list()[:1]), tf.int32)
            return self.add(tf.strings.unsorted_segment_join(x, ids, 3, "/"), uses=[x])
        other = x if None in x.shape.as_list() else self.constant("string", x.shape.as_list())
        return self.add(tf.strings.join([x, "-", other], self.one(["", "|"])), uses=[x])

    def split_text(self):
        x = self.some(["string"], ranks=[1])
        if x is None:
            y = self.some(["string"])
            return y is not None and self.add(tf.reshape(y, [-1]), uses=[y])
        kind = self.integer(0, 2)
        if kind == 0:
            pieces = tf.strings.split(x, self.one([None, ",", "a"])).to_sparse()
            return self.add(pieces.indices, pieces.values, pieces.dense_shape, uses=[x])
        if kind == 1:
            pieces = tf1.string_split(x, self.one([" ", ", ", ""]), skip_empty=self.chance(0.5))
            return self.add(pieces.values, tf1.sparse_tensor_to_dense(pieces, ""), uses=[x])
        return self.add(tf.strings.bytes_split(x).to_tensor(default_value="."), uses=[x])

    def hash(self):
        x = self.some(["string"])
        if x is None:
            return False
        op = self.one([tf.strings.to_hash_bucket_fast, tf1.strings.to_hash_bucket, lambda v, n: tf.strings.to_hash_bucket_strong(v, n, [3, 5])])
        return self.add(op(x, self.one([1, 7, 1000])), uses=[x])

    def number_in(self):
        x = self.some(["string"])
        if x is None:
            return False
        digits = tf.strings.join(["1", tf.strings.regex_replace(x, "[^0-9]", "")])
        return self.add(tf.strings.to_number(tf.strings.substr(digits, 0, 6), self.one([tf.float32, tf.float64, tf.int32, tf.int64])), uses=[x])

    def codes(self):
        """Strings as bytes and code points, and what makes strings of tensors."""
        x = self.some(["string"], ranks=[1])
        if x is None:
            y = self.some(INTEGERS + ["float32"])
            return y is not None and self.add(tf.reshape(tf.io.parse_tensor(tf.io.serialize_tensor(y), y.dtype), tf.shape(y)), uses=[y])
        kind = self.integer(0, 5)
        if kind == 0:
            return self.add(tf.strings.unicode_decode(x, "UTF-8", errors="replace").to_tensor(), uses=[x])
        if kind == 1:
            return self.add(tf.strings.unicode_encode(tf.strings.unicode_decode(x, "UTF-8"), self.one(["UTF-8", "UTF-16-BE", "UTF-32-BE"])), uses=[x])
        if kind == 2:
            return self.add(tf.strings.ngrams(x, self.integer(1, 3), separator="_", pad_values=self.one([None, ("<", ">")])), uses=[x])
        if kind == 3:
            return self.add(tf.io.decode_raw(tf.strings.substr(tf.strings.join([x, "12345678"]), 0, 8), self.one([tf.uint8, tf.int16, tf.int32, tf.int64])), uses=[x])
        if kind == 4:
            return self.add(tf.fingerprint(x), uses=[x])
        fields = tf.strings.join([tf.strings.regex_replace(x, "[^a-z]", ""), ",7,", tf.strings.as_string(tf.strings.length(x))])
        return self.add(*tf.io.decode_csv(fields, [["-"], [1], [0.5]]), uses=[x])
