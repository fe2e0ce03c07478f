internal import Tensors

/// The features of a `tf.train.Example` (tensorflow/core/example/example.proto), found by name.
struct ExampleFeatures {
    private let bytes: [UInt8]
    /// Where each feature's message is. Of two features of a name the last counts.
    private var places: [[UInt8]: Range<Int>] = [:]

    /// - Throws: `ProtobufReader.Malformed` where the bytes are no such message.
    init(_ bytes: [UInt8]) throws(ProtobufReader.Malformed) {
        self.bytes = bytes
        var example = ProtobufReader(bytes)
        while let field = try example.readField() {
            guard field.number == 1, case .bytes(let range) = field.value else { continue }
            var features = ProtobufReader(bytes, range)
            while let entry = try features.readField() {
                guard entry.number == 1, case .bytes(let range) = entry.value else { continue }
                try add(entry: range)
            }
        }
    }

    private mutating func add(entry: Range<Int>) throws(ProtobufReader.Malformed) {
        var reader = ProtobufReader(bytes, entry)
        var key = bytes[0..<0]
        var feature = entry.upperBound..<entry.upperBound
        while let field = try reader.readField() {
            guard case .bytes(let range) = field.value else { continue }
            if field.number == 1 { key = bytes[range] }
            if field.number == 2 { feature = range }
        }
        places[Array(key)] = feature
    }

    /// The values of a feature; nil where there is none, or one without a list.
    func values(of key: [UInt8]) throws(ProtobufReader.Malformed) -> FeatureValues? {
        guard let place = places[key] else { return nil }
        var reader = ProtobufReader(bytes, place)
        var values: FeatureValues?
        while let field = try reader.readField() {
            guard case .bytes(let range) = field.value else { continue }
            switch field.number {
            case 1: values = .strings(try strings(in: range))
            case 2: values = .floats(try floats(in: range))
            case 3: values = .integers(try integers(in: range))
            default: continue
            }
        }
        return values
    }

    private func strings(in range: Range<Int>) throws(ProtobufReader.Malformed) -> [[UInt8]] {
        var reader = ProtobufReader(bytes, range)
        var result: [[UInt8]] = []
        while let field = try reader.readField() {
            if field.number == 1, case .bytes(let string) = field.value { result.append(Array(bytes[string])) }
        }
        return result
    }

    private func floats(in range: Range<Int>) throws(ProtobufReader.Malformed) -> [Float] {
        var reader = ProtobufReader(bytes, range)
        var result: [Float] = []
        while let field = try reader.readField() {
            guard field.number == 1 else { continue }
            if case .fixed32(let bits) = field.value { result.append(Float(bitPattern: bits)) }
            guard case .bytes(let packed) = field.value else { continue }
            var list = ProtobufReader(bytes, packed)
            result.reserveCapacity(result.count + packed.count / 4)
            while !list.isAtEnd {
                result.append(Float(bitPattern: UInt32(truncatingIfNeeded: try list.readFixed(4))))
            }
        }
        return result
    }

    private func integers(in range: Range<Int>) throws(ProtobufReader.Malformed) -> [Int64] {
        var reader = ProtobufReader(bytes, range)
        var result: [Int64] = []
        while let field = try reader.readField() {
            guard field.number == 1 else { continue }
            if case .varint(let number) = field.value { result.append(Int64(bitPattern: number)) }
            guard case .bytes(let packed) = field.value else { continue }
            var list = ProtobufReader(bytes, packed)
            while !list.isAtEnd { result.append(Int64(bitPattern: try list.readVarint())) }
        }
        return result
    }
}

/// The values of a feature, or of a tensor that is put together of them.
enum FeatureValues {
    case strings([[UInt8]])
    case floats([Float])
    case integers([Int64])

    /// The elements of a tensor; nil for a dtype that features do not have.
    init?(_ tensor: Tensor) {
        if let strings = tensor.strings {
            self = .strings(strings)
        } else if let floats = tensor.scalars(as: Float.self) {
            self = .floats(floats)
        } else if let integers = tensor.scalars(as: Int64.self) {
            self = .integers(integers)
        } else {
            return nil
        }
    }

    var dtype: DataType {
        switch self {
        case .strings: .string
        case .floats: .float32
        case .integers: .int64
        }
    }

    var count: Int {
        switch self {
        case .strings(let values): values.count
        case .floats(let values): values.count
        case .integers(let values): values.count
        }
    }

    /// The one value `count` times over.
    func repeated(_ count: Int) -> FeatureValues {
        switch self {
        case .strings(let values): .strings(Array(repeating: values.first ?? [], count: count))
        case .floats(let values): .floats(Array(repeating: values.first ?? 0, count: count))
        case .integers(let values): .integers(Array(repeating: values.first ?? 0, count: count))
        }
    }

    /// The values as a tensor, of a shape with as many elements.
    func tensor(_ dimensions: [Int]) throws(CompileError) -> Tensor {
        guard let shape = Shape(dimensions), shape.elementCount == count else {
            throw .invalid("\(count) values do not fill the shape \(dimensions)")
        }
        return switch self {
        case .strings(let values): try .holding(values, shape)
        case .floats(let values): try .holding(values, dimensions)
        case .integers(let values): try .holding(values, dimensions)
        }
    }

    /// Several lists of one dtype end to end.
    static func joined(_ lists: [FeatureValues], _ dtype: DataType) throws(CompileError) -> FeatureValues {
        switch dtype {
        case .string:
            var all: [[UInt8]] = []
            for case .strings(let values) in lists { all += values }
            return .strings(all)
        case .float32:
            var all: [Float] = []
            for case .floats(let values) in lists { all += values }
            return .floats(all)
        case .int64:
            var all: [Int64] = []
            for case .integers(let values) in lists { all += values }
            return .integers(all)
        default: throw .unsupported(dtype)
        }
    }
}
