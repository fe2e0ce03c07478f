// Compares what a request's JSON costs here with Foundation's parsers alone: see Benchmarks/README.md.
import API
import Foundation
import HTTPMessages
import Serving

/// Microseconds of one call: the median of several rounds.
func microseconds(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<15 {
        let start = clock.now
        var count = 0
        while clock.now - start < .milliseconds(60) {
            for _ in 0..<8 { body() }
            count += 8
        }
        times.append((clock.now - start) / .microseconds(1) / Double(count))
    }
    return times.sorted()[times.count / 2]
}

/// What JSONDecoder is asked for.
struct Matrix: Decodable {
    struct Feeds: Decodable { let w1: [[Float]] }
    let feeds: Feeds
}

struct Scalars: Decodable {
    struct Feeds: Decodable { let w1: Float, w2: Float }
    let feeds: Feeds
}

let folder = CommandLine.arguments.dropFirst().first ?? "models/tutorial"
let service = Service(
    ModelRegistry([try Model(contentsOf: folder)], ModelRegistry.Configuration(attach: Service.attachment)))

@MainActor
func request(_ text: String) {
    let body = Array(text.utf8)
    let path = Array("/predict".utf8)
    let response = service.respond(.post, path, body: body)
    guard response.status == 200 else { return print(String(decoding: response.body, as: UTF8.self)) }
    print("  the whole request here      ", microseconds { _ = service.respond(.post, path, body: body) }, "us")
}

var random = SystemRandomNumberGenerator()
// What Python writes for an image: each float32 as the double of the same value, in rows of three.
let pixels = (0..<224 * 224).map { _ in
    "[" + (0..<3).map { _ in String(Double(Float.random(in: 0..<1, using: &random))) }.joined(separator: ", ") + "]"
}
let lines = stride(from: 0, to: pixels.count, by: 224).map { "[\(pixels[$0..<$0 + 224].joined(separator: ", "))]" }
let image = "{\"feeds\":{\"w1\":[[\(lines.joined(separator: ", "))]],\"w2\":0},\"fetches\":[\"w2\"]}"
let rows = (0..<32).map { _ in
    "[" + (0..<784).map { _ in String(Float.random(in: 0..<1, using: &random)) }.joined(separator: ",") + "]"
}
// The fetch is another feed: so nothing is computed, and what is timed is parsing, decoding, and the rest of a request.
let matrix = "{\"feeds\":{\"w1\":[\(rows.joined(separator: ","))],\"w2\":0},\"fetches\":[\"w2\"]}"
print("[1, 224, 224, 3] floats, \(image.utf8.count) bytes")
request(image)
let scalars = "{\"feeds\":{\"w1\":13.0,\"w2\":17.0},\"fetches\":[\"op_to_restore:0\"]}"
for (name, text) in [
    ("[32, 784] floats, \(matrix.utf8.count) bytes", matrix), ("two scalars, \(scalars.utf8.count) bytes", scalars),
] {
    print(name)
    request(text)
    let data = Data(text.utf8)
    print("  JSONSerialization, parse alone", microseconds { _ = try? JSONSerialization.jsonObject(with: data) }, "us")
    let decoder = JSONDecoder()
    if text == matrix {
        print(
            "  JSONDecoder, to [[Float]]     ", microseconds { _ = try? decoder.decode(Matrix.self, from: data) }, "us")
    } else {
        print(
            "  JSONDecoder, to two Floats    ", microseconds { _ = try? decoder.decode(Scalars.self, from: data) }, "us"
        )
    }
}
