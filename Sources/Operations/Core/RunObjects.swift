package import Kernels
package import Tensors

/// Something that the ops of one run make and hand to each other: an array, a stack, a list. It lives as long as a value of
/// the run holds it.
package protocol RunObject: AnyObject {
    /// For messages: "a TensorArray".
    static var kind: String { get }
    /// How many objects hold one another, this one the outermost; 0 where it cannot hold any.
    var depth: Int { get }
}

extension RunObject {
    package var depth: Int { 0 }

    /// The object, where another one may hold it: what holds one another is let go of one in the other.
    ///
    /// Throws `resourceExhausted` where there are too many.
    func requireShallow() throws(OpError) -> any RunObject {
        guard depth < 100 else { throw OpError(.resourceExhausted, "more than 100 handles in one another") }
        return self
    }
}

/// A value of a run: a tensor, or an object that a handle stands for.
package enum RunValue {
    /// The elements are there.
    case tensor(Tensor)
    /// The tensor is a handle: this is what it stands for.
    case object(any RunObject)

    /// The tensor.
    ///
    /// Throws `malformed` where it is a handle.
    func tensor(_ role: StaticString) throws(OpError) -> Tensor {
        guard case .tensor(let tensor) = self else { throw OpError(.malformed, "\(role) is a handle") }
        return tensor
    }

    /// See ``RunObject``.
    var depth: Int { if case .object(let object) = self { object.depth } else { 0 } }

    /// The object.
    ///
    /// Throws `malformed` where it is none of that kind.
    func object<Object: RunObject>(as type: Object.Type = Object.self) throws(OpError) -> Object {
        guard case .object(let object) = self, let object = object as? Object else {
            throw OpError(.malformed, "its handle is not that of \(Object.kind)")
        }
        return object
    }
}

/// An op that works on the objects of a run.
package protocol RunOp: Op {
    /// Computes the outputs.
    ///
    /// - `inputs`: Tensors among them may be valid during the call only: what is kept is ``Tensor/kept()``.
    /// - `account`: Counts what the call takes. What is reserved and not given back stays counted until the run ends.
    ///
    /// Throws ``OpError``, `invalidArgument` where an index or a value does not fit.
    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue]
}

extension RunOp {
    // What is known of objects is more than the elements of a tensor.
    package static var traits: OpTraits { .notFolded }
    package var implementation: OpImplementation { .objects(self) }
}

extension Tensor {
    /// The tensor itself where its memory is its own, else a copy.
    ///
    /// - Throws: `resourceExhausted` if memory is short.
    package func kept() throws(OpError) -> Tensor { storage.isCallers ? try copied() : self }

    /// A tensor with the same elements in memory of its own; the bytes of strings are shared.
    ///
    /// - Throws: `resourceExhausted` if memory is short.
    package func copied() throws(OpError) -> Tensor {
        let copy = Tensor(dtype: dtype, shape: shape) { memory in withUnsafeBytes { memory.copyMemory(from: $0) } }
        guard let copy else { throw OpError(.resourceExhausted, "not enough memory for \(byteCount) bytes") }
        return copy
    }

    /// All zero; empty strings.
    ///
    /// Throws `resourceExhausted` if memory is short.
    package static func zeros(_ dtype: DataType, _ shape: Shape) throws(OpError) -> Tensor {
        let zeros = Tensor(dtype: dtype, shape: shape) { memory in
            if dtype == .string {
                _ = memory.initializeMemory(as: TensorString.self, repeating: TensorString(start: nil, count: 0))
            } else {
                _ = memory.initializeMemory(as: UInt8.self, repeating: 0)
            }
        }
        guard let zeros else { throw OpError(.resourceExhausted, "not enough memory for \(dtype) \(shape)") }
        return zeros
    }

    /// A scalar.
    ///
    /// Throws `resourceExhausted` if memory is short.
    package static func scalar<Scalar: TensorScalar>(_ value: Scalar) throws(OpError) -> Tensor {
        guard let tensor = Tensor([value], shape: []) else {
            throw OpError(.resourceExhausted, "not enough memory for a scalar")
        }
        return tensor
    }
}
