import Foundation
import ServerSupport
import Testing
import VectorSupport

/// `metaserve check`
@Suite("metaserve check")
struct CheckTests {
    private let folder = Scratch()
    private let digits = Fixtures.model("digits")

    /// What `--json` prints.
    private struct Summary: Decodable {
        let model: String
        let precision: String
        let packedBytes: Int
        let packedBytesFp32: Int
        let signatures: [Checked]

        /// Those of the only signature.
        var feeds: String { signatures[0].feeds }
        var runs: Int { signatures[0].runs }
        var outputs: [Output] { signatures[0].outputs }

        struct Checked: Decodable {
            let name: String?
            let feeds: String
            let runs: Int
            let outputs: [Output]
        }

        struct Output: Decodable {
            let name: String
            let dtype: String
            let shape: [Int]
            let elements: Int
            let largest: Double
            let mean: Double
            let magnitude: Double
            let relative: Double
            let unequal: Int
            let rows: Int?
            let otherClass: Int?
        }
    }

    private func check(_ arguments: String...) throws -> Summary {
        let result = try Program.launch(Program.path, ["check", "--json"] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Summary.self, from: Data(result.output.utf8))
    }

    private func error(_ arguments: String...) throws -> String {
        let result = try Program.launch(Program.path, ["check"] + arguments)
        #expect(result.status != 0 && result.output == "", "\(arguments)")
        return result.errors.split(separator: "\n").first { !$0.hasPrefix("warning: ") }.map(String.init) ?? ""
    }

    /// Writes arrays of float32 as `numpy.savez` does.
    private func save(_ name: String, _ arrays: [(name: String, shape: [Int], numbers: [Float])]) throws -> String {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        func short(_ number: Int) -> [UInt8] {
            [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
        }
        func long(_ number: Int) -> [UInt8] { short(number) + short(number >> 16) }
        for array in arrays {
            let sizes = array.shape.map { "\($0)," }.joined()
            let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }\n"
            let bytes =
                [0x93] + Array("NUMPY".utf8) + [1, 0] + short(header.utf8.count) + Array(header.utf8)
                + array.numbers.withUnsafeBytes { Array($0) }
            let entry = Array("\(array.name).npy".utf8)
            let fields =
                short(0) + short(0) + long(0) + long(Int(Self.checksum(bytes))) + long(bytes.count) + long(bytes.count)
                + short(entry.count) + short(0)
            directory +=
                long(0x0201_4b50) + short(20) + short(20) + fields + short(0) + short(0) + short(0) + long(0)
                + long(file.count) + entry
            file += long(0x0403_4b50) + short(20) + fields + entry + bytes
        }
        let end =
            long(0x0605_4b50) + long(0) + short(arrays.count) + short(arrays.count) + long(directory.count)
            + long(file.count) + short(0)
        let path = folder.path + "/" + name
        try Fixtures.write(file + directory + end, to: path)
        return path
    }

