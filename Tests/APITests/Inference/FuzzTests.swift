import API
import Foundation
import HTTPMessages
import Testing
import VectorSupport

/// Bodies that were broken by chance: the answer is 200 or says what the client did wrong, in JSON.
@Suite("Broken bodies")
struct FuzzTests {
    let client: Client

    init() throws { client = try Client() }

    private static let digits =
        #"{"model":"digits","feeds":{"x:0":[[\#(repeatElement("0.5", count: 64).joined(separator: ","))]],"#
        + #""keep_prob":1.0,"labels":[3]},"fetches":["class","probs:0"]}"#

    private static let bodies = [
        #"{"feeds":{"w1:0":[1.5,-2e3],"w2:0":[[17]]},"fetches":["op_to_restore:0"],"model":"tutorial"}"#,
        #" { "feeds" : { "w\u0031" : "NaN", "w2" : [ [ ] , [ ] ] } } "#,
        #"{"model":"digits","feeds":{"labels":[-1,2.0,-3e2]},"fetches":["labels"]}"#,
        digits,
    ]

    @Test("every truncation is answered by 400", arguments: bodies)
    func truncations(body: String) {
        let body = Array(body.utf8)
        #expect(client.send(.post, "/predict", body).status == 200)
        for end in 0..<(body.lastIndex(of: UInt8(ascii: "}")) ?? 0) {
            let response = client.send(.post, "/predict", Array(body[..<end]))
            #expect(response.status == 400)
            #expect(response.error != nil)
        }
    }

    @Test("changed bytes", arguments: bodies, [11, 12] as [UInt64])
    func mutations(body: String, seed: UInt64) {
        var random = SplitMix(state: seed)
        let body = Array(body.utf8)
        for _ in 0..<2000 {
            let changed = Mutation.apply(to: body, using: &random)
            let response = client.send(.post, "/predict", changed)
            #expect(
                response.status == 200 || (400..<500).contains(response.status) && response.error != nil,
                "seed \(seed): \(String(decoding: changed, as: UTF8.self)): \(response.body)")
        }
    }

    @Test("pure noise", arguments: [21] as [UInt64])
    func noise(seed: UInt64) {
        var random = SplitMix(state: seed)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 1...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(client.send(.post, "/predict", bytes).status == 400, "seed \(seed)")
        }
    }

    @Test("paths of any bytes", arguments: [31] as [UInt64])
    func paths(seed: UInt64) {
        var random = SplitMix(state: seed)
        for _ in 0..<2000 {
            let path = Mutation.apply(to: Array("/models/tutorial".utf8), using: &random)
            let response = client.send(.get, path: path)
            #expect([200, 400, 404, 405].contains(response.status), "seed \(seed)")
        }
    }
}

/// Small damages.
enum Mutation {
    private static let alphabet = Array("{}[]\",:0123456789.eE+-abwntrufls\\/ %\u{7f}é\u{0}".utf8)

    static func apply(to bytes: [UInt8], using random: inout SplitMix) -> [UInt8] {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) where !changed.isEmpty {
            let position = Int.random(in: changed.indices, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: changed[position] = alphabet.randomElement(using: &random) ?? 0
            case 1: changed.insert(alphabet.randomElement(using: &random) ?? 0, at: position)
            case 2: changed[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 3:
                let end = Int.random(in: position..<changed.count, using: &random)
                changed.insert(contentsOf: changed[position..<min(end, position + 12)], at: position)
            default: changed.remove(at: position)
            }
        }
        return changed
    }
}
