/// A row of the table of ops.
package struct OpEntry: Sendable {
    /// TensorFlow's name of the op.
    package let name: String
    /// The traits that a node with this op may have.
    package let traits: OpTraits
    /// Reads the attributes.
    package let make: @Sendable (NodeReader) throws(OpError) -> any Op

    /// A row whose nodes have one type of op.
    ///
    /// - Parameters:
    ///   - name: TensorFlow's name of the op.
    ///   - traits: The traits of this row; nil: those of the type.
    ///   - make: Reads the attributes.
    package init<Made: Op>(
        _ name: String, traits: OpTraits? = nil,
        make: @escaping @Sendable (NodeReader) throws(OpError) -> Made
    ) {
        self.name = name
        self.traits = traits ?? Made.traits
        self.make = make
    }

    /// A row whose nodes have one type of op, which needs more than a node to be made.
    ///
    /// - Parameters:
    ///   - name: TensorFlow's name of the op.
    ///   - traits: The traits of this row; nil: those of the type.
    ///   - make: Reads the attributes.
    ///   - first: What `make` gets after the node.
    ///   - others: What `make` gets after `first`.
    package init<Made: Op, First: Sendable, each Other: Sendable>(
        _ name: String, traits: OpTraits? = nil,
        make: @escaping @Sendable (NodeReader, First, repeat each Other) throws(OpError) -> Made,
        _ first: First, _ others: repeat each Other
    ) {
        self.init(name, traits: traits) { node throws(OpError) in try make(node, first, repeat each others) }
    }

    /// A row whose nodes have one of several types of ops.
    ///
    /// - Parameters:
    ///   - name: TensorFlow's name of the op.
    ///   - traits: The traits of all types together.
    ///   - makeAny: Reads the attributes.
    package init(
        _ name: String, traits: OpTraits, makeAny: @escaping @Sendable (NodeReader) throws(OpError) -> any Op
    ) {
        self.name = name
        self.traits = traits
        make = makeAny
    }
}
