/// Suggestions for misspelled names.
package enum NearestNames {
    /// The maximum number of names in a message.
    private static let limit = 3

    /// The names nearest to an unknown name, the nearest first: those with the same last component, or a few edits apart.
    ///
    /// Linear in the number of names. The edit distance of a name longer than 200 bytes is not computed.
    package static func of(_ name: String, among names: some Sequence<String>) -> [String] {
        let wanted = Array(name.utf8.prefix(200))
        let lastComponent = name.split(separator: "/").last
        var scored: [(score: Int, name: String)] = []
        for candidate in names {
            let bytes = Array(candidate.utf8)
            let allowed = max(2, max(wanted.count, bytes.count) / 3)
            var score =
                abs(bytes.count - wanted.count) > allowed || bytes.count > 200 ? Int.max : editDistance(wanted, bytes)
            if score > allowed { score = Int.max }
            if candidate.split(separator: "/").last == lastComponent { score = min(score, allowed) }
            if score < Int.max { scored.append((score, candidate)) }
        }
        return scored.sorted { ($0.score, $0.name) < ($1.score, $1.name) }.prefix(limit).map(\.name)
    }

    /// The end of a message about an unknown name: `; the nearest are "x", "y"`, or nothing.
    package static func hint(for name: String, among names: some Sequence<String>) -> String {
        let nearest = of(name, among: names).map { "\"\($0)\"" }
        return nearest.isEmpty ? "" : "; the nearest are \(nearest.joined(separator: ", "))"
    }

    /// Levenshtein's distance.
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, l) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, r) in right.enumerated() {
                let replaced = diagonal + (lowercase(l) == lowercase(r) ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte + 32 : byte }
}
