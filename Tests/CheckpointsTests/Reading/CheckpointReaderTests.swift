import Checkpoints
import Foundation
import Tensors
import Testing
import VectorSupport

/// A tensor as `expected.json` has it.
private struct Expected: Decodable {
    let dtype: String
    let shape: [Int]
    let data: Content

    enum Content: Decodable {
        case bytes(String)
        case strings([String])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .bytes(text)
            } else {
                self = .strings(try container.decode([String].self))
            }
        }
    }
}

private func bytes(ofHex text: String) -> [UInt8] {
    let digits = Array(text)
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
}

@Suite("Reading checkpoints that TensorFlow wrote")
struct CheckpointReaderTests {
    static let names = [
        "kinds", "partitioned", "sharded", "renamed", "subset", "resources", "object_based", "absolute", "../files/v1",
        "../files/v1_sharded",
    ]

    @Test("every tensor is, byte by byte, what TensorFlow reads", arguments: names)
    func everyTensor(name: String) throws {
        let folder = Fixtures.path("checkpoints/\(name)")
        let expected = try JSONDecoder().decode(
            [String: Expected].self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json")))
        let reader = try CheckpointReader(folder: folder)
        #expect(reader.names == expected.keys.sorted())
        for (name, tensor) in expected {
            let read = try reader.tensor(named: name)
            #expect(read.dtype.name == tensor.dtype, "\(name)")
            #expect(read.shape.dimensions == tensor.shape, "\(name)")
            switch tensor.data {
            case .bytes(let hex): #expect(read.withUnsafeBytes { Array($0) } == bytes(ofHex: hex), "\(name)")
            case .strings(let hex): #expect(read.strings == hex.map(bytes(ofHex:)), "\(name)")
            }
        }
    }

    @Test("a part of a tensor comes from a whole entry and from slices alike")
    func slices() throws {
        let reader = try CheckpointReader(folder: Fixtures.path("checkpoints/partitioned"))
        let part = try reader.tensor(named: "root/part", slice: "10 4 2,5:1,2")
        let expected = (2..<7).flatMap { row in (1..<3).map { Float(row * 4 + $0) } }
        #expect(part.shape.dimensions == [5, 2])
        #expect(part.scalars(as: Float.self) == expected)
        let kinds = try CheckpointReader(folder: Fixtures.path("checkpoints/kinds"))
        let whole = try #require(try kinds.tensor(named: "scope/deep/weights").scalars(as: Float.self))
        let column = try kinds.tensor(named: "scope/deep/weights", slice: "3 2 -:1,1")
        #expect(column.scalars(as: Float.self) == [whole[1], whole[3], whole[5]])
    }

    @Test("a slice that is not in the tensor is refused, saying why")
    func badSlices() throws {
        let reader = try CheckpointReader(folder: Fixtures.path("checkpoints/partitioned"))
        for (slice, reason) in [
            ("10 4 8,5:-", "tensor \"root/part\" [10,4] has no such slice"),
            ("11 4 -:-", "tensor \"root/part\" has shape [10,4]; the graph restores a part of [11,4]"),
            ("10 4 x", "\"10 4 x\" is not a shape and a slice"),
            ("10 4 -1,2:-", "tensor \"root/part\" [10,4] has no such slice"),
        ] {
            let error = #expect(throws: CheckpointError.self) { try reader.tensor(named: "root/part", slice: slice) }
            #expect(error?.reason == reason)
        }
    }

    @Test("a name that is not there gives the nearest ones")
    func unknownName() throws {
        let reader = try CheckpointReader(folder: Fixtures.path("checkpoints/kinds"))
        let error = #expect(throws: CheckpointError.self) { try reader.tensor(named: "scope/deep/wieghts") }
        #expect(error?.kind == .notFound)
        #expect(error?.reason == "has no tensor \"scope/deep/wieghts\"; the nearest are \"scope/deep/weights\"")
    }

    @Test(
        "weights in memory are aligned for vector instructions, wherever they begin in the file, and are not copied again"
    )
    func alignment() throws {
        for folder in [Fixtures.model("digits"), Fixtures.path("checkpoints/kinds")] {
            let reader = try CheckpointReader(folder: folder).loaded()
            for name in reader.names where ![.string, .bool].contains(reader.info(for: name)?.dtype) {
                let tensor = try reader.tensor(named: name)
                tensor.withUnsafeBytes { #expect(Int(bitPattern: $0.baseAddress) % 64 == 0, "\(name)") }
                let again = try reader.tensor(named: name)
                #expect(tensor.storage.baseAddress == again.storage.baseAddress, "\(name)")
            }
        }
    }

    @Test("the shards of a tensor are told")
    func shards() throws {
        let reader = try CheckpointReader(folder: Fixtures.path("checkpoints/sharded"))
        #expect(Set(reader.tensors.flatMap(\.shards)) == [0, 1])
    }

    @Test(
        "every published checkpoint opens and verifies",
        .enabled(if: Fixtures.corpus != nil, "METASERVE_CORPUS names no folder of published graphs"))
    func corpus() throws {
        let corpus = try #require(Fixtures.corpus)
        var count = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: corpus).sorted() {
            let folder = "\(corpus)/\(name)"
            guard let location = try? CheckpointFolder(folder: folder) else { continue }
            try CheckpointReader(prefix: location.prefix).verify()
            count += 1
        }
        #expect(count == 22)
    }
}
