internal import Tensors

/// Converts protobuf text of TensorFlow's messages for our message definitions, which have numbers instead of enumerations, and no `Any`.
/// `dtype: DT_FLOAT` becomes `dtype: 1`. `[type.googleapis.com/tensorflow.AssetFileDef]` becomes the field with that name. Other types become
/// an unknown field.
enum ProtoText {
    /// The number of an enumeration's word. An unknown dtype becomes 0, which affects only nodes that use it.
    private static func number(of word: String) -> Int32? {
        if word.hasPrefix("DT_") {
            let name = word.dropFirst(3)
            if name.hasSuffix("_REF") { return dtypes[String(name.dropLast(4))].map { $0 + 100 } ?? 0 }
            return dtypes[String(name)] ?? 0
        }
        return saverVersions[word]
    }

    private static let dtypes: [String: Int32] = Dictionary(
        uniqueKeysWithValues: DataType.allCases.map { dtype in
            let name =
                switch dtype {
                case .float32: "FLOAT"
                case .float64: "DOUBLE"
                case .float16: "HALF"
                default: dtype.name.uppercased()
                }
            return (name, dtype.rawValue)
        })

    /// SaverDef.CheckpointFormatVersion.
    private static let saverVersions: [String: Int32] = ["LEGACY": 0, "V1": 1, "V2": 2]

    /// The text with numbers; nil if it is not UTF-8.
    static func decodable(_ bytes: [UInt8]) -> String? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            let end: Int
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                end = endOfString(bytes, position)
            } else if byte == UInt8(ascii: "#") {
                end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            } else if byte == UInt8(ascii: "["), let type = anyType(bytes, position) {
                result += Array((anyFields[type.name] ?? "unpacked").utf8)
                position = type.end
                continue
            } else if isWord(byte) {
                end = bytes[position...].firstIndex { !isWord($0) } ?? bytes.count
                // Only words in capitals are enumeration values. Names of fields are in lower case.
                if byte == UInt8(ascii: "D") || byte == UInt8(ascii: "V") || byte == UInt8(ascii: "L"),
                    let number = number(of: String(decoding: bytes[position..<end], as: UTF8.self))
                {
                    result += Array(String(number).utf8)
                    position = end
                    continue
                }
            } else {
                end = position + 1
            }
            result += bytes[position..<end]
            position = end
        }
        return String(validating: result, as: UTF8.self)
    }

    private static let anyFields = ["tensorflow.AssetFileDef": "asset_file_def"]

    /// The type's name at a bracket, `[type.googleapis.com/NAME]`, and its end.
    private static func anyType(_ bytes: [UInt8], _ start: Int) -> (name: String, end: Int)? {
        let prefix = Array("[type.googleapis.com/".utf8)
        guard bytes[start...].starts(with: prefix),
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        return (String(decoding: bytes[start + prefix.count..<end], as: UTF8.self), end + 1)
    }

    private static func endOfString(_ bytes: [UInt8], _ start: Int) -> Int {
        var position = start + 1
        while position < bytes.count, bytes[position] != bytes[start] {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position + 1, bytes.count)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
