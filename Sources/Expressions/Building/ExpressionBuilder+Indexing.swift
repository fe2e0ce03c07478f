internal import Graphs
internal import Tensors

/// An index or a slice, with its bounds as values.
enum BoundIndex {
    case at(Value)
    case slice(begin: Value?, end: Value?, step: Value?)
    case ellipsis
}

extension ExpressionBuilder {
    /// `value[...]`, as Python and `tf.Tensor.__getitem__` have it.
    func index(_ value: Value, _ indices: [BoundIndex]) throws(ExpressionError) -> Value {
        switch value {
        case .list(let elements): return try element(of: elements, indices)
        case .results(let results): return try element(of: results.map { .tensor($0.value) }, indices)
        case .tensor(let operand): return .tensor(try slice(operand, indices))
        case .literal, .dtype: throw error("\(value.kind) has no elements")
        }
    }

    private func element(of elements: [Value], _ indices: [BoundIndex]) throws(ExpressionError) -> Value {
        guard indices.count == 1, case .at(.literal(.int(let wanted))) = indices[0] else {
            throw error("a list or several results take one number as index")
        }
        let index = wanted < 0 ? Int(clamping: wanted) + elements.count : Int(clamping: wanted)
        guard elements.indices.contains(index) else {
            throw error("index \(wanted) is not in a list of \(elements.count)")
        }
        return elements[index]
    }

    private struct Bounds {
        var begin: [Value] = []
        var end: [Value] = []
        var strides: [Value] = []
        var masks: [String: Int64] = [
            "begin_mask": 0, "end_mask": 0, "ellipsis_mask": 0, "new_axis_mask": 0, "shrink_axis_mask": 0,
        ]

        mutating func append(_ begin: Value, _ end: Value, _ step: Value, masks names: [String]) {
            for name in names { masks[name, default: 0] |= 1 << Int64(strides.count) }
            self.begin.append(begin)
            self.end.append(end)
            strides.append(step)
        }
    }

    private func slice(_ operand: Operand, _ indices: [BoundIndex]) throws(ExpressionError) -> Operand {
        guard indices.count <= 30 else { throw error("\(indices.count) indices are more than 30") }
        let (zero, one) = (Value.literal(.int(0)), Value.literal(.int(1)))
        var bounds = Bounds()
        for index in indices {
            switch index {
            case .ellipsis:
                guard bounds.masks["ellipsis_mask"] == 0 else { throw error("there is more than one ellipsis") }
                bounds.append(zero, zero, one, masks: ["ellipsis_mask"])
            case .at(.literal(.none)): bounds.append(zero, zero, one, masks: ["new_axis_mask"])
            case .at(let place): bounds.append(place, try following(place), one, masks: ["shrink_axis_mask"])
            case .slice(let begin, let end, let step):
                let masks = (begin == nil ? ["begin_mask"] : []) + (end == nil ? ["end_mask"] : [])
                bounds.append(begin ?? zero, end ?? zero, step ?? one, masks: masks)
            }
        }
        let dtype = Self.tensorType(of: .list(bounds.begin + bounds.end + bounds.strides)) ?? .int32
        guard dtype == .int32 || dtype == .int64 else { throw error("an index is \(dtype), expected int32 or int64") }
        var attributes = bounds.masks.mapValues { AttributeValue.int($0) }
        attributes["Index"] = .type(dtype)
        return try self.one(
            "StridedSlice",
            [
                operand, try tensor(.list(bounds.begin), dtype), try tensor(.list(bounds.end), dtype),
                try tensor(.list(bounds.strides), dtype),
            ], attributes)
    }

    /// The end of the slice that an index picks.
    private func following(_ index: Value) throws(ExpressionError) -> Value {
        switch index {
        case .literal(.int), .tensor: return try binary("+", index, .literal(.int(1)))
        default: throw error("an index is \(index.kind), expected an integer, a slice, ... or None")
        }
    }

    /// `value.name`.
    func member(_ value: Value, _ name: String) throws(ExpressionError) -> Value {
        switch (value, name) {
        case (.results(let results), _):
            if let result = results.first(where: { $0.name == name }) { return .tensor(result.value) }
            throw error("there is no result \"\(name)\"; there are \(results.map(\.name).joined(separator: ", "))")
        case (.tensor(let operand), "shape"): return .tensor(try shape(of: operand))
        case (.tensor(let operand), "dtype"): return .dtype(operand.dtype)
        default: throw error("\(value.kind) has no member \"\(name)\"")
        }
    }

    func shape(of operand: Operand, _ dtype: DataType = .int32) throws(ExpressionError) -> Operand {
        if let shape = operand.shape.known { return try integers(shape.dimensions, dtype) }
        return try one("Shape", [operand], ["out_type": .type(dtype)])
    }
}
