internal import Graphs
internal import Tensors

extension Call {
    fileprivate func text(_ name: String) throws(ExpressionError) -> Operand { try tensor(name, .string) }
}

extension FunctionTable {
    static let strings: [ExpressionFunction] = [
        ExpressionFunction(
            "strings.join", "inputs, separator=''",
            one: { call throws(ExpressionError) in
                let inputs = try call.tensors("inputs")
                return try call.one(
                    "StringJoin", inputs,
                    ["N": .int(Int64(inputs.count)), "separator": .bytes(try call.bytes("separator"))])
            }),
        ExpressionFunction(
            "strings.lower", "input, encoding=''",
            one: { call throws(ExpressionError) in
                try call.one("StringLower", [try call.text("input")], ["encoding": .bytes(try call.bytes("encoding"))])
            }),
        ExpressionFunction(
            "strings.upper", "input, encoding=''",
            one: { call throws(ExpressionError) in
                try call.one("StringUpper", [try call.text("input")], ["encoding": .bytes(try call.bytes("encoding"))])
            }),
        ExpressionFunction(
            "strings.strip", "input",
            one: { call throws(ExpressionError) in
                try call.one("StringStrip", [try call.text("input")])
            }),
        ExpressionFunction(
            "strings.length", "input, unit='BYTE'",
            one: { call throws(ExpressionError) in
                try call.one("StringLength", [try call.text("input")], ["unit": .bytes(try call.bytes("unit"))])
            }),
        ExpressionFunction(
            "strings.substr", "input, pos, len, unit='BYTE'",
            one: { call throws(ExpressionError) in
                let position = try call.indices("pos")
                return try call.one(
                    "Substr", [try call.text("input"), position, try call.tensor("len", position.dtype)],
                    ["T": .type(position.dtype), "unit": .bytes(try call.bytes("unit"))])
            }),
        ExpressionFunction(
            "strings.regex_replace", "input, pattern, rewrite, replace_global=True",
            one: { call throws(ExpressionError) in
                try call.one(
                    "RegexReplace", [try call.text("input"), try call.text("pattern"), try call.text("rewrite")],
                    ["replace_global": .bool(try call.bool("replace_global"))])
            }),
        ExpressionFunction(
            "strings.regex_full_match", "input, pattern",
            one: { call throws(ExpressionError) in
                try call.one("RegexFullMatch", [try call.text("input"), try call.text("pattern")])
            }),
        ExpressionFunction(
            "strings.as_string as_string", "input, precision=-1, scientific=False, shortest=False, width=-1, fill=''",
            one: { call throws(ExpressionError) in
                try call.one(
                    "AsString", [try call.tensor("input")],
                    [
                        "precision": .int(Int64(try call.int("precision"))),
                        "scientific": .bool(try call.bool("scientific")), "shortest": .bool(try call.bool("shortest")),
                        "width": .int(Int64(try call.int("width"))), "fill": .bytes(try call.bytes("fill")),
                    ])
            }),
        ExpressionFunction(
            "strings.to_number", "input, out_type=float32",
            one: { call throws(ExpressionError) in
                try call.one(
                    "StringToNumber", [try call.text("input")], ["out_type": .type(try call.dtype("out_type"))])
            }),
        ExpressionFunction(
            "strings.to_hash_bucket_fast", "input, num_buckets",
            one: { call throws(ExpressionError) in
                try call.one(
                    "StringToHashBucketFast", [try call.text("input")],
                    ["num_buckets": .int(Int64(try call.int("num_buckets")))])
            }),
        ExpressionFunction(
            "strings.reduce_join", "inputs, axis=None, keepdims=False, separator=''",
            one: { call throws(ExpressionError) in
                let inputs = try call.text("inputs")
                return try call.one(
                    "ReduceJoin", [inputs, try call.axes(of: inputs)],
                    ["keep_dims": .bool(try call.bool("keepdims")), "separator": .bytes(try call.bytes("separator"))])
            }),
        .unary("io.decode_base64", "DecodeBase64", "input"),
        ExpressionFunction(
            "io.encode_base64", "input, pad=False",
            one: { call throws(ExpressionError) in
                try call.one("EncodeBase64", [try call.text("input")], ["pad": .bool(try call.bool("pad"))])
            }),
        ExpressionFunction(
            "io.decode_raw", "input_bytes, out_type, little_endian=True",
            one: { call throws(ExpressionError) in
                try call.one(
                    "DecodeRaw", [try call.text("input_bytes")],
                    [
                        "out_type": .type(try call.dtype("out_type")),
                        "little_endian": .bool(try call.bool("little_endian")),
                    ])
            }),
    ]
}
