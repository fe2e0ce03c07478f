import Foundation
import Glibc
import ServerSupport
import Testing
import Threads
import VectorSupport

/// Requests that take long, and the end of the server.
@Suite("Attacks on time", .serialized)
struct TimeAttacks {
    /// Fetches that take long for what they are fed, each mostly one kernel.
    private static let slow: [String] = {
        let node = GraphText.node
        let float = ("T", "type: DT_FLOAT")
        let fold = [float, ("Tidx", "type: DT_INT32"), ("keep_dims", "b: false")]
        var nodes = [
            GraphText.placeholder("n", "DT_INT32"), GraphText.constant("one", "DT_FLOAT", "float_val: 0.37"),
            GraphText.constant("axis", "DT_INT32", "int_val: 0"),
            GraphText.vector("all", "DT_INT32", "int_val", ["-1"]),
            node("x", "Fill", ["n", "one"], [float, ("index_type", "type: DT_INT32")]),
            node("flat", "Reshape", ["x", "all"], [float, ("Tshape", "type: DT_INT32")]),
            GraphText.constant("k", "DT_INT32", "int_val: 1000000"),
        ]
        func add(_ name: String, _ op: String, _ inputs: [String], _ attributes: [(String, String)], _ output: Int = 0)
        {
            nodes.append(node("\(name)_", op, inputs, attributes))
            nodes.append(node(name, "Size", ["\(name)_:\(output)"], [float, ("out_type", "type: DT_INT32")]))
        }
        add("product", "MatMul", ["x", "x"], [float])
        add("inverse", "MatrixInverse", ["x"], [float, ("adjoint", "b: false")])
        add("svd", "Svd", ["x"], [float, ("compute_uv", "b: true"), ("full_matrices", "b: false")])
        add("qr", "Qr", ["x"], [float, ("full_matrices", "b: false")])
        add("top", "TopKV2", ["flat", "k"], [float, ("sorted", "b: true"), ("index_type", "type: DT_INT32")])
        add(
            "cumulated", "Cumsum", ["flat", "axis"],
            [float, ("Tidx", "type: DT_INT32"), ("exclusive", "b: false"), ("reverse", "b: false")])
        add("gamma", "Lgamma", ["x"], [float])
        add("softmax", "Softmax", ["x"], [float])
        nodes.append(
            node(
                "format_", "StringFormat", ["flat"],
                [
                    ("T", "list { type: DT_FLOAT }"), ("template", "s: \"%s\""), ("placeholder", "s: \"%s\""),
                    ("summarize", "i: -1"),
                ]))
        nodes.append(node("format", "Size", ["format_"], [("T", "type: DT_STRING"), ("out_type", "type: DT_INT32")]))
        nodes.append(node("unique_", "Unique", ["flat"], [float, ("out_idx", "type: DT_INT32")]))
        nodes.append(node("unique", "Size", ["unique_"], [float, ("out_type", "type: DT_INT32")]))
        nodes.append(node("text_", "AsString", ["flat"], [float]))
        nodes.append(node("text", "Size", ["text_"], [("T", "type: DT_STRING"), ("out_type", "type: DT_INT32")]))
        nodes.append(node("sums", "Sum", ["x", "axis"], fold))
        return nodes
    }()

    private static let requests: [(fetch: String, shape: [Int])] = [
        ("product", [14_000, 14_000]), ("inverse", [6_000, 6_000]), ("svd", [2_000, 2_000]), ("qr", [4_000, 4_000]),
        ("top", [200_000_000]), ("cumulated", [250_000_000]), ("gamma", [20_000, 10_000]),
        ("softmax", [20_000, 10_000]),
        ("format", [100_000_000]), ("unique", [100_000_000]), ("text", [30_000_000]),
    ]

