internal import Graphs
internal import Operations
internal import Synchronization

/// The ops of a session that keep something from run to run (the place in a stream of random numbers): one for each node,
/// whatever plans it is in.
final class StatefulOps: Sendable {
    private let ops = Mutex<[Int: any Op]>([:])

    /// The op of a node.
    ///
    /// - Throws: what `make` throws.
    func op(ofNode index: Int, make: () throws(OpError) -> any Op) throws(OpError) -> any Op {
        let new = try make()
        guard new.isStateful else { return new }
        return ops.withLock { ops in
            if let known = ops[index] { return known }
            ops[index] = new
            return new
        }
    }
}
