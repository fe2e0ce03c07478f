internal import Files
internal import Glibc
internal import Settings
internal import Synchronization
internal import Threads

/// Tokens in a file, one per line. A line that begins with `#` is a comment. The file is read again when it changes.
// Safety: `identity` is only used by the thread that has raised `isLooking`.
final class TokenFile: @unchecked Sendable {
    private let path: String
    private let report: @Sendable (String, Bool) -> Void
    private let published: Published<TokenSet>
    private let lastLook: Atomic<Int>
    private let isLooking = Atomic<Bool>(false)
    private var identity: FileIdentity?

    private static let maxBytes = 256 << 10

    /// - Throws: `SettingsProblem` if there is no token.
    init(_ path: String, _ report: @escaping @Sendable (String, Bool) -> Void) throws(SettingsProblem) {
        self.path = path
        self.report = report
        identity = Self.identity(path)
        published = Published(try Self.read(path))
        lastLook = Atomic(Self.now)
    }

    /// The current tokens. Takes no lock. Checks the file at most once a second, and reads it if it has changed.
    var tokens: TokenSet {
        let now = Self.now
        let last = lastLook.load(ordering: .relaxed)
        if now != last, lastLook.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged { look() }
        return published.current
    }

    /// Reads the file now, if it has changed.
    func reread() { look() }

    private func look() {
        guard !isLooking.exchange(true, ordering: .acquiring) else { return }
        defer { isLooking.store(false, ordering: .releasing) }
        let found = Self.identity(path)
        guard found == nil || found != identity else { return }
        let known = published.current
        identity = found
        do throws(SettingsProblem) {
            let tokens = try Self.read(path)
            published.replace(with: tokens)
            if !known.hasSameTokens(as: tokens) { report("\(path): reloaded, \(tokens.count) tokens", false) }
        } catch {
            published.replace(with: TokenSet(problem: error.description))
            if known.problem != error.description { report("no token is accepted: \(error)", true) }
        }
    }

    private static func read(_ path: String) throws(SettingsProblem) -> TokenSet {
        var tokens: [[UInt8]] = []
        let bytes = try SmallFile.read(path, maxBytes: maxBytes)
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
            let token = line.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
            guard let first = token.first, first != UInt8(ascii: "#") else { continue }
            guard token.count <= TokenSet.maxTokenBytes, token.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw SettingsProblem(
                    "\(path):\(index + 1)",
                    "expected a token of at most \(TokenSet.maxTokenBytes) ASCII characters without spaces")
            }
            tokens.append(Array(token))
        }
        guard !tokens.isEmpty else { throw SettingsProblem(path, "contains no token: write one token per line") }
        guard tokens.count <= TokenSet.maxTokens else {
            throw SettingsProblem(path, "has more than \(TokenSet.maxTokens) tokens")
        }
        return TokenSet(tokens)
    }

    /// Seconds of a clock that only goes forward.
    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return time.tv_sec
    }

    /// The state of the file; nil if it does not exist, or has just changed and so may change again without a later date.
    private static func identity(_ path: String) -> FileIdentity? {
        guard let found = FileIdentity(path: path), Int64(time(nil)) - found.modified / 1_000_000_000 > 2 else {
            return nil
        }
        return found
    }
}

/// A set of known tokens. Immutable.
final class TokenSet: Sendable {
    static let maxTokenBytes = 256
    static let maxTokens = 1000
    private static let words = maxTokenBytes / 8 + 1

    /// Each token as a fixed number of words, padded with zeros. The last word is its length.
    private let known: [UInt64]
    /// The reason why there are no tokens.
    let problem: String?

    init(_ tokens: [[UInt8]]) {
        known = tokens.flatMap { token in
            let words = token.withUnsafeBytes { Self.padded($0) }
            return words.indices.map { words[$0] }
        }
        problem = nil
    }

    /// No tokens.
    init(problem: String) {
        known = []
        self.problem = problem
    }

    var count: Int { known.count / Self.words }

    func hasSameTokens(as other: TokenSet) -> Bool { known == other.known }

    /// Whether a token is known. Takes constant time.
    func contains(_ token: UnsafeRawBufferPointer) -> Bool {
        guard token.count <= Self.maxTokenBytes, !token.isEmpty else { return false }
        let presented = Self.padded(token)
        var matches: UInt64 = 0
        for first in stride(from: 0, to: known.count, by: Self.words) {
            var difference: UInt64 = 0
            for word in 0..<Self.words { difference |= known[first + word] ^ presented[word] }
            // 1 if there is no difference, computed without a branch.
            matches |= ((difference | (0 &- difference)) >> 63) ^ 1
        }
        return matches != 0
    }

    private static func padded(_ token: UnsafeRawBufferPointer) -> InlineArray<33, UInt64> {
        var words = InlineArray<33, UInt64>(repeating: 0)
        words[32] = UInt64(token.count)
        for (index, byte) in token.prefix(maxTokenBytes).enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8)
        }
        return words
    }
}
