import Foundation
import Serving
import Tensors

/// The result of `metaserve check`, as text and as JSON.
struct CheckReport: Encodable {
    private let model: String
    private let format: String
    private let precision: String
    private let kernels: String
    /// The bytes of weights that lie as products read them.
    private let packedBytes: Int
    private let packedBytesFp32: Int
    private let signatures: [CheckedSignature]

    init(
        _ model: Model, _ precision: Precision, _ signatures: [CheckedSignature], packedBytes standard: Int,
        _ other: Int
    ) {
        self.model = model.name
        format = model.format
        self.precision = precision.rawValue
        kernels = Machine.current.kernels
        packedBytes = other
        packedBytesFp32 = standard
        self.signatures = signatures
    }

    /// Prints the result for a person.
    func show() {
        print("\(model): \(format)")
        print("  precision  \(precision), beside fp32")
        print("  weights    \(packedBytes) bytes for products, \(packedBytesFp32) in fp32")
        print("  kernels    \(kernels)")
        for signature in signatures {
            print("\n" + (signature.title ?? "Outputs"))
            print(
                "  feeds: \(signature.feeds)" + (signature.runs > 1 ? ", and \(signature.runs - 1) more batches" : ""))
            Table.print(Self.head, signature.outputs.map(Self.row), width: Terminal.width)
        }
    }

    private static let head = [
        "output", "dtype", "shape", "largest difference", "of the largest", "mean difference", "other class", "unequal",
    ]

    private static func row(_ output: OutputDifference) -> [String] {
        [
            output.name, output.dtype, "[" + output.shape.map(String.init).joined(separator: ",") + "]",
            number(output.largest), number(output.relative), number(output.mean),
            output.rows.map { "\(output.otherClass ?? 0) of \($0) rows" } ?? "", "\(output.unequal)",
        ]
    }

    private static func number(_ value: Double) -> String { value == 0 ? "0" : String(format: "%.3g", value) }
}
