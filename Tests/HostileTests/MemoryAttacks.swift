import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// Small requests that ask for much memory.
@Suite("Attacks on memory", .serialized)
struct MemoryAttacks {
    private static let trial = URL(fileURLWithPath: Program.path).deletingLastPathComponent()
        .appendingPathComponent("memory-trial").path

    @Test(
        "under a limit of address space, no recorded op takes more than it counted, however its inputs grow",
        .enabled(if: Extent.isFull && FileManager.default.fileExists(atPath: trial), "is the long form of MemoryTests"))
    func ops() throws {
        let paths = VectorFamily.ops.map(\.path)
        let result = try Program.launch(Self.trial, ["16", "3"] + paths)
        let last = result.output.split(separator: "\n").last ?? ""
        #expect(result.status == 0, "\(result.output.suffix(3000))\(result.errors.suffix(2000))")
        HostileReport.note(
            1,
            "every recorded op, with inputs of up to 8 MiB that grow until an account of 16 MiB refuses; 3 GiB of address space",
            before: "30 of some 60 ops on whole tensors took memory without counting it", String(last),
            passed: result.status == 0
        )
    }

    private static let int32 = ("Tidx", "type: DT_INT32")

    /// Ops that make much of little. Inputs: `n` a shape, `s` a string, `ss` strings, `m` a number, `x` floats.
    private static let strings: [String] = {
        let node = GraphText.node
        var nodes = [
            GraphText.placeholder("n", "DT_INT32"), GraphText.placeholder("s", "DT_STRING"),
            GraphText.placeholder("m", "DT_INT32"), GraphText.placeholder("x", "DT_FLOAT"),
            GraphText.constant("comma", "DT_STRING", "string_val: \",\""),
            GraphText.constant("empty", "DT_STRING", "string_val: \"\""),
            GraphText.constant("zero", "DT_INT32", "int_val: 0"),
            node("many", "Fill", ["n", "s"], [("T", "type: DT_STRING"), ("index_type", "type: DT_INT32")]),
            node("numbers", "Fill", ["n", "x"], [("T", "type: DT_FLOAT"), ("index_type", "type: DT_INT32")]),
            node("ones", "Fill", ["n", "m"], [("T", "type: DT_INT32"), ("index_type", "type: DT_INT32")]),
        ]
        func add(_ name: String, _ op: String, _ inputs: [String], _ attributes: [(String, String)] = []) {
            nodes.append(node(name, op, inputs, attributes))
            nodes.append(node("\(name)_size", "StringLength", [name], [("unit", "s: \"BYTE\"")]))
        }
        add("join", "StringJoin", ["many", "many"], [("N", "i: 2"), ("separator", "s: \",\"")])
        add("reduced", "ReduceJoin", ["many", "zero"], [("keep_dims", "b: false"), ("separator", "s: \"\"")])
        add("wide", "AsString", ["numbers"], [("T", "type: DT_FLOAT"), ("width", "i: 60000"), ("precision", "i: -1")])
        add("encoded", "EncodeBase64", ["many"], [("pad", "b: true")])
        add("lower", "StringLower", ["many"], [("encoding", "s: \"\"")])
        add("upper", "StringUpper", ["many"], [("encoding", "s: \"utf-8\"")])
        add("stripped", "StringStrip", ["many"])
        add(
            "transcoded", "UnicodeTranscode", ["many"],
            [
                ("input_encoding", "s: \"UTF-8\""), ("output_encoding", "s: \"UTF-32-BE\""),
                ("errors", "s: \"replace\""),
                ("replacement_char", "i: 65533"), ("replace_control_characters", "b: false"),
            ])
        add(
            "format", "StringFormat", ["numbers"],
            [
                ("T", "list { type: DT_FLOAT }"), ("template", "s: \"%s\""), ("placeholder", "s: \"%s\""),
                ("summarize", "i: -1"),
            ])
        add("serialized", "SerializeTensor", ["many"], [("T", "type: DT_STRING")])
        add(
            "replaced", "StaticRegexReplace", ["many"],
            [("pattern", "s: \"a\""), ("rewrite", "s: \"bbbbbbbbbbbbbbbb\""), ("replace_global", "b: true")])
        add("substr", "Substr", ["many", "zero", "m"], [("T", "type: DT_INT32"), ("unit", "s: \"BYTE\"")])
        add("unique", "Unique", ["many"], [("T", "type: DT_STRING"), ("out_idx", "type: DT_INT32")])
        nodes.append(
            node(
                "split", "StringSplit", ["many", "empty"], [("skip_empty", "b: true")]))
        nodes.append(
            node("split_size", "Size", ["split:1"], [("T", "type: DT_STRING"), ("out_type", "type: DT_INT32")]))
        add(
            "ngrams", "StringNGrams", ["many", "rows"],
            [
                ("separator", "s: \" \""), ("ngram_widths", "list { i: 2 i: 3 }"), ("left_pad", "s: \"\""),
                ("right_pad", "s: \"\""), ("pad_width", "i: 0"), ("preserve_short_sequences", "b: false"),
                ("Tsplits", "type: DT_INT32"),
            ])
        nodes.append(node("rows", "Pack", ["zero", "n0"], [("N", "i: 2"), ("T", "type: DT_INT32"), ("axis", "i: 0")]))
        nodes.append(
            node(
                "n0", "Sum", ["n", "zero"],
                [("T", "type: DT_INT32"), ("Tidx", "type: DT_INT32"), ("keep_dims", "b: false")]))
        return nodes
    }()

