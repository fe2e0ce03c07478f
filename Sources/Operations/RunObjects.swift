package import Kernels
package import Tensors

/// The objects that the ops of one run make and hand to each other by number: arrays, stacks, lists.
///
/// Belongs to one run, and so to one thread.
package final class RunObjects {
    private var objects: [any RunObject] = []
    /// What the objects may still take, in bytes.
    package private(set) var remainingBytes = Int.max

    package init() {}

    /// Forgets all objects and begins a run.
    ///
    /// - `limitBytes`: The most memory that the objects may hold.
    package func begin(limitBytes: Int) {
        objects.removeAll(keepingCapacity: true)
        remainingBytes = limitBytes
    }

    /// Keeps an object.
    ///
    /// Gives the tensor that stands for it; throws `resourceExhausted` if there are too many.
    func add(_ object: any RunObject, as dtype: DataType) throws(CompileError) -> Tensor {
        guard objects.count < Self.mostObjects, let handle = Tensor(handle: Int64(objects.count), as: dtype) else {
            throw CompileError(.resourceExhausted, "a run may make at most \(Self.mostObjects) arrays and lists")
        }
        objects.append(object)
        return handle
    }

    /// The object that a tensor stands for.
    ///
    /// Throws `malformed` where it stands for none of that kind.
    func object<Object: RunObject>(of handle: Tensor, as type: Object.Type = Object.self) throws(CompileError) -> Object
    {
        guard let number = handle.handle, objects.indices.contains(Int(number)),
            let object = objects[Int(number)] as? Object
        else {
            throw CompileError(.malformed, "its handle is not that of \(Object.kind)")
        }
        return object
    }

    /// Counts memory that an object is about to hold.
    ///
    /// Throws `resourceExhausted` where it is too much.
    func reserve(_ byteCount: Int) throws(CompileError) {
        guard byteCount <= remainingBytes else {
            throw CompileError(.resourceExhausted, "arrays and lists would need more memory than a run may take")
        }
        remainingBytes -= byteCount
    }

    /// Gives counted memory back.
    func release(_ byteCount: Int) { remainingBytes += byteCount }

    private static let mostObjects = 1 << 24
}

/// Something that lives in ``RunObjects``.
protocol RunObject: AnyObject {
    /// For messages: "a TensorArray".
    static var kind: String { get }
}

/// An op that works on the objects of a run.
package protocol RunOp: Op {
    /// Computes the outputs.
    ///
    /// - `inputs`: Valid during the call only: what is kept is copied.
    /// - `objects`: Those of the run.
    ///
    /// Throws ``CompileError``, `invalidArgument` where an index or a value does not fit.
    func run(_ inputs: [Tensor], _ objects: RunObjects) throws(CompileError) -> [Tensor]
}

extension RunOp {
    package var isStateful: Bool { true }

    package func kernel(for spec: KernelSpec) throws(CompileError) -> Kernel {
        throw CompileError(.malformed, "works on the objects of a run, it has no kernel")
    }
}

extension Tensor {
    /// The tensor that stands for an object of a run.
    init?(handle number: Int64, as dtype: DataType) {
        self.init(dtype: dtype, shape: .scalar) { memory in memory.storeBytes(of: number, as: Int64.self) }
    }

    /// The number of the object that a handle stands for.
    var handle: Int64? {
        guard dtype.isHandle, shape.elementCount == 1 else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
    }

    /// A tensor with the same elements in memory of its own.
    ///
    /// Throws `resourceExhausted` if memory is short.
    package func copied() throws(CompileError) -> Tensor {
        let copy = Tensor(dtype: dtype, shape: shape) { memory in
            withUnsafeBytes { memory.copyMemory(from: $0) }
        }
        guard let copy else { throw CompileError(.resourceExhausted, "not enough memory for \(byteCount) bytes") }
        return copy.owningStrings
    }

    /// All zero bits (no strings).
    ///
    /// Throws `resourceExhausted` if memory is short.
    static func zeros(_ dtype: DataType, _ shape: Shape) throws(CompileError) -> Tensor {
        guard dtype != .string else {
            guard let empty = Tensor(strings: Array(repeating: [], count: shape.elementCount), shape: shape) else {
                throw CompileError(.resourceExhausted, "not enough memory for \(shape) strings")
            }
            return empty
        }
        guard
            let zeros = Tensor(
                dtype: dtype, shape: shape, initializing: { $0.initializeMemory(as: UInt8.self, repeating: 0) })
        else { throw CompileError(.resourceExhausted, "not enough memory for \(dtype) \(shape)") }
        return zeros
    }

    /// A scalar.
    static func scalar<Scalar: TensorScalar>(_ value: Scalar) throws(CompileError) -> Tensor {
        guard let tensor = Tensor([value], shape: []) else {
            throw CompileError(.resourceExhausted, "not enough memory for a scalar")
        }
        return tensor
    }
}
