internal import CKernels
internal import Glibc
package import Tensors

/// How a matrix [depth, columns] lies in panels: some columns at a time, row by row, in the order in which a product reads it.
package struct PanelFormat: Hashable, Sendable {
    /// The instructions that products with the panels use.
    package enum Level: Int, CaseIterable, Sendable {
        case base, avx2, avx512

        /// The highest level of this processor, or a lower one that the environment's `METASERVE_INSTRUCTIONS` names, for measurements.
        package static let best: Level = {
            let found = Int(ck_best_level().rawValue)
            let wanted = getenv("METASERVE_INSTRUCTIONS").flatMap { Level(name: String(cString: $0)) }
            return Level(rawValue: min(found, wanted?.rawValue ?? found)) ?? .base
        }()

        private init?(name: String) {
            guard let level = Self.allCases.first(where: { "\($0)" == name }) else { return nil }
            self = level
        }

        var code: ck_level { ck_level(UInt32(rawValue)) }

        /// Columns of a panel.
        var width: Int { Int(ck_panel_width(code)) }

        /// About how long a multiplication takes, in picoseconds.
        var picosecondsOfProduct: Int {
            switch self {
            case .base: 60
            case .avx2: 24
            case .avx512: 12
            }
        }
    }

    package let level: Level
    /// Rows of the matrix.
    package let depth: Int
    package let columns: Int
    /// The numbers in the panels.
    package let precision: Precision

    /// - Parameters:
    ///   - depth: Rows of the matrix.
    ///   - columns: Columns of the matrix.
    ///   - precision: The numbers in the panels.
    ///   - level: The instructions that products use.
    package init(depth: Int, columns: Int, _ precision: Precision = .fp32, level: Level = .best) {
        self.level = level
        self.depth = depth
        self.columns = columns
        self.precision = precision
    }

    var panelCount: Int { (columns + level.width - 1) / level.width }

    /// The number of words of 32 bits in all panels; nil where it is too large to count.
    var wordCount: Int? {
        let (rounded, tooWide) = columns.addingReportingOverflow(Int(CK_LANES) - 1)
        let rows = precision == .bf16 ? depth / 2 + depth % 2 : depth
        let (count, tooLarge) = rows.multipliedReportingOverflow(by: rounded / Int(CK_LANES) * Int(CK_LANES))
        return tooWide || tooLarge ? nil : count
    }

    /// The number of elements in all panels; nil where it is too large to count.
    package var elementCount: Int? {
        guard precision == .bf16 else { return wordCount }
        guard let (count, isTooLarge) = wordCount?.multipliedReportingOverflow(by: 2) else { return nil }
        return isTooLarge ? nil : count
    }

    /// About how long a weight takes to come from memory, in picoseconds.
    var picosecondsOfReading: Int { precision == .bf16 ? 80 : 160 }

    /// The kernel that makes panels of input 0.
    ///
    /// - Parameter transposed: The matrix lies as [columns, depth].
    /// - Returns: The kernel.
    package func packing(transposed: Bool) -> Kernel {
        let each = max(1, depth.saturatingProduct(level.width) / 1000)
        let perUnit = max(1, Kernel.loopUnitNanoseconds / each)
        let units = max(1, (panelCount + perUnit - 1) / perUnit)
        let phase = Kernel.Phase(units: units, unitNanoseconds: perUnit.saturatingProduct(each)) { frame, units, _ in
            for unit in units {
                let first = unit &* perUnit
                pack(
                    frame.input(0), transposed: transposed, panels: first..<min(panelCount, first &+ perUnit),
                    into: frame.output())
                if frame.isOver(after: perUnit &* depth &* level.width) { return }
            }
        }
        return Kernel("panels.pack", phases: [phase])
    }

    /// Makes some panels.
    // Safety: `matrix` has depth times columns elements, `memory` has room for `wordCount` words.
    func pack(
        _ matrix: UnsafePointer<Float>, transposed: Bool, panels: Range<Int>, into memory: UnsafeMutablePointer<Float>
    ) {
        ck_panels_pack(
            level.code, precision.code, matrix, transposed ? depth : columns, transposed, Int64(depth), Int64(columns),
            Int64(panels.lowerBound), Int64(panels.count), memory)
    }

    /// Columns of a panel.
    package var panelWidth: Int { level.width }

    /// Makes the elements of some rows of the matrix, as they lie.
    ///
    /// - Parameters:
    ///   - part: The rows; those of a transposed matrix are columns, and begin with a panel.
    ///   - transposed: Whether the matrix lies as [columns, depth].
    ///   - rows: The number of rows.
    ///   - first: The number of the first row.
    ///   - panels: All panels.
    // Safety: `part` has so many rows, `panels` has room for `elementCount`.
    package func pack(
        _ part: UnsafePointer<Float>, transposed: Bool, rows: Int, from first: Int,
        into panels: UnsafeMutablePointer<Float>
    ) {
        guard transposed else {
            return ck_panels_pack_rows(
                level.code, part, Int64(depth), Int64(columns), Int64(first), Int64(rows), panels)
        }
        ck_panels_pack(
            level.code, CK_FP32, part, depth, true, Int64(depth), Int64(columns - first), 0,
            Int64((rows + level.width - 1) / level.width), panels + depth * first)
    }
}

extension Precision {
    var code: ck_precision { self == .bf16 ? CK_BF16 : CK_FP32 }
}
