internal import Kernels
internal import Tensors

/// Where the features of a `tf.train.Example` (tensorflow/core/example/example.proto) are, found by name.
struct ExampleFeatures {
    private let bytes: UnsafeBufferPointer<UInt8>

    /// - Parameter bytes: A serialized example, which must be there as long as this value.
    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// Hands on the name of each feature, and where its message is. Of two features of a name the last counts.
    ///
    /// - Throws: `ProtobufReader.Malformed` where the bytes are no such message.
    func forEach(
        _ body: (_ name: UnsafeBufferPointer<UInt8>, _ place: Range<Int>) -> Void
    ) throws(ProtobufReader.Malformed) {
        var example = ProtobufReader(bytes)
        while let field = try example.readField() {
            guard field.number == 1, case .bytes(let range) = field.value else { continue }
            var features = ProtobufReader(bytes, range)
            while let entry = try features.readField() {
                guard entry.number == 1, case .bytes(let range) = entry.value else { continue }
                try read(entry: range, body)
            }
        }
    }

    private func read(
        entry: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>, Range<Int>) -> Void
    ) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(bytes, entry)
        var name = bytes.part(0..<0)
        var feature = entry.upperBound..<entry.upperBound
        while let field = try reader.readField() {
            guard case .bytes(let range) = field.value else { continue }
            if field.number == 1 { name = bytes.part(range) }
            if field.number == 2 { feature = range }
        }
        body(name, feature)
    }

    /// The values of a feature; nil for one without a list.
    func values(at place: Range<Int>) throws(ProtobufReader.Malformed) -> FeatureValues? {
        var reader = ProtobufReader(bytes, place)
        var values: FeatureValues?
        while let field = try reader.readField() {
            guard (1...3).contains(field.number), case .bytes(let range) = field.value else { continue }
            values = try FeatureValues(
                field.number == 1 ? .string : field.number == 2 ? .float32 : .int64, bytes, range)
        }
        return values
    }
}

/// The values of a feature, where they are.
struct FeatureValues {
    let dtype: DataType
    private let bytes: UnsafeBufferPointer<UInt8>
    private let range: Range<Int>
    /// How many there are.
    private(set) var count = 0
    /// How many bytes the strings among them have together.
    private(set) var byteCount = 0

    fileprivate init(
        _ dtype: DataType, _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) throws(ProtobufReader.Malformed) {
        self.dtype = dtype
        self.bytes = bytes
        self.range = range
        var (count, byteCount) = (0, 0)
        switch dtype {
        case .string:
            try forEachString { string in
                count += 1
                byteCount += string.count
            }
        case .float32: try forEachFloat { _ in count += 1 }
        default: try forEachInteger { _ in count += 1 }
        }
        self.count = count
        self.byteCount = byteCount
    }

    func forEachString(
        _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.readField() {
            if field.number == 1, case .bytes(let string) = field.value { body(bytes.part(string)) }
        }
    }

    func forEachFloat(_ body: (Float) -> Void) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.readField() {
            guard field.number == 1 else { continue }
            if case .fixed32(let bits) = field.value { body(Float(bitPattern: bits)) }
            guard case .bytes(let packed) = field.value else { continue }
            var list = ProtobufReader(bytes, packed)
            while !list.isAtEnd { body(Float(bitPattern: UInt32(truncatingIfNeeded: try list.readFixed(4)))) }
        }
    }

    func forEachInteger(_ body: (Int64) -> Void) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.readField() {
            guard field.number == 1 else { continue }
            if case .varint(let number) = field.value { body(Int64(bitPattern: number)) }
            guard case .bytes(let packed) = field.value else { continue }
            var list = ProtobufReader(bytes, packed)
            while !list.isAtEnd { body(Int64(bitPattern: try list.readVarint())) }
        }
    }
}
