import Foundation
import Glibc
import ServerSupport
import Testing
import VectorSupport

/// Requests that are all different, and ones that leave much behind.
@Suite("Attacks on what is kept", .serialized)
struct CacheAttacks {
    /// A causal mask made from the shape of `x`: folded into the program of each shape.
    private static let mask: [String] = {
        let node = GraphText.node
        let float = ("T", "type: DT_FLOAT")
        return [
            GraphText.placeholder("x", "DT_FLOAT"), GraphText.constant("one", "DT_FLOAT", "float_val: 1"),
            GraphText.vector("from", "DT_INT32", "int_val", ["1"]),
            GraphText.vector("to", "DT_INT32", "int_val", ["2"]),
            GraphText.vector("step", "DT_INT32", "int_val", ["1"]),
            GraphText.constant("least", "DT_INT64", "int64_val: -1"),
            GraphText.constant("most", "DT_INT64", "int64_val: 0"),
            GraphText.constant("axis", "DT_INT32", "int_val: 0"),
            node("shape", "Shape", ["x"], [float, ("out_type", "type: DT_INT32")]),
            node(
                "width", "StridedSlice", ["shape", "from", "to", "step"],
                [("T", "type: DT_INT32"), ("Index", "type: DT_INT32"), ("shrink_axis_mask", "i: 1")]),
            node("square", "Pack", ["width", "width"], [("N", "i: 2"), ("T", "type: DT_INT32"), ("axis", "i: 0")]),
            node("ones", "Fill", ["square", "one"], [float, ("index_type", "type: DT_INT32")]),
            node("mask", "MatrixBandPart", ["ones", "least", "most"], [float, ("Tindex", "type: DT_INT64")]),
            node("product", "MatMul", ["x", "mask"], [float]),
            node("out", "Sum", ["product", "axis"], [float, ("Tidx", "type: DT_INT32"), ("keep_dims", "b: false")]),
        ]
    }()

    private func ask(_ client: RawClient, rows: Int, columns: Int) throws -> Int {
        let row = "[" + Array(repeating: "1", count: columns).joined(separator: ",") + "]"
        let rows = Array(repeating: row, count: rows).joined(separator: ",")
        client.post("/predict", "{\"feeds\":{\"x\":[\(rows)]},\"fetches\":[\"out\"]}")
        return try client.response().status
    }

    @Test("programs with folded constants are kept within bounds")
    func masks() throws {
        let folder = try GraphFolder("mask", Self.mask)
        let watched = try WatchedServer(":", folder.path)
        let client = try RawClient(port: watched.server.port, seconds: 60)
        let count = Extent.of(1312, short: 120)
        var answered = 0
        for index in 0..<count {
            if try ask(client, rows: 1 + index / 82, columns: 430 + index % 82) == 200 { answered += 1 }
        }
        let grown = watched.residentMegabytes - watched.firstBytes >> 20
        #expect(answered == count)
        HostileReport.note(
            8, "\(count) requests of at most 32 KB, each with another shape, to a graph that makes a causal mask of it",
            before: "33 to 4,503 MB, permanently", "\(answered) completed, \(grown) MB more resident",
            passed: grown <= 128)
        #expect(grown <= 128)
    }

    @Test("distinct shapes and distinct lists of fetches leave nothing behind")
    func distinct() throws {
        let watched = try WatchedServer(":", Fixtures.model("tutorial"))
        let client = try RawClient(port: watched.server.port, seconds: 60)
        let count = Extent.of(20_000, short: 2_000)
        func ask(_ body: String) throws {
            client.post("/predict", body)
            #expect([200, 400, 404].contains(try client.response().status))
        }
        for index in 0..<count {
            // A shape of its own for each, and as small as it can be.
            let zeros = Array(repeating: 0, count: index % 200).map { "\($0)" }.joined(separator: ",")
            let outer = Array(repeating: "[\(zeros)]", count: 1 + index / 200).joined(separator: ",")
            try ask("{\"feeds\":{\"w1:0\":[\(outer)],\"w2:0\":1},\"fetches\":[\"op_to_restore:0\"]}")
        }
        let shapes = watched.residentMegabytes - watched.firstBytes >> 20
        for index in 0..<count {
            let fetches = Array(repeating: "\"op_to_restore:0\"", count: 1 + index % 100) + ["\"w1:0\""]
            let feeds = "\"w1:0\":1,\"w2:0\":\(index)"
            try ask("{\"feeds\":{\(feeds)},\"fetches\":[\(fetches.joined(separator: ","))]}")
            if index % 2 == 0 { try ask("{\"feeds\":{\"w1:0\":1,\"no\(index)\":1}}") }
        }
        let grown = watched.residentMegabytes - watched.firstBytes >> 20
        #expect(shapes <= 64 && grown <= 64)
        HostileReport.note(
            9, "\(count) distinct shapes, then \(count) lists of fetches and \(count / 2) unknown names",
            before: "+9 MB, +11 MB", "+\(shapes) MB, +\(grown) MB in all", passed: shapes <= 64 && grown <= 64)
    }

    /// A loop that pushes a tensor to a list without end.
    private static let hoard: [String] = {
        let node = GraphText.node
        return [
            GraphText.placeholder("n", "DT_INT32"),
            GraphText.constant("zero", "DT_FLOAT", "float_val: 0"),
            GraphText.constant("axis", "DT_INT32", "int_val: 0"),
            node("big", "Fill", ["n", "zero"], [("T", "type: DT_FLOAT"), ("index_type", "type: DT_INT32")]),
            node(
                "sum", "Sum", ["big", "axis"],
                [("T", "type: DT_FLOAT"), ("Tidx", "type: DT_INT32"), ("keep_dims", "b: false")]),
        ]
    }()

    @Test("after a peak, memory goes back")
    func peak() throws {
        let folder = try GraphFolder("hoard", Self.hoard)
        let watched = try WatchedServer(":", folder.path, "--threads", "2")
        let client = try RawClient(port: watched.server.port, seconds: 60)
        func ask(_ count: Int) throws -> Int {
            client.post("/predict", "{\"feeds\":{\"n\":[\(count)]},\"fetches\":[\"sum\"]}")
            return try client.response().status
        }
        _ = try ask(1000)
        let before = watched.residentMegabytes
        let count = Extent.of(250_000_000, short: 50_000_000)
        var high = 0
        for _ in 0..<3 {
            #expect(try ask(count) == 200)
            high = max(high, watched.residentMegabytes)
        }
        var after = watched.residentMegabytes
        var seconds = 0
        while after > before * 12 / 10, seconds < 12 {
            sleep(1)
            seconds += 1
            after = watched.residentMegabytes
        }
        HostileReport.note(
            10, "three runs that take \((count * 4) >> 20) MB each, then idle time",
            before: "1,300 to 3,300 MB stayed after such peaks",
            "\(before) MB before, peak \(watched.peakMegabytes) MB, \(after) MB \(seconds) s after",
            passed: after <= before * 12 / 10)
        #expect(after <= before * 12 / 10)
    }
}