    /// The fetch, and what is fed; each asks for more than 1 GiB, most for much more.
    private static let requests: [(fetch: String, feeds: String)] = {
        let long = String(repeating: "a", count: 200_000)
        func many(_ count: Int, _ text: String = long) -> String { "\"n\":[\(count)],\"s\":\"\(text)\"" }
        return [
            ("join_size", many(20_000)), ("reduced_size", many(40_000)),
            ("wide_size", "\"n\":[200000],\"x\":1.5"), ("encoded_size", many(50_000)),
            ("lower_size", many(40_000)), ("upper_size", many(40_000)), ("stripped_size", many(40_000)),
            ("transcoded_size", many(10_000)), ("format_size", "\"n\":[400000000],\"x\":0.1"),
            ("serialized_size", many(40_000)), ("replaced_size", many(5_000)),
            ("substr_size", many(40_000) + ",\"m\":199999"), ("unique_size", many(100_000_000, "a")),
            ("split_size", many(1_000)), ("ngrams_size", many(30_000)), ("many", many(100_000_000)),
            ("numbers", "\"n\":[500000000],\"x\":1"),
        ]
    }()

    @Test(
        "small bodies that ask for gigabytes are refused with both numbers, and the process lives",
        .enabled(if: !Extent.isSanitized, "needs a limit of address space"))
    func smallBodies() throws {
        let folder = try GraphFolder("strings", Self.strings)
        let watched = try WatchedServer(
            "ulimit -v 3000000", folder.path, "--memory-limit", "512MiB", "--timeout", "60", "--threads", "2")
        var refusedCount = 0
        var faults: [String] = []
        for (fetch, feeds) in Self.requests {
            let body = "{\"feeds\":{\(feeds)},\"fetches\":[\"\(fetch)\"]}"
            let client = try RawClient(port: watched.server.port, seconds: 90)
            client.post("/predict", body)
            let answer = try client.response()
            if answer.status == 400, answer.body.contains(" bytes") {
                refusedCount += 1
            } else {
                faults.append("\(fetch): \(answer.status) \(answer.body.prefix(200))")
            }
        }
        #expect(faults == [])
        #expect(watched.server.isRunning)
        let peak = watched.peakMegabytes
        #expect(peak < 700)
        HostileReport.note(
            2,
            "\(Self.requests.count) bodies of at most 200 KB that require 1 to 80 GB (StringJoin, ReduceJoin, AsString, EncodeBase64, StringLower, UnicodeTranscode, StringFormat, SerializeTensor, Substr, Unique, StringSplit, Fill ...); `--memory-limit 512MiB`",
            before: "SIGABRT, SIGSEGV or SIGKILL in 14 of them",
            "\(refusedCount) refused (400, with both sizes), peak \(peak) MB",
            passed: faults.isEmpty && peak < 700)
    }

    private static let canLimitMemory = ControlGroup("memory", with: "memory.limit_in_bytes") != nil

