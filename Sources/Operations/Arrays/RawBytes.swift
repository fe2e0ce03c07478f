internal import Glibc
internal import Kernels
internal import Tensors

extension OpTable {
    /// Strings whose bytes are the memory of numbers, or compressed.
    static let rawBytes: [OpEntry] = [
        OpEntry("DecodeRaw", make: DecodeRaw.init(_:isPadded:), false),
        OpEntry("DecodePaddedRaw", make: DecodeRaw.init(_:isPadded:), true),
        OpEntry("DecodeCompressed", make: DecodeCompressed.init),
    ]
}

/// The numbers whose memory each string is.
///
/// - Inputs: `bytes`; for DecodePaddedRaw `fixed_length`, an int32 scalar: longer strings are cut, shorter ones filled up with zeros.
///   Without it all strings must be of one length.
/// - Outputs: the input's dimensions, and one more for the numbers in a string.
/// - Attributes: `out_type`, `little_endian`.
struct DecodeRaw: TensorOp {
    private let dtype: DataType
    private let isPadded: Bool
    /// How many bytes are in the wrong order; 1 for none.
    private let swapped: Int

    init(_ node: NodeReader, isPadded: Bool) throws(OpError) {
        try node.expectInputs(isPadded ? 2 : 1)
        self.isPadded = isPadded
        dtype = try node.type("out_type")
        guard let width = dtype.fixedWidth else { throw .unsupported("out_type \(dtype) is not supported") }
        let isComplex = dtype == .complex64 || dtype == .complex128
        swapped = try node.bool("little_endian", default: true) ? 1 : isComplex ? width / 2 : width
    }

    var valueInputs: [Int] { isPadded ? [1] : [] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "bytes")
        let length = isPadded ? try fixedLength(inputs[1]) : nil
        guard let sizes = inputs[0].shape.dimensions else { return [TensorFact(dtype, .unknown)] }
        _ = try PartialShape.ofRank(checking: sizes.count + 1)
        let inner = length.map { $0 / max(1, dtype.stride) } ?? PartialShape.unknownDimension
        return [TensorFact(dtype, PartialShape(sizes + [inner]))]
    }

    private func fixedLength(_ input: TensorFact) throws(OpError) -> Int? {
        try input.require(.int32, "fixed_length")
        guard input.shape.rank ?? 0 == 0 else {
            throw .invalid("k must be scalar, got shape \(input.shape)")
        }
        guard let length = input.integers?.first else { return nil }
        guard length > 0 else { throw .invalid("fixed_length (\(length)) must be greater than zero.") }
        guard length % dtype.stride == 0 else {
            throw .invalid(
                "fixed_length (\(length)) must be a multiple of the size of out_type (\(dtype.stride))")
        }
        return length
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        let strings = try inputs[0].stringElements("bytes")
        let length = isPadded ? try inputs[1].oneWholeNumber("fixed_length") : try commonLength(strings)
        guard let shape = Shape(inputs[0].shape.dimensions + [length / dtype.stride]) else {
            throw OpError(.resourceExhausted, "the numbers would take too much memory")
        }
        var work = WorkCount(account)
        let result = try account.made(dtype, shape) { (memory) throws(OpError) in
            for (index, string) in strings.enumerated() where length > 0 {
                let row = UnsafeMutableRawBufferPointer(rebasing: memory[(index * length)..<((index + 1) * length)])
                let used = min(length, string.count)
                if let source = string.start { row.baseAddress?.copyMemory(from: source, byteCount: used) }
                if let rest = row.baseAddress, used < length { memset(rest + used, 0, length - used) }
                put(inOrder: row)
                try work.add(length)
            }
        }
        return [result]
    }

    private func commonLength(_ strings: StringElements) throws(OpError) -> Int {
        let length = strings.first?.count ?? 0
        if let other = strings.firstIndex(where: { $0.count != length }) {
            throw .invalid(
                "DecodeRaw requires input strings to all be the same size, but element \(other) has size "
                    + "\(length) != \(strings[other].count)")
        }
        guard length % dtype.stride == 0 else {
            throw .invalid(
                "Input to DecodeRaw has length \(length) that is not a multiple of \(dtype.stride), the size of \(dtype)"
            )
        }
        return length
    }

    private func put(inOrder row: UnsafeMutableRawBufferPointer) {
        if dtype == .bool { for place in row.indices where row[place] != 0 { row[place] = 1 } }
        guard swapped > 1 else { return }
        for start in stride(from: 0, to: row.count, by: swapped) {
            for place in 0..<(swapped / 2) { row.swapAt(start + place, start + swapped - 1 - place) }
        }
    }
}

/// Each string decompressed.
///
/// - Attributes: `compression_type`: "", "ZLIB" or "GZIP".
struct DecodeCompressed: TensorOp {
    private let format: Inflation.Format?

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(1)
        switch try node.string("compression_type", default: "") {
        case "": format = nil
        case "ZLIB": format = .zlib
        case "GZIP": format = .gzip
        default: throw .invalid("Only ZLIB, GZIP or NONE are supported compressions")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs[0].require(.string, "bytes")
        return [TensorFact(.string, inputs[0].shape)]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        guard let format else { return [inputs[0]] }
        let strings = try inputs[0].stringElements("bytes")
        try account.reserve(Inflation.workBytes)
        var result = try StringTensorBuilder(inputs[0].shape, byteCount: strings.byteCount, account)
        for string in strings {
            let failure = try Inflation.inflate(string.bytes, format) { (bytes) throws(OpError) in
                try result.append(bytes)
            }
            switch failure {
            case nil: try result.endString()
            case .damaged: throw .invalid("inflate() failed: the data is damaged, or not of the compression type")
            case .tooLarge: throw OpError(.resourceExhausted, "a compressed string is larger than is supported")
            }
        }
        return [try result.tensor()]
    }
}
