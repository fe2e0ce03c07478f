internal import Graphs
internal import Kernels
internal import Operations
internal import Tensors

/// A tensor of a loop that is fetched: it has a value if the loop computes it exactly once, as in TensorFlow.
final class LoopFetch: RunObject {
    static let kind = "a fetch in a loop"

    fileprivate var tensor: Tensor?
    fileprivate let held: RunAccount

    init(_ account: RunAccount) { held = account }

    deinit { if let tensor { held.give(tensor.byteCount) } }
}

/// The steps of a plan for it: three, of which the second is in the loop.
enum LoopFetchStep: RunOp {
    /// Output: the handle.
    case begin
    /// Inputs: the handle, the value.
    case set
    /// Input: the handle. Output: the value, of which the fact tells.
    case get(dtype: DataType)

    static var traits: OpTraits { [.state, .notFolded, .effect] }
    var traits: OpTraits { self == .set ? [.state, .notFolded, .effect] : [.state, .notFolded] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        switch self {
        case .begin: [TensorFact(.resource, Shape.scalar)]
        case .set: []
        case .get(let dtype): [TensorFact(dtype, .unknown)]
        }
    }

    func run(_ inputs: [RunValue], _ account: RunAccount) throws(OpError) -> [RunValue] {
        if self == .begin { return [.object(LoopFetch(account))] }
        guard case .object(let object)? = inputs.first, let fetch = object as? LoopFetch else {
            throw OpError(.malformed, "is not given the fetch")
        }
        if self == .set {
            guard case .tensor(let tensor)? = inputs.last else { throw .invalid("is a handle: it cannot be fetched") }
            guard fetch.tensor == nil else {
                throw .invalid("is in a loop that computes it more than once: it has no one value to fetch")
            }
            try account.reserve(tensor.byteCount)
            fetch.tensor = try tensor.kept()
            return []
        }
        guard let tensor = fetch.tensor else {
            throw .invalid("is in a loop that did not come to it: it has no value to fetch")
        }
        return [.tensor(tensor)]
    }
}

extension PlanImporter {
    /// Prepares for the fetches that are in loops.
    mutating func begin(loopFetches: [Endpoint]) {
        for endpoint in Set(loopFetches) {
            self.loopFetches[endpoint] = addStep(.begin, endpoint.node, [], [TensorFact(.resource, Shape.scalar)])[0]
        }
    }

    /// Keeps what a node in a loop gives, as far as it is fetched.
    mutating func keepFetches(of index: Int) {
        guard loopDepth > 0 else { return }
        for (endpoint, handle) in loopFetches where endpoint.node == index {
            guard let known = values[endpoint] else { continue }
            _ = addStep(.set, index, [handle, known.value], [], known.guarded)
        }
    }

    /// The value of a fetch in a loop; nil where it is in none.
    mutating func loopFetch(_ endpoint: Endpoint) -> Plan.Value? {
        guard let handle = loopFetches[endpoint] else { return nil }
        let dtype = values[endpoint].map { plan.facts[$0.value].dtype } ?? graph.declaredType(of: endpoint) ?? .float32
        return addStep(.get(dtype: dtype), endpoint.node, [handle], [TensorFact(dtype, .unknown)])[0]
    }

    private mutating func addStep(
        _ op: LoopFetchStep, _ index: Int, _ inputs: [Plan.Value], _ facts: [TensorFact], _ guarded: Guard = .always
    ) -> [Plan.Value] {
        addNode(.op(op), index, inputs, facts, guarded)
    }
}
