import ArgumentParser
import Foundation
import ServerSupport
import Serving
import Tensors
import Testing
import VectorSupport

@testable import metaserve

/// `metaserve benchmark` in the process.
@Suite("metaserve benchmark")
struct BenchmarkTests {
    private let folder = Scratch()
    private let digits = Fixtures.model("digits")

    /// What `--json` prints, as far as the tests look at it.
    private struct Summary: Decodable {
        let medianUs: Double
        let minimumUs: Double
        let maximumUs: Double
        let runs: Int
        let batch: Int
        let threads: Int
        let feeds: String
        let fetches: [String]
        let processor: String
        let kernels: String
        let warnings: [String]
        let profile: Profile?

        struct Profile: Decodable {
            struct Step: Decodable {
                let kernel: String
                let nodes: [String]
                let nanoseconds: UInt64
            }
            let kernels: [Kernel]
            let steps: [Step]

            struct Kernel: Decodable {
                let kernel: String
                let steps: Int
                let nanoseconds: UInt64
            }
        }
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ line: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(line.utf8))
    }

    private func run(_ arguments: String...) throws -> Program.Result {
        try Program.launch(Program.path, ["benchmark"] + arguments + ["--seconds", "0.05"])
    }

    private func error(_ arguments: String...) throws -> String {
        let result = try Program.launch(Program.path, ["benchmark"] + arguments)
        #expect(result.status != 0 && result.output == "", "\(arguments)")
        return result.errors.split(separator: "\n").first { !$0.hasPrefix("warning: ") }.map(String.init) ?? ""
    }

    @Test("random feeds: the text has figures and bars, and the last line is the median")
    func text() throws {
        struct LastLine: Decodable { let medianUs: Double }
        let result = try run(digits, "--batch", "3", "--threads", "2")
        #expect(result.status == 0, "\(result.errors)")
        for part in [
            "x:0 float32 [3,64] (random)", "keep_prob:0 float32 [] (its usual value)", "batch      3\n",
            "threads    2 of ", ", OpenBLAS ", "minimum", "median", "mean", "90 %", "99 %", "maximum", " ##",
        ] {
            #expect(result.output.contains(part), "\(part)\n\(result.output)")
        }
        let last = try #require(result.output.split(separator: "\n").last)
        #expect(try decode(LastLine.self, String(last)).medianUs > 0)
    }

    @Test("--json is one line with all of it; --profile adds kernels and steps")
    func json() throws {
        let result = try run(digits, "--json", "--profile", "--threads", "1", "--fetch", "probs")
        let summary = try decode(Summary.self, result.output)
        #expect(summary.runs >= 5 && summary.threads == 1 && summary.batch == 1 && summary.fetches == ["probs"])
        #expect(summary.minimumUs > 0 && summary.minimumUs <= summary.medianUs)
        #expect(summary.medianUs <= summary.maximumUs)
        #expect(!summary.processor.isEmpty && summary.kernels.contains(", OpenBLAS "))
        let profile = try #require(summary.profile)
        #expect(profile.steps.contains { $0.kernel == "softmax" && $0.nodes == ["probs"] })
        #expect(profile.kernels.reduce(0) { $0 + $1.steps } == profile.steps.count)
        let times = profile.steps.map(\.nanoseconds)
        #expect(times == times.sorted(by: >) && times.allSatisfy { $0 > 0 })
        #expect(profile.kernels.reduce(0) { $0 + $1.nanoseconds } == times.reduce(0, +))
        let text = try run(digits, "--profile").output
        #expect(text.contains("Time by kernel") && text.contains("Time by node"))
    }

    @Test("variables that change OpenBLAS's choice are warned of")
    func environment() throws {
        let result = try Program.launch(
            "/usr/bin/env",
            ["OPENBLAS_L2_SIZE=1024", Program.path, "benchmark", "--seconds", "0.01", Fixtures.model("tutorial")])
        #expect(result.status == 0)
        #expect(result.errors.contains("warning: OPENBLAS_L2_SIZE=1024 is set"))
    }

    private func writeCases(_ text: String) throws -> String {
        let model = folder.path + "/tutorial"
        if !FileManager.default.fileExists(atPath: model) {
            try folder.copy(Fixtures.model("tutorial"), to: "tutorial")
        }
        try Fixtures.write(Array(text.utf8), to: model + "/cases.json")
        return model
    }

    @Test("a case has its feeds from lists and .npy files, and its fetches")
    func recordedCase() throws {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }"
        let padded = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        let elements = [1.5, -2, 3, 4].flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
        }
        let model = try writeCases(
            """
            [{"feeds": {}, "fetches": {}},
             {"feeds": {"w1:0": {"dtype": "float32", "shape": [1, 2], "data": [NaN, -Infinity]},
                        "w2:0": {"dtype": "float32", "shape": [2, 2], "npy": "w2.npy"}},
              "fetches": {"op_to_restore:0": {"dtype": "float32", "shape": [2, 2], "data": [NaN, 1, 2, 3]}}}]
            """)
        try Fixtures.write(
            [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8) + elements, to: model + "/w2.npy")
        let input = try BenchmarkInput.parse([model, "--case", "1"])
        let call = try input.call(of: model)
        #expect(call.names == ["w1:0", "w2:0"] && call.fetchNames == ["op_to_restore:0"])
        #expect(call.tensors.map(\.shape.dimensions) == [[1, 2], [2, 2]])
        let first = try #require(call.tensors[0].scalars(as: Float.self))
        #expect(first[0].isNaN && first[1] == -.infinity)
        #expect(call.tensors[1].scalars(as: Float.self) == [1.5, -2, 3, 4])
        let body = String(decoding: try call.body(), as: UTF8.self)
        #expect(
            body == #"{"feeds":{"w1:0":[["NaN","-Infinity"]],"w2:0":[[1.5,-2.0],[3.0,4.0]]},"#
                + #""fetches":["op_to_restore:0"]}"#)
        let summary = try decode(Summary.self, try run(model, "--case", "1", "--json").output)
        #expect(summary.feeds == "w1:0 float32 [1,2], w2:0 float32 [2,2]" && summary.batch == 2)
        #expect(input.words == [model, "--case", "1"])
    }

    @Test("a case that cannot be used says what was expected")
    func badCases() throws {
        let tutorial = Fixtures.model("tutorial")
        #expect(
            try error(tutorial, "--case", "0")
                == "Error: --case 0: \(tutorial)/cases.json cannot be read: no such file. "
                + "Leave out --case for random feeds, or give values with --feed NAME=VALUE")
        let model = try writeCases("[{\"feeds\": {}, \"fetches\": {}}, {\"feeds\": {}, \"fetches\": {}}]")
        #expect(try error(model, "--case", "2") == "Error: --case 2: \(model)/cases.json has the cases 0 to 1")
        _ = try writeCases("{}")
        #expect(try error(model, "--case", "0").hasPrefix("Error: \(model)/cases.json: expected a list of {\"feeds\""))
        _ = try writeCases(
            #"[{"feeds": {"w1:0": {"dtype": "float32", "shape": [3], "data": [1, 2]}}, "fetches": {"op_to_restore:0": {}}}]"#
        )
        #expect(try error(model, "--case", "0").hasSuffix("\"w1:0\" has 2 elements; its shape [3] has 3"))
    }

    @Test("random values are those that ops accept, the same each time")
    func random() throws {
        let graph = ["DT_INT64", "DT_UINT8", "DT_BOOL", "DT_HALF", "DT_STRING", "DT_FLOAT"].enumerated().map {
            """
            node { name: "x\($0.offset)" op: "Placeholder" attr { key: "dtype" value { type: \($0.element) } }
              attr { key: "shape" value { shape { dim { size: -1 } dim { size: 50 } } } } }
            node { name: "y\($0.offset)" op: "Identity" input: "x\($0.offset)"
              attr { key: "T" value { type: \($0.element) } } }
            """
        }.joined()
        let path = folder.path + "/graph.pbtxt"
        try Fixtures.write(Array(graph.utf8), to: path)
        let tensors = try BenchmarkInput.parse([path, "--batch", "4"]).call(of: path).tensors
        #expect(tensors.count == 6 && tensors.allSatisfy { $0.shape.dimensions == [4, 50] })
        #expect(Set(try #require(tensors[0].integers)) == [0, 1])
        #expect(Set(try #require(tensors[1].integers)) == [0, 1])
        #expect(Set(try #require(tensors[2].scalars(as: Bool.self))) == [true, false])
        #expect(try #require(tensors[3].halfPrecisionFloats).allSatisfy { (0...1).contains($0) })
        #expect(try #require(tensors[4].strings).allSatisfy { $0 == Array("word".utf8) })
        let floats = try #require(tensors[5].scalars(as: Float.self))
        #expect(Set(floats).count > 190 && floats.allSatisfy { (0..<1).contains($0) })
        let again = try BenchmarkInput.parse([path, "--batch", "4"]).call(of: path).tensors
        #expect(again[5].scalars(as: Float.self) == floats)
        #expect(try run(path, "--batch", "4").status == 0)
    }

    @Test("a string takes any file, and a .npy array is converted to the input's dtype")
    func files() throws {
        let graph = ["DT_STRING", "DT_INT32"].enumerated().map {
            """
            node { name: "x\($0.offset)" op: "Placeholder" attr { key: "dtype" value { type: \($0.element) } }
              attr { key: "shape" value { shape { dim { size: -1 } } } } }
            node { name: "y\($0.offset)" op: "Identity" input: "x\($0.offset)"
              attr { key: "T" value { type: \($0.element) } } }
            """
        }.joined()
        let (path, image, array) = (folder.path + "/files.pbtxt", folder.path + "/cat.jpg", folder.path + "/x.npy")
        try Fixtures.write(Array(graph.utf8), to: path)
        try Fixtures.write([0xff, 0xd8, 0], to: image)
        let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }".padded(to: 117) + "\n"
        let bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)
        try Fixtures.write(bytes + [7, 0, 0, 0, 0, 0, 0, 0], to: array)
        let call = try BenchmarkInput.parse([path, "--feed", "x0=@\(image)", "--feed", "x1=@\(array)"]).call(of: path)
        #expect(call.tensors[0].strings == [[0xff, 0xd8, 0]])
        #expect(call.tensors[1].scalars(as: Int32.self) == [7])
        try Fixtures.write(bytes + [7, 0, 0, 0, 1, 0, 0, 0], to: array)
        #expect(
            try error(path, "--feed", "x0=a", "--feed", "x1=@\(array)").contains("is not a valid int32"),
            "2^32 + 7 does not fit")
    }

    @Test("values that do not fit say which values were random")
    func misfit() throws {
        let message = try error(digits, "--feed", "keep_prob=[1,2]", "--seconds", "0.01")
        #expect(message.contains("The values of x:0 are random: give others with --feed NAME=VALUE"), "\(message)")
        #expect(try error(digits, "--feed", "y=1").contains("no such tensor"))
    }

    @Test("wrong arguments name what was expected")
    func arguments() throws {
        let http = ["--http", "http://localhost:1"]
        let expected: [([String], String)] = [
            ([], "give a model's folder, such as models/tutorial, or --http URL for a server"),
            ([digits, "--threads", "0"], "--threads 0: expected 1 to 1024"),
            ([digits, "--seconds", "0"], "--seconds 0.0: expected more than 0 and at most 86400"),
            ([digits, "--case=-1"], "--case -1: expected the place of a case in cases.json, 0 or more"),
            ([digits, "--batch", "0"], "--batch 0: expected 1 or more"),
            (
                [digits, "--case", "0", "--batch", "2"],
                "--case has feeds and fetches of its own: leave out --feed, --fetch and --batch, or --case"
            ),
            ([digits, "--rounds", "2"], "--rounds says how often two programs run: add --compare PROGRAM"),
            (
                [digits, "--rate", "9"],
                "--rate is for requests to a server: add --http URL, such as http://localhost:8501"
            ),
            ([digits, "--profile"] + http, "--profile needs a run in this process: leave out --http"),
            (
                [digits, "--body", "x"] + http,
                "--body FILE is the whole body: leave out FOLDER, --case, --feed, --fetch and --batch, or --body"
            ),
            (["--feed", "x=1"] + http, "--case, --feed, --fetch and --batch need the model's FOLDER"),
            (["--header", "x"] + http, "--header 'x': expected 'NAME: VALUE', such as 'Authorization: Bearer x'"),
            (
                [Fixtures.model("tutorial"), "--batch", "3"],
                "--batch 3: the first dimension of no random feed is open (w1:0 <unknown>, w2:0 <unknown>): leave out "
                    + "--batch, or give values with --feed"
            ),
        ]
        for (words, message) in expected {
            let result = try Program.launch(Program.path, ["benchmark"] + words)
            #expect(result.status == 64 && result.errors.hasPrefix("Error: \(message)\n"), "\(words): \(result.errors)")
        }
    }

    @Test("another program runs in turns, and the ratio has a spread")
    func comparison() throws {
        struct Result: Decodable {
            struct Round: Decodable {
                let medianUs: Double
                let otherMedianUs: Double
            }
            let medianUs: Double
            let ratio: Double
            let lowestRatio: Double
            let highestRatio: Double
            let rounds: [Round]
        }
        let other = folder.path + "/other"
        try Fixtures.write(Array("#!/bin/sh\necho some text\necho '{\"median_us\": 1e9}'\n".utf8), to: other)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: other)
        let result = try run(digits, "--compare", other, "--rounds", "3")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("below 1, this program is faster"))
        let line = try #require(result.output.split(separator: "\n").last)
        let summary = try decode(Result.self, String(line))
        #expect(summary.rounds.count == 3 && summary.rounds.allSatisfy { $0.otherMedianUs == 1e9 })
        #expect(summary.rounds.map(\.medianUs).sorted()[1] == summary.medianUs)
        #expect(summary.lowestRatio <= summary.ratio && summary.ratio <= summary.highestRatio)
        try Fixtures.write(Array("#!/bin/sh\necho 'no such command' >&2\nexit 3\n".utf8), to: other)
        #expect(
            try error(digits, "--compare", other, "--rounds", "1", "--seconds", "0.01").hasSuffix(
                "expected a last line {\"median_us\": M}, got: no such command"))
        #expect(
            try error(digits, "--compare", "/no/such")
                == "Error: --compare /no/such: there is no such program; expected the path of another metaserve, such as "
                + "./metaserve")
    }

    @Test("quantiles of the histogram are those of the sorted durations, to a thousandth")
    func histogram() {
        var histogram = LogHistogram()
        var other = LogHistogram()
        #expect(histogram.quantile(0.5) == 0 && HistogramText(histogram).lines.isEmpty)
        var values: [Int] = []
        var state: UInt64 = 1
        for index in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Int(state >> 33) >> Int(state >> 28 & 31)
            values.append(value)
            if index % 2 == 0 { histogram.record(value) } else { other.record(value) }
        }
        histogram.add(other)
        values.sort()
        #expect(histogram.count == 20_000 && histogram.minimum == values[0] && histogram.maximum == values[19_999])
        for share in [0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = Double(values[max(0, Int((share * 20_000).rounded(.up)) - 1)])
            #expect(abs(histogram.quantile(share) - exact) <= exact / 1000, "\(share)")
        }
        #expect(abs(histogram.mean - Double(values.reduce(0, +)) / 20_000) < 1)
        histogram.record(.max)
        histogram.record(-5)
        #expect(histogram.maximum == .max && histogram.minimum == 0)
    }

    @Test("the bars of a histogram count every duration once")
    func bars() {
        var histogram = LogHistogram()
        for value in 1...1000 { histogram.record(value * 997) }
        for value in [0, 5, 7_000_000_000] { histogram.record(value) }
        let counts = HistogramText(histogram).lines.compactMap { line in
            line.split(separator: " ").compactMap { Int($0) }.last
        }
        #expect(counts.reduce(0, +) == 1003)
        #expect(DurationText.text(310) == "310 ns" && DurationText.text(4214) == "4.21 us")
        #expect(DurationText.text(105_300_000) == "105 ms" && DurationText.text(999_600) == "1.00 ms")
    }
}
