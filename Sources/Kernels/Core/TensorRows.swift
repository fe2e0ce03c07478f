package import Tensors

/// A row of one of several tensors.
package struct RowPlace: Sendable {
    package let tensor: Int
    package let row: Int

    package init(_ tensor: Int, _ row: Int) {
        self.tensor = tensor
        self.row = row
    }
}

extension Tensor {
    /// Rows of several tensors of one dtype, one after another, in a new tensor that owns its strings.
    ///
    /// - `places`: Each within its tensor.
    /// - `rowShape`: The shape of a row.
    ///
    /// Gives nil without memory.
    package static func rows(_ places: [RowPlace], of tensors: [Tensor], rowShape: Shape = .scalar) -> Tensor? {
        guard let first = tensors.first, let shape = Shape([places.count] + rowShape.dimensions) else { return nil }
        let width = rowShape.elementCount * first.dtype.stride
        let result = Tensor(dtype: first.dtype, shape: shape) { memory in
            for (index, place) in places.enumerated() {
                tensors[place.tensor].withUnsafeBytes { source in
                    let row = UnsafeRawBufferPointer(rebasing: source[(place.row * width)..<((place.row + 1) * width)])
                    UnsafeMutableRawBufferPointer(rebasing: memory[(index * width)..<((index + 1) * width)])
                        .copyMemory(from: row)
                }
            }
        }
        guard let result, first.dtype == .string else { return result }
        return withExtendedLifetime(tensors) {
            result.strings.flatMap { Tensor(strings: $0, shape: shape) }
        }
    }

    /// Some rows of the tensor.
    package func rows(_ rows: [Int], rowShape: Shape = .scalar) -> Tensor? {
        Tensor.rows(rows.map { RowPlace(0, $0) }, of: [self], rowShape: rowShape)
    }
}
