import Foundation
import Planning
import Serving
import Tensors
import Testing
import VectorSupport

/// Checkpoints that people published, with TensorFlow's outputs; not a part of the project.
@Suite(
    "Published checkpoints",
    .enabled(if: Fixtures.corpus != nil, "METASERVE_CORPUS names no folder of published graphs"))
struct CorpusTests {
    /// The names of the folders.
    static let folders: [String] = {
        guard let corpus = Fixtures.corpus else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: corpus)) ?? []
        return names.sorted().filter { FileManager.default.fileExists(atPath: "\(corpus)/\($0)/cases.json") }
    }()

    @Test("The folder has graphs")
    func exists() { #expect(!Self.folders.isEmpty) }

    @Test("Every case agrees with TensorFlow", arguments: folders)
    func cases(name: String) throws { try check(name) }

    @Test(
        "Every case agrees with TensorFlow with each pass off",
        .enabled(
            if: ProcessInfo.processInfo.environment["METASERVE_PASSES"] == "full", "METASERVE_PASSES is not \"full\""),
        arguments: folders)
    func casesWithoutPasses(name: String) throws {
        for disabled in PassList.names.map({ Set([$0]) }) + [Set(PassList.names)] {
            try check(name, without: disabled)
        }
    }

    private func check(_ name: String, without disabled: Set<String> = []) throws {
        let folder = try "\(#require(Fixtures.corpus))/\(name)"
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/cases.json"))
        let cases = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: [String: [String: Any]]]])
        let model = try Model(contentsOf: folder, disabledPasses: disabled)
        for (index, sample) in cases.enumerated() {
            let feeds = try #require(sample["feeds"]).mapValues { try Recorded($0, in: folder).feed }
            let fetches = try #require(sample["fetches"])
            let outputs = try model.run(feeds: feeds, fetches: Array(fetches.keys))
            for (name, tensor) in fetches {
                let output = try #require(outputs[name])
                let difference = try Recorded(tensor, in: folder).difference(output)
                #expect(difference == nil, "case \(index), \(name), without \(disabled)")
            }
        }
    }
}

/// A tensor of `cases.json`.
private struct Recorded {
    private let dtype: String
    private let shape: [Int]
    private let values: [Double]

    /// What is wrong with a record.
    private struct Unreadable: Error {
        let reason: String
    }

    /// - Parameters:
    ///   - record: Has `dtype`, `shape` and `data`, or instead of `data` the name of a NumPy file.
    ///   - folder: Where the file is.
    /// - Throws: Where the record, or the file, cannot be read.
    init(_ record: [String: Any], in folder: String) throws {
        dtype = try #require(record["dtype"] as? String)
        shape = try #require(record["shape"] as? [Int])
        if let file = record["npy"] as? String {
            values = try Self.floats(Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)")))).map(
                Double.init)
        } else {
            values = try #require(record["data"] as? [NSNumber]).map(\.doubleValue)
        }
    }

    /// The numbers of a NumPy file of version 1: a length, a header of that length, and float32 in the order of rows.
    private static func floats(_ bytes: [UInt8]) throws -> [Float] {
        guard bytes.count > 10, bytes[6] == 1 else { throw Unreadable(reason: "no NumPy file of version 1") }
        let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
        guard start <= bytes.count, (bytes.count - start) % 4 == 0 else { throw Unreadable(reason: "a wrong length") }
        let header = String(decoding: bytes[10..<start], as: UTF8.self)
        guard header.contains("'descr': '<f4'"), header.contains("'fortran_order': False") else {
            throw Unreadable(reason: header)
        }
        return bytes[start...].withUnsafeBytes { memory in
            (0..<memory.count / 4).map { index in
                Float(
                    bitPattern: UInt32(littleEndian: memory.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
            }
        }
    }

    /// What a model is fed.
    var feed: FeedValue {
        get throws {
            let tensor: Tensor? =
                switch dtype {
                case "float32": Tensor(values.map(Float.init), shape: shape)
                case "int32": Tensor(values.map { Int32($0) }, shape: shape)
                case "uint8": Tensor(values.map { UInt8($0) }, shape: shape)
                case "bool": Tensor(values.map { $0 != 0 }, shape: shape)
                default: nil
                }
            guard let tensor else { throw Unreadable(reason: "a feed of dtype \(dtype)") }
            return FeedValue(tensor)
        }
    }

    /// How an output differs, in words; nil if it does not.
    func difference(_ output: Tensor) -> String? {
        guard "\(output.dtype)" == dtype else { return "is \(output.dtype), not \(dtype)" }
        guard output.shape.dimensions == shape else { return "has the shape \(output.shape), not \(shape)" }
        let floats = output.scalars(as: Float.self)?.map(Double.init)
        let truths = output.scalars(as: Bool.self)?.map { $0 ? 1.0 : 0 }
        guard let found = floats ?? truths ?? output.integers?.map(Double.init), found.count == values.count else {
            return "has elements that cannot be compared"
        }
        for (index, (value, wanted)) in zip(found, values).enumerated() where !(value.isNaN && wanted.isNaN) {
            let allowed = floats == nil ? 0 : 1e-4 + 1e-3 * abs(wanted)
            guard value == wanted || abs(value - wanted) <= allowed else {
                return "[\(index)] is \(value), not \(wanted)"
            }
        }
        return nil
    }
}