    @Test(
        "in a control group of 1 GiB a body of 50 bytes is refused, and the server is not killed",
        .enabled(if: canLimitMemory, "needs control groups (version 1) that may be made"))
    func controlGroup() throws {
        let group = try #require(ControlGroup("memory", with: "memory.limit_in_bytes"))
        try group.set("memory.limit_in_bytes", "1073741824")
        let folder = try GraphFolder("strings", Self.strings)
        let watched = try WatchedServer("echo $$ > \(group.path)/cgroup.procs", folder.path)
        let answer = try Program.curl(
            "-w", " %{http_code}", "-d", "{\"feeds\":{\"n\":[500000000],\"x\":1},\"fetches\":[\"numbers\"]}",
            watched.server.address + "/predict")
        #expect(answer.hasSuffix(" 400"), "\(answer)")
        // What fits is computed, again and again and at once.
        let fitting = "{\"feeds\":{\"n\":[60000000],\"x\":1},\"fetches\":[\"numbers:0\"]}"
        let threads = try (0..<4).map { _ in try RawClient(port: watched.server.port, seconds: 60) }
        for client in threads {
            client.post("/predict", fitting.replacingOccurrences(of: "numbers:0", with: "ones_sum"))
        }
        for client in threads { _ = try? client.response() }
        let isRunning = watched.server.isRunning
        #expect(isRunning)
        HostileReport.note(
            3, "control group of 1 GiB, `{\"n\":[500000000]}` fed to `Fill`", before: "SIGKILL",
            "\(answer.suffix(3)), \(isRunning ? "alive" : "killed"), peak \(watched.peakMegabytes) MB",
            passed: isRunning && answer.hasSuffix(" 400"))
    }

    @Test("bodies without a token, of wrong routes, methods and types are not collected")
    func bodies() throws {
        let token = NSTemporaryDirectory() + "metaserve-token-\(UUID().uuidString)"
        try Fixtures.write(Array("alpha\n".utf8), to: token)
        defer { unlink(token) }
        let watched = try WatchedServer(":", Fixtures.model("tutorial"), "--token-file", token, "--idle-timeout", "30")
        let count = Extent.of(60, short: 12)
        let blob = String(repeating: " ", count: 1 << 20)
        var clients: [RawClient] = []
        var statuses: [Int: Int] = [:]
        for _ in 0..<count {
            let client = try RawClient(port: watched.server.port, seconds: 5)
            client.send("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 67000000\r\n\r\n")
            for _ in 0..<63 where client.send(blob) {}
            statuses[(try? client.response().status) ?? 0, default: 0] += 1
            clients.append(client)
        }
        let grown = watched.residentMegabytes - watched.firstBytes >> 20
        #expect(statuses == [401: count])
        #expect(grown < 100)
        HostileReport.note(
            4, "\(count) connections without a token, each with 63 MiB of a body",
            before: "3,809 MB resident, 401 after the last byte",
            "\(statuses[401] ?? 0) get 401 at once, \(grown) MB more resident",
            passed: statuses == [401: count] && grown < 100)
    }

    @Test("what is wrong with a request is said when its headers are there, and nobody is told to continue")
    func early() throws {
        let token = NSTemporaryDirectory() + "metaserve-token-\(UUID().uuidString)"
        try Fixtures.write(Array("alpha\n".utf8), to: token)
        defer { unlink(token) }
        let server = try RunningServer(Fixtures.model("tutorial"), "--token-file", token)
        let known = "Authorization: Bearer alpha\r\n"
        let cases: [(String, String, Int)] = [
            ("POST /predict", "Content-Type: application/json\r\nContent-Length: 1000\r\n", 401),
            ("POST /predict", "\(known)Content-Type: application/json\r\nContent-Length: 100000000000\r\n", 413),
            ("POST /models/none/predict", "\(known)Content-Type: application/json\r\nContent-Length: 1000\r\n", 404),
            ("POST /nowhere", "\(known)Content-Length: 1000\r\n", 404),
            ("POST /metrics", "\(known)Content-Length: 1000\r\n", 405),
            ("POST /predict", "\(known)Content-Type: application/pdf\r\nContent-Length: 1000\r\n", 415),
        ]
        var faults: [String] = []
        for (line, headers, status) in cases {
            let client = try RawClient(port: server.port, seconds: 5)
            client.send("\(line) HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\(headers)\r\n")
            let answer = try? client.response()
            if answer?.status != status { faults.append("\(line) \(status): \(answer?.status ?? 0)") }
        }
        #expect(faults == [])
        HostileReport.note(
            5, "401, 404, 405, 413, 415 with `Expect: 100-continue` and no body sent", before: "100 for all but 413",
            "\(cases.count - faults.count) of \(cases.count) got the response after the headers, none got 100",
            passed: faults.isEmpty)
    }
}
