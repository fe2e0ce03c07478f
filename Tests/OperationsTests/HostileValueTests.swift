import Kernels
import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@Suite("Ops given values that do not fit")
struct HostileValueTests {
    private static let families = [
        "arrays", "cumulation", "diagonals", "gathering", "ragged", "segments", "selection", "sorting", "suppression",
    ]

    @Test(
        "Indices, sizes and axes of any value, and inputs without elements, give an answer or an error, and do not trap",
        arguments: VectorFamily.ops.filter { families.contains($0.name) })
    func survives(_ family: VectorFamily) throws {
        var seen: [String: Int] = [:]
        var tried = 0
        for vector in try VectorFile.read(family.path) {
            // A few recorded runs of each op are enough: what changes is what they are given.
            seen[vector.node.op, default: 0] += 1
            guard let count = seen[vector.node.op], count % 7 == 1, count < 200 else { continue }
            guard let trial = try? OpTrial(vector) else { continue }
            for index in trial.inputs.indices {
                for other in hostile(trial.inputs[index]) {
                    var inputs = trial.inputs
                    inputs[index] = other
                    tried += 1
                    _ = try? trial.op.evaluate(inputs.map { TensorFact($0) }, RunAccount(limitBytes: 1 << 22))
                    _ = try? trial.op.outputs(for: inputs.map { TensorFact($0.dtype, PartialShape($0.shape)) })
                }
            }
        }
        #expect(tried > 100)
    }

    /// The tensor with other elements, or without any.
    private func hostile(_ tensor: Tensor) -> [Tensor] {
        var result: [Tensor] = []
        let empty = tensor.dtype == .string ? Tensor(strings: [], shape: .vector(0)) : nil
        let shape = tensor.shape.dimensions
        switch tensor.dtype {
        case .int32: result += changed(tensor.scalars(as: Int32.self), shape)
        case .int64: result += changed(tensor.scalars(as: Int64.self), shape)
        case .float32:
            for value in [Float.nan, .infinity, -.infinity] {
                guard var scalars = tensor.scalars(as: Float.self), !scalars.isEmpty else { continue }
                scalars[scalars.count - 1] = value
                if let other = Tensor(scalars, shape: shape) { result.append(other) }
            }
        default: break
        }
        if let none = empty ?? Tensor(dtype: tensor.dtype, shape: .vector(0), initializing: { _ in }) {
            result.append(none)
        }
        if tensor.shape.elementCount == 1, shape.isEmpty, let vector = tensor.reshaped(to: .vector(1)) {
            result.append(vector)
        }
        return result
    }

    private func changed<Number: FixedWidthInteger & TensorScalar>(_ scalars: [Number]?, _ shape: [Int]) -> [Tensor] {
        guard let scalars, !scalars.isEmpty else { return [] }
        var result: [Tensor] = []
        for value in [Number.min, .max, .max - 1, -1, 0, 1 << 30] {
            for place in Set([0, scalars.count - 1]) {
                var others = scalars
                others[place] = value
                if let other = Tensor(others, shape: shape) { result.append(other) }
            }
            if let all = Tensor([Number](repeating: value, count: scalars.count), shape: shape) { result.append(all) }
        }
        return result
    }
}