    @Test(
        "each long kernel looks at the deadline",
        .enabled(if: Extent.isFull && !Extent.isSanitized, "is a matter of times"))
    func deadlines() throws {
        let folder = try GraphFolder("slow", Self.slow)
        let server = try RunningServer(
            folder.path, "--timeout", "1", "--threads", "2", "--memory-limit", "6GiB", "--run-memory", "6GiB")
        var longest = 0.0
        var results: [String] = []
        for (fetch, shape) in Self.requests {
            let client = try RawClient(port: server.port, seconds: 120)
            let start = MonotonicClock.nanoseconds
            client.post("/predict", "{\"feeds\":{\"n\":\(shape)},\"fetches\":[\"\(fetch)\"]}")
            let answer = try client.response()
            let seconds = Double(MonotonicClock.nanoseconds - start) / 1e9
            longest = max(longest, seconds)
            #expect([200, 504].contains(answer.status), "\(fetch)")
            if seconds > 1.25 || ![200, 504].contains(answer.status) {
                results.append(String(format: "%@ %d after %.2f s", fetch, answer.status, seconds))
            }
        }
        HostileReport.note(
            11,
            "\(Self.requests.count) kernels that take 1 to 100 s (products, SVD, QR, inverse, TopK, Cumsum, StringFormat, Unique ...), `--timeout 1`",
            before: "up to 40 s and more",
            String(format: "the last response comes after %.2f s", longest)
                + (results.isEmpty ? "" : "; over 1.25 s: \(results.joined(separator: ", "))"),
            passed: results.isEmpty)
    }

    @Test("drain-timeout is the latest, whatever kernel runs; the client is told")
    func drainTimeout() throws {
        let folder = try GraphFolder("slow", Self.slow)
        let server = try RunningServer(
            folder.path, "--drain-timeout", "2", "--threads", "1", "--timeout", "600", "--memory-limit", "6GiB",
            "--run-memory", "6GiB")
        let client = try RawClient(port: server.port, seconds: 60)
        let size = Extent.of(14_000, short: 6_000)
        client.post("/predict", "{\"feeds\":{\"n\":[\(size),\(size)]},\"fetches\":[\"product\"]}")
        usleep(300_000)
        let start = MonotonicClock.nanoseconds
        server.send(SIGTERM)
        let answer = try? client.response()
        _ = server.wait()
        let seconds = Double(MonotonicClock.nanoseconds - start) / 1e9
        if Extent.isFull { #expect(answer?.status == 503) }
        HostileReport.note(
            12, "SIGTERM while a product of \(size) x \(size) is computed, `--drain-timeout 2`",
            before: "ends after 6.2 s, the client gets nothing or 499",
            String(format: "ends after %.2f s, the client gets %d", seconds, answer?.status ?? 0),
            passed: answer?.status == 503 && seconds <= 2.1)
    }

    @Test(
        "a small model is answered beside long runs of another one", .enabled(if: Extent.isFull, "is a matter of times")
    )
    func neighbours() throws {
        let folder = try GraphFolder("slow", Self.slow)
        let server = try RunningServer(
            folder.path, Fixtures.model("tutorial"), "--threads", "2", "--timeout", "6", "--memory-limit", "6GiB",
            "--run-memory", "3GiB")
        let clients = try (0..<4).map { _ in try RawClient(port: server.port, seconds: 60) }
        for client in clients {
            client.post("/models/slow/predict", "{\"feeds\":{\"n\":[12000,12000]},\"fetches\":[\"product\"]}")
        }
        usleep(200_000)
        let client = try RawClient(port: server.port, seconds: 60)
        var longest = 0.0
        var count = 0
        // As long as none of the four is answered.
        while !clients.contains(where: \.hasAnswer), count < 2000 {
            let start = MonotonicClock.nanoseconds
            client.post("/models/tutorial/predict", #"{"feeds":{"w1:0":13.0,"w2:0":17.0}}"#)
            #expect(try client.response().status == 200)
            longest = max(longest, Double(MonotonicClock.nanoseconds - start) / 1e6)
            count += 1
            usleep(2000)
        }
        // One that waited for a product would be the only one.
        #expect(count > 1)
        HostileReport.note(
            13, "four products of 12,000 x 12,000 of one model on two threads, beside them a small model",
            before: "waits 3.5 s",
            String(format: "%d requests to the small one, the longest took %.1f ms", count, longest),
            passed: longest < 250)
    }
}
