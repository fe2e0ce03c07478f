/// Tells of components of names whether they are those of losses and metrics.
///
/// Many components differ in their numbers only. Each is taken apart once.
struct JudgingWords {
    private var known: [Substring: Bool] = [:]

    /// Whether the words of a component judge: ``OutputWords/isJudging(_:)``.
    mutating func isJudging(_ component: Substring) -> Bool {
        let letters = Self.withoutNumber(component)
        if let known = known[letters] { return known }
        let isJudging = OutputWords.isJudging(NodeWords.words(of: letters.utf8))
        known[letters] = isJudging
        return isJudging
    }

    /// Without what is behind the last letter: it is part of no word.
    private static func withoutNumber(_ component: Substring) -> Substring {
        func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }
        guard let last = component.utf8.lastIndex(where: isLetter) else { return "" }
        return component[...last]
    }
}
