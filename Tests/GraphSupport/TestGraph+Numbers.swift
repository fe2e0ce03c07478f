internal import SwiftProtobuf
package import TensorFlowProtos

extension TestGraph {
    /// Adds a constant of floats.
    ///
    /// - Parameters:
    ///   - name: The node's name.
    ///   - numbers: The elements.
    ///   - shape: The shape; nil for a scalar.
    /// - Returns: The node's name.
    @discardableResult
    package mutating func floats(_ name: String, _ numbers: [Float], _ shape: [Int]? = nil) -> String {
        let tensor = TensorProto.with { tensor in
            tensor.dtype = 1
            tensor.tensorShape.dim = (shape ?? []).map { size in .with { $0.size = Int64(size) } }
            tensor.floatVal = numbers
        }
        return add("Const", name, types: ["dtype": 1], ["value": .with { $0.tensor = tensor }])
    }

    /// Adds a constant vector of whole numbers.
    @discardableResult
    package mutating func integers(_ name: String, _ numbers: [Int32]) -> String {
        let tensor = TensorProto.with { tensor in
            tensor.dtype = 3
            tensor.tensorShape.dim = [.with { $0.size = Int64(numbers.count) }]
            tensor.intVal = numbers
        }
        return add("Const", name, types: ["dtype": 3], ["value": .with { $0.tensor = tensor }])
    }

    /// Adds an op of float32 (`T`) whose name tells itself.
    ///
    /// - Returns: The node's name.
    @discardableResult
    package mutating func float(
        _ op: String, _ name: String, _ inputs: String..., with attributes: [String: AttrValue] = [:]
    ) -> String { add(op, name, inputs, types: ["T": 1], attributes) }

    /// Adds the mean over the last axes, which stay as axes of one element.
    ///
    /// - Returns: The node's name.
    @discardableResult
    package mutating func mean(
        _ name: String, of input: String, _ axes: [Int32], keepsDimensions: Bool = true
    ) -> String {
        integers("\(name)/axes", axes)
        return add(
            "Mean", name, [input, "\(name)/axes"], types: ["T": 1, "Tidx": 3],
            ["keep_dims": .with { $0.b = keepsDimensions }])
    }
}
