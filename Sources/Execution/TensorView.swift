internal import Operations
package import Tensors

/// A tensor in somebody else's memory, valid only within the call that hands it over.
// Safety: made over memory that outlives the call; readers check counts against `elementCount`.
package struct TensorView {
    package let dtype: DataType
    /// The sizes, outermost first.
    package let dimensions: UnsafeBufferPointer<Int>
    /// The elements, row-major, aligned to their width; ``TensorString``s for strings.
    package let elements: UnsafeRawPointer

    package init(dtype: DataType, dimensions: UnsafeBufferPointer<Int>, elements: UnsafeRawPointer) {
        self.dtype = dtype
        self.dimensions = dimensions
        self.elements = elements
    }

    /// The product of the dimensions; they are those of a ``Shape``, so it is representable.
    package var elementCount: Int { dimensions.reduce(1, *) }

    /// Copies the tensor into memory of its own; nil if memory is short.
    package func copy() -> Tensor? {
        guard let shape = Shape(Array(dimensions)), let bytes = shape.byteCount(of: dtype) else { return nil }
        return Tensor(dtype: dtype, shape: shape) { memory in
            memory.copyMemory(from: UnsafeRawBufferPointer(start: elements, count: bytes))
        }?.owningStrings
    }
}