    /// CRC-32, bit by bit.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0xedb8_8320 : 0) }
        }
    }

    @Test("random feeds: outputs move a little, and weights take half the memory")
    func random() throws {
        let summary = try check(digits, "--precision", "bf16", "--fetch", "probs:0", "--fetch", "x:0")
        #expect(summary.model == "digits" && summary.precision == "bf16" && summary.runs == 1)
        #expect(summary.feeds.contains("x:0 float32 [32,64] (random)"))
        #expect(summary.packedBytes * 2 == summary.packedBytesFp32 && summary.packedBytes > 0)
        let scores = try #require(summary.outputs.first)
        #expect(scores.name == "probs:0" && scores.dtype == "float32" && scores.shape == [32, 10])
        #expect(scores.elements == 320 && scores.rows == 32 && scores.unequal == 0)
        #expect(scores.largest > 0 && scores.largest < 0.1 && scores.mean > 0 && scores.mean < scores.largest)
        #expect(abs(scores.relative - scores.largest / scores.magnitude) < 1e-9)
        let fed = try #require(summary.outputs.last)
        #expect(fed.largest == 0 && fed.mean == 0 && fed.otherClass == 0)
        let same = try check(digits, "--precision", "fp32")
        #expect(same.outputs.allSatisfy { $0.largest == 0 } && same.packedBytes == same.packedBytesFp32)
    }

    @Test("the text has a row for each output")
    func text() throws {
        let result = try Program.launch(Program.path, ["check", digits, "--precision", "bf16", "--fetch", "probs:0"])
        #expect(result.status == 0)
        #expect(!result.output.contains("Signature"))
        for part in [
            "bf16, beside fp32", "\nOutputs\n", "largest difference", "other class", "probs:0", " of 32 rows",
            "in fp32",
        ] {
            #expect(result.output.contains(part), "\(part)\n\(result.output)")
        }
    }

    @Test("arrays of a file are fed in batches; those that are no inputs are not used")
    func data() throws {
        let numbers = (0..<70 * 64).map { Float($0 % 17) / 16 }
        let path = try save("x.npz", [("x", [70, 64], numbers), ("notes", [70], [Float](repeating: 0, count: 70))])
        let result = try Program.launch(
            Program.path, ["check", "--json", digits, "--precision", "bf16", "--data", path, "--fetch", "probs:0"])
        #expect(
            result.status == 0 && result.errors.contains("warning: array \"notes\" of \(path) is no input of digits"))
        let summary = try check(
            digits, "--precision", "bf16", "--data", path, "--fetch", "probs:0", "--batch", "30")
        #expect(summary.runs == 3 && summary.feeds.contains("x:0 float32 [30,64]"))
        let scores = try #require(summary.outputs.first)
        #expect(scores.shape == [30, 10] && scores.elements == 700 && scores.rows == 70)
        let whole = try check(digits, "--precision", "bf16", "--data", path, "--fetch", "probs:0", "--batch", "100")
        #expect(whole.runs == 1 && whole.outputs.first?.largest == scores.largest)
    }

    @Test("each signature is compared; one that random values do not fit is named, and the others go on")
    func signatures() throws {
        let folder = Fixtures.path("signatures/functions")
        let summary = try check(folder, "--precision", "bf16")
        let names = summary.signatures.compactMap(\.name)
        #expect(
            names == names.sorted() && Set(names).isSuperset(of: ["__call__", "look", "nested", "steps"]), "\(names)")
        let call = try #require(summary.signatures.first { $0.name == "__call__/2" })
        #expect(call.feeds == "scale float32 [] (random), x float32 [32,2] (random)")
        #expect(call.outputs.map(\.name) == ["both_0", "both_1", "y"])
        #expect(summary.signatures.first { $0.name == "look" }?.outputs.allSatisfy { $0.dtype == "int64" } == true)
        let result = try Program.launch(Program.path, ["check", folder, "--precision", "bf16"])
        #expect(result.status == 0 && result.output.contains("\nSignature nested\n"))
        let warnings = result.errors.split(separator: "\n")
        #expect(warnings.count == 2 && names.allSatisfy { !["ragged", "sparse"].contains($0) }, "\(result.errors)")
        for (warning, name) in zip(warnings, ["ragged", "sparse"]) {
            #expect(warning.hasPrefix("warning: signature \(name) is not compared: "))
            #expect(warning.contains("are random: give others with --feed") && !warning.contains(".. "), "\(warning)")
        }
    }

    @Test("mistakes say what was expected, and the next step")
    func mistakes() throws {
        #expect(try error("--precision", "bf16") == "Error: give a model's folder, such as models/tutorial")
        #expect(try error(digits) == "Error: give the precision to compare with fp32: --precision bf16")
        #expect(try error(digits, "--precision", "int8").contains("\"int8\" is none of fp32, bf16"))
        let missing = folder.path + "/none.npz"
        #expect(
            try error(digits, "--precision", "bf16", "--data", missing).hasPrefix(
                "Error: --data \(missing): cannot be read: "))
        let broken = folder.path + "/broken.npz"
        try Fixtures.write([1, 2, 3], to: broken)
        #expect(
            try error(digits, "--precision", "bf16", "--data", broken)
                == "Error: --data \(broken): is not a file of numpy.savez that can be fed: it is not a zip file, or is cut off"
        )
        let other = try save("other.npz", [("y", [1], [0])])
        #expect(
            try error(digits, "--precision", "bf16", "--data", other)
                == "Error: --data \(other): has no array for input x:0 float32 [?,64]; it has y. Save it with "
                + "numpy.savez(file, **{\"x:0\": x}), or give --feed x:0=VALUE")
        let narrow = try save("narrow.npz", [("x:0", [2, 3], [1, 2, 3, 4, 5, 6])])
        #expect(try error(digits, "--precision", "bf16", "--data", narrow).contains("x:0"))
        let none = try save("none.npz", [("x:0", [0, 64], [])])
        #expect(
            try error(digits, "--precision", "bf16", "--data", none)
                == "Error: --data \(none): expected as many rows in each array, and at least one; x:0 has 0")
    }
}
