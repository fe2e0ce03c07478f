/// An amount of memory: bytes, or a percentage of the available memory.
package enum MemorySize: Hashable, Sendable {
    case bytes(Int)
    /// 1 to 100.
    case percent(Int)

    /// Reads `1000000`, `512MiB`, `1.5GiB`, `80%`.
    ///
    /// - Returns: nil for any other text, and for a number of bytes that is too large.
    package init?(_ text: String) {
        if text.hasSuffix("%") {
            guard let percent = Int(text.dropLast()), (1...100).contains(percent) else { return nil }
            self = .percent(percent)
            return
        }
        let unit = Self.units.first { text.hasSuffix($0.name) }
        let number = text.dropLast(unit?.name.count ?? 0)
        guard let factor = unit?.bytes else {
            guard let bytes = Int(number), bytes > 0 else { return nil }
            self = .bytes(bytes)
            return
        }
        guard number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let value = Double(number),
            value > 0, value * Double(factor) < Double(1 << 60)
        else { return nil }
        self = .bytes(Int(value * Double(factor)))
    }

    private static let units: [(name: String, bytes: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// The amount in bytes.
    ///
    /// - Parameter whole: The memory that is 100 %.
    /// - Returns: The number of bytes.
    package func bytes(of whole: Int) -> Int {
        switch self {
        case .bytes(let bytes): bytes
        case .percent(let percent): Int(Double(whole) * Double(percent) / 100)
        }
    }

    /// The shortest text that reads back as the same amount.
    package var text: String {
        switch self {
        case .percent(let percent): return "\(percent)%"
        case .bytes(let bytes):
            let unit = Self.units.last { bytes % $0.bytes == 0 }
            return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "\(bytes)"
        }
    }
}

extension SettingType where Value == MemorySize {
    /// The type of a setting that is an amount of memory.
    ///
    /// - Parameter least: The minimum.
    /// - Returns: The type.
    package static func memory(atLeast least: MemorySize) -> SettingType {
        scalar("an amount of memory such as 512MiB, 2GiB or 80%, at least \(least.text)", text: \.text) {
            text, isPlain in
            guard isPlain, let size = MemorySize(text) else { return nil }
            if case .bytes(let bytes) = size, bytes < least.bytes(of: 0) { return nil }
            return size
        }
    }
}
