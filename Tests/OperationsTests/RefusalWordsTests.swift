import Kernels
import TensorFlowProtos
import Testing
import VectorSupport

@testable import Operations

@Suite("What ops say when they refuse")
struct RefusalWordsTests {
    @Test(
        "Ops that move elements, products, convolutions and pools refuse in TensorFlow's words",
        arguments: VectorFamily.ops.filter { ["arrays", "matrix", "convolution"].contains($0.name) })
    func saysWhatTensorFlowSays(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.read(family.path).enumerated() where !vector.error.isEmpty {
            guard let reason = reason(of: vector) else { continue }
            let isOwn = Self.ownWords.contains { reason.hasPrefix($0) }
            // TensorFlow may add where it was; the generator cuts long messages.
            #expect(
                isOwn || vector.message.hasPrefix(reason) || reason.hasPrefix(vector.message),
                "\(family.name) #\(index) \(vector.node.op) \(vector.label)")
        }
    }

    /// How our messages begin where TensorFlow's is of another kind (it ran out of memory, a number overflowed), or does
    /// not name what is wrong.
    private static let ownWords = [
        "Encountered overflow when", "Expected axis in the range", "Expected axis to be -1 or between",
        "Expected size[0] in [0, 3], but got 9223372036854775807", "attribute ", "images must have 4 dimensions",
        "strides in the batch dimension", "strides and dilations in the batch and depth", "output 0 has a shape",
    ]

    private func reason(of vector: OpVector) -> String? {
        do {
            _ = try OpTrial(vector).run()
            return nil
        } catch let error as CompileError { return error.reason } catch { return "\(error)" }
    }
}
