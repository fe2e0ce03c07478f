import Execution
import Foundation
import Planning
import Serving
import Tensors

/// The output of `metaserve inspect --plan` for a call.
struct PlanReport {
    private let call: ExplainedCall
    private let width: Int

    /// - Parameters:
    ///   - call: The call.
    ///   - width: The columns of the terminal.
    init(_ call: ExplainedCall, width: Int = Terminal.width) {
        self.call = call
        self.width = width
    }

    /// Prints the plan as it was imported, what each pass changed, and the program.
    func show() {
        print("\nPlan for \(feeds) -> \(call.fetches.joined(separator: ", "))")
        var rows: [PlanRow] = []
        for stage in call.explanation.stages {
            let before = rows
            rows = stage.rows
            if stage.pass == "import" {
                print("\nImported: \(count(rows.count, "node"))")
                showRows(rows.map { (" ", $0) })
                continue
            }
            if stage.pass == "shapes" {
                print("\nWith the shapes of the feeds: \(count(rows.count, "node"))")
                continue
            }
            let form = stage.form == .general ? "" : ", for these shapes"
            print("\n\(stage.pass)\(form): \(count(stage.patches, "change")), \(count(rows.count, "node")) left")
            showRows(difference(before, rows))
        }
        showProgram()
    }

    private var feeds: String {
        guard !call.feeds.isEmpty else { return "no feeds" }
        return call.feeds.map { feed in
            "\(feed.name) \(feed.dtype) \(feed.shape)\(feed.isExample ? " (example)" : "")"
        }.joined(separator: ", ")
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// The removed rows, marked by `-`, and the new or changed rows, marked by `+`.
    private func difference(_ before: [PlanRow], _ after: [PlanRow]) -> [(String, PlanRow)] {
        let (old, new) = (Set(before), Set(after))
        return before.filter { !new.contains($0) }.map { ("-", $0) }
            + after.filter { !old.contains($0) }.map { ("+", $0) }
    }

    private func showRows(_ rows: [(mark: String, row: PlanRow)]) {
        let cells = rows.map { mark, row in
            [
                mark + String(repeating: "  ", count: row.depth) + (row.part.map { "\($0): " } ?? "") + row.op,
                row.inputs.joined(separator: ", "),
                row.outputs.joined(separator: ", ") + (row.condition.map { " if \($0)" } ?? ""),
                row.names.joined(separator: " = "),
            ]
        }
        Table.print([" op", "inputs", "outputs", "node"], cells, width: width)
    }

    private func showProgram() {
        guard let program = call.explanation.program else { return }
        print(
            "\nProgram: \(count(program.rows.count, "step")), \(program.arenaBytes) bytes for values, "
                + "\(program.constantBytes) bytes of constants")
        let total = call.nanoseconds?.reduce(0, +) ?? 0
        let cells = program.rows.enumerated().map { index, row in
            ["\(index)"] + (call.nanoseconds.map { [StepText.time($0[index], of: total)] } ?? []) + [
                row.kernel, row.outputs.joined(separator: ", "), row.byteCount == 0 ? "" : "\(row.byteCount)",
                row.offsets.map { $0.map { "\($0)" } ?? "own" }.joined(separator: ", "),
                row.scratchBytes == 0 ? "" : "\(row.scratchBytes)", row.names.joined(separator: " = "),
            ]
        }
        let head =
            ["step"] + (call.nanoseconds == nil ? [] : ["time"])
            + ["kernel", "outputs", "bytes", "at", "scratch", "node"]
        Table.print(head, cells, width: width)
        if call.nanoseconds != nil { print("  \(StepText.microseconds(total)) us in all steps") }
    }
}

/// The line of JSON that `metaserve inspect --plan --json` prints for a call.
struct PlanDocument: Encodable {
    private let feeds: [Feed]
    private let fetches: [String]
    private let stages: [Stage]
    private let steps: [Step]
    private let arenaBytes: Int
    private let constantBytes: Int

    private struct Feed: Encodable {
        let name: String
        let dtype: String
        let shape: [Int]
        let isExample: Bool
    }

    private struct Stage: Encodable {
        let pass: String
        /// `general`, or `specialized` for the plan of these shapes.
        let form: String
        let changes: Int
        let nodes: [Node]
    }

    private struct Node: Encodable {
        let node: Int
        let op: String
        let names: [String]
        let inputs: [String]
        let outputs: [String]
        let condition: String?
        let after: [Int]
        let loopPart: String?
    }

    private struct Step: Encodable {
        let kernel: String
        let op: String
        let names: [String]
        let outputs: [String]
        let bytes: Int
        let offsets: [Int?]
        let scratchBytes: Int
        let nanoseconds: UInt64?
    }

    init(_ call: ExplainedCall) {
        feeds = call.feeds.map {
            Feed(name: $0.name, dtype: $0.dtype.name, shape: $0.shape.dimensions, isExample: $0.isExample)
        }
        fetches = call.fetches
        stages = call.explanation.stages.map { stage in
            Stage(
                pass: stage.pass, form: stage.form == .general ? "general" : "specialized", changes: stage.patches,
                nodes: stage.rows.map {
                    Node(
                        node: $0.node, op: $0.op, names: $0.names, inputs: $0.inputs, outputs: $0.outputs,
                        condition: $0.condition, after: $0.after, loopPart: $0.part)
                })
        }
        let program = call.explanation.program
        steps = (program?.rows ?? []).enumerated().map { index, row in
            Step(
                kernel: row.kernel, op: row.op, names: row.names, outputs: row.outputs, bytes: row.byteCount,
                offsets: row.offsets, scratchBytes: row.scratchBytes,
                nanoseconds: call.nanoseconds.flatMap { $0.indices.contains(index) ? $0[index] : nil })
        }
        arenaBytes = program?.arenaBytes ?? 0
        constantBytes = program?.constantBytes ?? 0
    }

    /// The line.
    ///
    /// - Throws: The encoder's errors.
    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
