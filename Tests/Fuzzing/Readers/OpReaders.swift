import Kernels
import OperationSupport
import Operations
import SwiftProtobuf
import TensorFlowProtos
import Tensors
import Threads
import VectorSupport

/// Recorded ops whose strings are replaced.
struct StringOps: Sendable {
    /// An op with the attributes and inputs of a recorded run, and which inputs are strings.
    struct Case: Sendable {
        let op: any Op
        let inputs: [Tensor]
        let places: [Int]
    }

    let cases: [Case]
    /// The limit of memory, which suffices for the fuzzer's inputs.
    private static let limitBytes = 64 << 20
    private static let seconds = 2.0

    /// Each op with each set of attributes once, from families of vectors, with its inputs.
    private static func vectors(_ families: [String], _ isWanted: (String) -> Bool) throws -> [[OpVector]] {
        var groups: [String: Int] = [:]
        var result: [[OpVector]] = []
        for family in VectorFamily.ops where families.contains(family.name) {
            for vector in try VectorFile.read(family.path) where isWanted(vector.node.op) {
                // In some runs, TensorFlow refuses the attributes.
                guard (try? RecordedOp(vector)) != nil else { continue }
                var node = vector.node
                node.name = ""
                node.input = []
                // The order of a message's map varies.
                let key =
                    node.op + "\(vector.inputs.count)"
                    + node.attr.map { "\($0.key)=\($0.value.textFormatString())" }.sorted().joined()
                if let index = groups[key] {
                    result[index].append(vector)
                } else {
                    groups[key] = result.count
                    result.append([vector])
                }
            }
        }
        return result
    }

    init(_ families: [String], _ isWanted: (String) -> Bool) throws {
        cases = try Self.vectors(families, isWanted).map { vectors in
            let recorded = try RecordedOp(vectors[0])
            let places = recorded.inputs.indices.filter { recorded.inputs[$0].dtype == .string }
            return Case(op: recorded.op, inputs: recorded.inputs, places: places)
        }
    }

    /// The inputs of the recorded runs.
    ///
    /// An input is two bytes that choose the op, then for each input of strings a byte for how many, and each string.
    static func seeds(_ families: [String], _ isWanted: (String) -> Bool) throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for (index, vectors) in try vectors(families, isWanted).enumerated() {
            for vector in vectors {
                guard let recorded = try? RecordedOp(vector) else { continue }
                var seed = [UInt8(index & 0xff), UInt8(index >> 8)]
                for input in recorded.inputs where input.dtype == .string {
                    let strings = input.strings ?? []
                    seed.append(UInt8(truncatingIfNeeded: strings.count))
                    for string in strings { seed += InputParts.part(string) }
                }
                seeds.append(seed)
            }
        }
        return seeds
    }

    /// Runs an op.
    ///
    /// - Parameters:
    ///   - bytes: The input of the fuzzer.
    ///   - mend: Changes a string before it is passed to the op.
    func read(_ bytes: UnsafeRawBufferPointer, mend: ([UInt8]) -> [UInt8] = { $0 }) {
        var parts = InputParts(bytes)
        let choice = (parts.choice(256) | parts.choice(256) << 8) % cases.count
        let chosen = cases[choice]
        var inputs = chosen.inputs
        for place in chosen.places {
            let count = parts.choice(256)
            let strings = (0..<count).map { _ in mend(Array(parts.part())) }
            // One string for a scalar, all strings for a vector.
            let isSame = inputs[place].shape.elementCount == count
            guard let tensor = Tensor(strings: strings, shape: isSame ? inputs[place].shape : .vector(count)) else {
                return
            }
            inputs[place] = tensor
        }
        let account = RunAccount(limitBytes: Self.limitBytes)
        account.limits = RunLimits(deadline: Deadline(after: Self.seconds))
        _ = try? chosen.op.evaluate(inputs.map { TensorFact($0) }, account)
    }
}

/// Image files: PNG, JPEG, GIF and BMP, with all ops that decode them.
struct ImageReader: FuzzReader {
    static let name = "images"
    static let words =
        Seeds.words(
            "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "iCCP", "Adobe", "JFIF", "GIF89a", "NETSCAPE2.0", "BM")
        + [
            [0xff, 0xd8, 0xff], [0xff, 0xc0], [0xff, 0xc2], [0xff, 0xc4], [0xff, 0xda], [0xff, 0xdb], [0xff, 0xdd],
            [0xff, 0xd9], [0xff, 0xee], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], [0x21, 0xf9, 4],
        ]
    private let ops: StringOps
    private static let families = ["decoding", "image_files"]
    private static func isWanted(_ op: String) -> Bool { op.hasPrefix("Decode") || op == "ExtractJpegShape" }

    static func seeds() throws -> [[UInt8]] { try StringOps.seeds(families, isWanted) }

    init() throws { ops = try StringOps(Self.families, Self.isWanted) }

    func read(_ bytes: UnsafeRawBufferPointer) { ops.read(bytes) { Self.mended($0) } }

    /// Corrects the checksums of a PNG file's chunks. Other files are unchanged.
    private static func mended(_ file: [UInt8]) -> [UInt8] {
        guard file.starts(with: [0x89, 0x50, 0x4e, 0x47]) else { return file }
        var file = file
        var position = 8
        while position + 12 <= file.count {
            let count = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard count <= file.count - position - 12 else { break }
            let end = position + 8 + count
            let checksum = crc(file[position + 4..<end])
            withUnsafeBytes(of: checksum.bigEndian) { file.replaceSubrange(end..<end + 4, with: $0) }
            position = end + 4
        }
        return file
    }

    /// The CRC-32 of PNG.
    private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xedb8_8320 : 0) }
        }
    }
}

/// `tf.train.Example` messages, CSV and serialized tensors.
struct ExampleReader: FuzzReader {
    static let name = "examples"
    private let ops: StringOps
    private static func isWanted(_ op: String) -> Bool { true }

    static func seeds() throws -> [[UInt8]] { try StringOps.seeds(["parsing"], isWanted) }

    init() throws { ops = try StringOps(["parsing"], Self.isWanted) }

    func read(_ bytes: UnsafeRawBufferPointer) { ops.read(bytes) }
}
