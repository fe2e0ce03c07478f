import Kernels
import TensorFlowProtos
import Testing
import VectorSupport

@testable import Operations

@Suite("What ops say when they refuse")
struct RefusalWordsTests {
    private static let families = [
        "arrays", "convolution", "cumulation", "diagonals", "gathering", "matrix", "ragged", "segments", "selection",
        "sorting", "suppression",
    ]

    @Test(
        "Ops that move elements, products, convolutions and pools refuse in TensorFlow's words",
        arguments: VectorFamily.ops.filter { families.contains($0.name) })
    func saysWhatTensorFlowSays(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.read(family.path).enumerated() where !vector.error.isEmpty {
            guard let reason = try OpTrial.refusal(of: vector)?.reason else { continue }
            let isOwn = Self.ownWords.contains { reason.hasPrefix($0) }
            // TensorFlow may add where it was; the generator cuts long messages.
            #expect(
                isOwn || vector.message.hasPrefix(reason) || reason.hasPrefix(vector.message),
                "\(family.name) #\(index) \(vector.node.op) \(vector.label): \(reason)")
        }
    }

    /// How our messages begin where TensorFlow's is of another kind (it ran out of memory, a number overflowed), or does
    /// not name what is wrong.
    private static let ownWords = [
        "Encountered overflow when", "Expected axis in the range", "Expected axis to be -1 or between",
        "Expected size[0] in [0, 3], but got 9223372036854775807", "attribute ", "images must have 4 dimensions",
        "strides in the batch dimension", "strides and dilations in the batch and depth", "output 0 has a shape",
        // TensorFlow tells a negative axis after adding the rank to it, or has a run of blanks in the middle.
        "ScanOp: Expected scan axis in the range", "axis -2 is out of range", "The rank of the tensor should be even",
        // Of several indices TensorFlow tells the last one, we the first; or it says "Bad:" before it.
        "indices[", "lower_diag_index is out of bound",
        // One rule for all scatters, where TensorFlow has several.
        "updates must have the shape", "Dimensions [0,1) of indices", "Output must be at least 1-D",
        "Inner dimensions of output shape", "dtype int16 is not supported", "input 0 should be a vector",
        // Without TensorFlow's name for the tensor.
        "Shape of tensor [2,3] is not", "expected at least 3 inputs", "Indices and updates specified for empty output",
    ]

}
