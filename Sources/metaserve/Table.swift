import Foundation

/// Prints columns.
enum Table {
    /// Prints a head and rows.
    ///
    /// - Parameters:
    ///   - head: The titles of the columns.
    ///   - rows: The cells; as many in each row as there are titles.
    ///   - width: The maximum number of columns in a line; nil for no limit. The widest cells are shortened in the middle.
    static func print(_ head: [String], _ rows: [[String]], width: Int? = nil) {
        guard !rows.isEmpty else { return Swift.print("  none") }
        var widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        if let width { shrink(&widths, to: width - 2 - 2 * (head.count - 1)) }
        for row in [head] + rows {
            let line = zip(row, widths).map { cell, width in
                let text = shortened(cell, to: width)
                return text + String(repeating: " ", count: max(0, width - text.count))
            }.joined(separator: "  ")
            Swift.print("  " + line.reversed().drop { $0 == " " }.reversed().map(String.init).joined())
        }
    }

    /// Shortens the widest columns first, and leaves each a few characters.
    private static func shrink(_ widths: inout [Int], to total: Int) {
        let least = 8
        while widths.reduce(0, +) > total, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > least
        {
            widths[widest] -= 1
        }
    }

    private static func shortened(_ text: String, to width: Int) -> String {
        guard text.count > width, width > 2 else { return text }
        let tail = (width - 1) / 2
        return text.prefix(width - 1 - tail) + "…" + text.suffix(tail)
    }
}

/// The terminal that is printed to.
enum Terminal {
    /// Its columns: those of the terminal, else of `COLUMNS`, else 120.
    static var width: Int {
        var size = winsize()
        if ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 40 { return Int(size.ws_col) }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init).map { max(40, $0) } ?? 120
    }
}
