internal import CKernels
internal import Tensors

/// How a product with panels is cut into units: some rows of the result each, or some panels.
struct PanelCut: Sendable {
    /// A part of the result.
    struct Part {
        let firstRow: Int
        let rowCount: Int
        let firstPanel: Int
        let panelCount: Int
    }

    let units: Int
    /// About how long a unit takes.
    let unitNanoseconds: Int
    private let rows: Int
    private let panels: Int
    private let rowParts: Int
    private let panelParts: Int
    /// Whether units of the same rows follow each other, else units of the same panels. Neighbouring units are computed on one processor,
    /// which thus reads less of what is larger: the rows or the panels.
    private let keepsRows: Bool

    /// A unit that takes less is not worth handing out.
    private static let leastNanoseconds = 10_000
    /// One that takes longer would keep a run from ending in time.
    private static let mostNanoseconds = 5_000_000
    private static let mostParts = 64
    /// Fewer rows than these make panels pass by too often.
    private static let leastRows = 96

    /// - Parameters:
    ///   - format: Of the panels.
    ///   - rows: Of the result.
    ///   - finish: What is done with each element.
    init(_ format: PanelFormat, rows: Int, _ finish: LinearFinish) {
        let weights = format.depth.saturatingProduct(format.columns)
        let multiplying = weights.saturatingProduct(rows.saturatingProduct(format.level.picosecondsOfProduct))
        // A few rows wait for the panels to come from memory.
        let reading = weights.saturatingProduct(format.picosecondsOfReading)
        let finishing = rows.saturatingProduct(format.columns).saturatingProduct(finish.picoseconds)
        let nanoseconds = max(multiplying, reading).saturatingSum(finishing) / 1000
        let parts = max(
            1, min(Self.mostParts, nanoseconds / Self.leastNanoseconds), nanoseconds / Self.mostNanoseconds)
        self.rows = rows
        panels = format.panelCount
        var rowParts = 1
        var panelParts = 1
        if rows >= 2 * Self.leastRows { rowParts = min(parts, rows / Self.leastRows) }
        if rowParts < parts { panelParts = min(panels, (parts + rowParts - 1) / rowParts) }
        if rowParts * panelParts < parts / 2, rows >= 12 {
            rowParts = min(rows / 6, (parts + panelParts - 1) / max(1, panelParts))
        }
        self.rowParts = max(1, rowParts)
        self.panelParts = max(1, panelParts)
        keepsRows = rows > format.columns
        units = self.rowParts * self.panelParts
        unitNanoseconds = nanoseconds / units
    }

    /// The parts that some units compute: units that follow each other are joined, so that rows meet as many panels, and panels as many rows,
    /// as possible.
    ///
    /// - Parameters:
    ///   - units: The units.
    ///   - body: Computes a part, and returns whether to go on.
    func forEachPart(of units: Range<Int>, _ body: (Part) -> Bool) {
        let inner = keepsRows ? panelParts : rowParts
        // Between parts the clock is looked at.
        let most = max(1, Self.mostNanoseconds / max(1, unitNanoseconds))
        var unit = units.lowerBound
        while unit < units.upperBound {
            let (outer, place) = unit.quotientAndRemainder(dividingBy: inner)
            let rest = min(most, units.upperBound - unit)
            let wholes = place == 0 ? rest / inner : 0
            let outers = outer..<outer + max(1, wholes)
            let inners = wholes > 0 ? 0..<inner : place..<min(inner, place + rest)
            guard body(keepsRows ? part(rows: outers, panels: inners) : part(rows: inners, panels: outers)) else {
                return
            }
            unit += outers.count * inners.count
        }
    }

    private func part(rows rowUnits: Range<Int>, panels panelUnits: Range<Int>) -> Part {
        let (firstRow, endRow) = (rows * rowUnits.lowerBound / rowParts, rows * rowUnits.upperBound / rowParts)
        let firstPanel = panels * panelUnits.lowerBound / panelParts
        let endPanel = panels * panelUnits.upperBound / panelParts
        return Part(
            firstRow: firstRow, rowCount: endRow - firstRow, firstPanel: firstPanel,
            panelCount: endPanel - firstPanel)
    }

    /// The phase of all units.
    ///
    /// - Parameter body: Computes a part, with a worker's own memory.
    /// - Returns: The phase.
    func phase(
        _ body: @escaping @Sendable (KernelFrame, Part, UnsafeMutableRawPointer) -> Void
    ) -> Kernel.Phase {
        let work = unitNanoseconds.saturatingProduct(4)
        return Kernel.Phase(units: units, unitNanoseconds: unitNanoseconds) { frame, units, own in
            forEachPart(of: units) { part in
                body(frame, part, own)
                return !frame.isOver(after: work)
            }
        }
    }
}

/// Where the operands of a product with panels are among the inputs of a kernel: after data and panels come the bias and the residual, as far
/// as there are any.
struct PanelOperands: Sendable {
    private let residual: Int
    private let finish: LinearFinish

    init(_ finish: LinearFinish) {
        self.finish = finish
        residual = finish.hasBias ? 3 : 2
    }

    /// The product in C, without its shape.
    func product(_ frame: KernelFrame, _ format: PanelFormat) -> ck_panel_product {
        var product = ck_panel_product()
        product.level = format.level.code
        product.precision = format.precision.code
        product.taps = 1
        product.depth = Int64(format.depth)
        product.columns = Int64(format.columns)
        product.panels = frame.input(1)
        product.bias = finish.hasBias ? frame.input(2) : nil
        product.residual = finish.hasResidual ? frame.input(residual) : nil
        product.output = frame.output()
        product.output_stride = format.columns
        finish.set(&product)
        return product
    }

    /// Inputs that the output may take over.
    var overwritableInputs: [Int] { finish.hasResidual ? [residual] : [] }
}
