package import Graphs
package import Memory
package import Operations
package import Planning
internal import Synchronization
internal import Tensors
package import Threads

/// A graph with the values of its variables: compiles feeds and fetches to ``Callable``s and keeps these.
package final class Session: Sendable {
    /// The maximum memory of one run for what it computes, in bytes.
    package static let defaultLimitBytes = 4 << 30

    package let graph: Graph
    let variables: VariableStates
    private let library: PlanLibrary
    let compiler: PlanCompiler
    private let workspaces: ObjectPool<Workspace>
    private let holder: MemoryHolder
    let limitBytes: Int
    private let memory: MemoryAccount?
    private let callables = Mutex<[Signature: Kept]>([:])

    /// What may be kept of this session and all others.
    package let caches: CacheBudget
    private let compiledCount = Atomic<Int>(0)

    private struct Signature: Hashable {
        let feeds: [Endpoint]
        let fetches: [Endpoint]
        let targets: [Int]
        var additions: GraphAdditions?
    }

    private struct Kept {
        let callable: Callable
        /// How many were compiled before.
        let number: Int
    }

    /// A callable, as the budget sees it. The first stays as long as the session.
    private final class Entry: CacheEntry, @unchecked Sendable {
        private let signature: Signature
        // Safety: set once, here.
        private weak let session: Session?

        /// - Parameters:
        ///   - signature: What the callable is for.
        ///   - plan: Its plan.
        ///   - weightBytes: The bytes of weights that were first derived for it.
        ///   - session: The session that keeps it.
        init(_ signature: Signature, _ plan: Plan, weightBytes: Int, _ session: Session) {
            self.signature = signature
            self.session = session
            super.init(.callables, byteCount: plan.byteCount + weightBytes + (signature.additions?.byteCount ?? 0))
        }

        override func evict() { session?.forget(signature, self) }
    }

    private func forget(_ signature: Signature, _ entry: CacheEntry) {
        // Freed out of the lock, with its programs.
        let forgotten = callables.withLock { callables -> Callable? in
            guard let kept = callables[signature], kept.callable.entry === entry else { return nil }
            callables[signature] = nil
            return kept.callable
        }
        withExtendedLifetime(forgotten) {}
    }

    /// - Parameters:
    ///   - graph: The graph.
    ///   - variables: Their values.
    ///   - threadCount: How many runs are expected at once.
    ///   - limitBytes: The maximum memory of one run for what it computes, in bytes.
    ///   - memory: The account of all runs, and more; nil for none.
    ///   - caches: What may be kept of this session and all others.
    ///   - tables: What tables are filled with, if it is not in the graph.
    ///   - library: What the session shares with others of the same graph; nil for nothing.
    ///   - readOnlyReason: Why runs may not assign variables, and what to do about it; nil where they may.
    ///   - areVariablesTrained: Whether runs may apply gradients to variables. They change them in place, also if they fail later; one run
    ///     at a time then.
    ///   - passes: The passes that plans go through.
    ///   - helpers: The source of helpers for evaluating large weights; nil for none.
    package init(
        graph: Graph, variables: any VariableSource, threadCount: Int, limitBytes: Int = Session.defaultLimitBytes,
        memory: MemoryAccount? = nil, caches: CacheBudget = CacheBudget(),
        tables: any TableSource = NoTables(), library: PlanLibrary? = nil,
        readOnlyReason: String? = nil, areVariablesTrained: Bool = false, passes: PassOptions = PassOptions(),
        helpers: (any HelperSource)? = nil
    ) {
        self.graph = graph
        self.variables = VariableStates(
            variables, graph: graph, readOnlyReason: readOnlyReason, areTrained: areVariablesTrained, helpers: helpers)
        self.limitBytes = limitBytes
        self.memory = memory
        self.caches = caches
        let library = library ?? PlanLibrary(graph)
        self.library = library
        compiler = PlanCompiler(graph, self.variables, tables: tables, facts: library.inference, options: passes)
        workspaces = ObjectPool<Workspace>(count: threadCount)
        holder = MemoryHolder { [workspaces] in workspaces.removeAll() }
        memory?.add(holder)
    }

    /// What the ops' rules, or the graph's own declarations, tell of a tensor's dtype and shape; nil where it tells nothing.
    package func fact(of endpoint: Endpoint) -> TensorFact? { library.inference.feedableFact(of: endpoint) }

    /// What the graph tells of its tensors.
    package var inference: FactInference { library.inference }

    /// Compiles, or finds, the callable for feeds and fetches, in these orders.
    ///
    /// - Parameters:
    ///   - feeds: The fed tensors, which are in the session's graph.
    ///   - fetches: The fetched tensors. They may be in the additions.
    ///   - targets: Nodes that run for what they do (`train_op`), by their places in the graph. They may be in the additions.
    ///   - additions: Nodes that only this call adds to the graph; nil for none.
    /// - Returns: The callable, which later calls with the same arguments return again until it is outdated.
    /// - Throws: ``OpError``; see ``PlanCompiler/plan(feeds:fetches:targets:observe:)``.
    package func callable(
        feeds: [Endpoint], fetches: [Endpoint], targets: [Int] = [], additions: GraphAdditions? = nil
    ) throws(OpError) -> Callable {
        let signature = Signature(feeds: feeds, fetches: fetches, targets: targets, additions: additions)
        if let known = callables.withLock({ $0[signature]?.callable }), !known.isOutdated { return known }
        let facts = try facts(ofFeeds: feeds)
        let generation = variables.generation
        let derivedBefore = variables.weights.bytes.computed
        let compiler = additions.map { self.compiler.extended(to: $0.graph) } ?? self.compiler
        let (plan, binding) = try plan(for: signature, facts, compiler)
        let derived = max(0, variables.weights.bytes.computed - derivedBefore)
        let callable = Callable(
            feeds: facts.map { Callable.Argument(name: name($0.0), dtype: $0.1.dtype, shape: $0.1.shape) },
            fetches: fetches.map { name($0, in: additions?.graph) }, plan: plan, binding, workspaces: workspaces,
            limitBytes: limitBytes,
            memory: memory,
            variables: variables, generation: generation, compiler: compiler, caches: caches,
            entry: Entry(signature, plan.plan, weightBytes: derived, self))
        return keep(callable, signature)
    }

    /// The plan that another version uses, where it is right for this one, else a new one.
    private func plan(
        for signature: Signature, _ facts: [(Endpoint, TensorFact)], _ compiler: PlanCompiler
    ) throws(OpError) -> (SharedPlan, WeightBinding) {
        let key = libraryKey(signature)
        if let known = library.plan(for: key), let binding = bind(known.plan) { return (known, binding) }
        let (plan, binding) = try compiler.plan(
            feeds: facts, fetches: signature.fetches, targets: signature.targets)
        let shared = SharedPlan(plan)
        library.add(shared, for: key)
        return (shared, binding)
    }

    /// The weights of another version's plan in this one; nil where the plan is not right for it.
    private func bind(_ plan: Plan) -> WeightBinding? {
        guard !plan.constantVariables.contains(where: { variables.state(of: $0) != nil }) else { return nil }
        let evaluation = WeightEvaluation(variables.weights, plan.weights)
        return evaluation.isValid() ? try? evaluation.binding(of: plan.usedWeights) : nil
    }

    private func libraryKey(_ signature: Signature) -> PlanLibrary.Key {
        PlanLibrary.Key(
            feeds: signature.feeds, fetches: signature.fetches, targets: signature.targets, options: compiler.options,
            readOnlyReason: variables.readOnlyReason, additions: signature.additions)
    }

    /// The weights that plans read or derive.
    package var weights: WeightStore { variables.weights }

    /// What these take in memory.
    package var weightBytes: WeightBytes { weights.bytes }

    /// Checks that fetches can be computed from feeds. Nothing is planned.
    ///
    /// - Parameters:
    ///   - feeds: The fed tensors.
    ///   - fetches: The fetched tensors.
    ///   - isKept: Whether sessions of other versions may take the result over. Only for feeds and fetches that the model names, not a request.
    /// - Throws: ``OpError``, as ``callable(feeds:fetches:)`` does.
    package func check(feeds: [Endpoint], fetches: [Endpoint], isKept: Bool = true) throws(OpError) {
        let signature = Signature(feeds: feeds, fetches: fetches, targets: [])
        if let known = callables.withLock({ $0[signature]?.callable }), !known.isOutdated { return }
        let key = libraryKey(signature)
        if library.isChecked(key, in: variables.weights) { return }
        let weights = try compiler.check(feeds: try facts(ofFeeds: feeds), fetches: fetches)
        if isKept { library.add(check: weights, for: key) }
    }

    /// The dtypes and shapes that feeds may have.
    func facts(ofFeeds feeds: [Endpoint]) throws(OpError) -> [(Endpoint, TensorFact)] {
        var facts: [(Endpoint, TensorFact)] = []
        for feed in feeds {
            guard let fact = fact(of: feed), !fact.dtype.isHandle else {
                throw OpError(.invalidArgument, "\"\(name(feed))\" cannot be fed: its dtype is not known")
            }
            facts.append((feed, TensorFact(fact.dtype, fact.shape)))
        }
        return facts
    }

    /// Keeps a callable, unless another thread was quicker.
    private func keep(_ callable: Callable, _ signature: Signature) -> Callable {
        let number = compiledCount.add(1, ordering: .relaxed).oldValue
        var outdated: Callable?
        let kept = callables.withLock { known in
            let earlier = known[signature]
            if let earlier, !earlier.callable.isOutdated { return earlier.callable }
            outdated = earlier?.callable
            known[signature] = Kept(callable: callable, number: earlier?.number ?? number)
            return callable
        }
        if let outdated { caches.remove(outdated.entry) }
        if kept === callable { caches.add(callable.entry, isKept: number == 0 && signature.additions == nil) }
        return kept
    }

    deinit { for kept in callables.withLock({ $0.values }) { caches.remove(kept.callable.entry) } }

    /// The nodes that fetches need, by their places in the graph, given some feeds.
    ///
    /// - Throws: ``OpError`` of kind `malformed` for an input that does not exist, and for a cycle.
    package func nodes(for fetches: [Endpoint], feeds: [Endpoint]) throws(OpError) -> [Int] {
        try compiler.nodes(for: fetches, feeds: feeds)
    }

    /// What was compiled, the latest first.
    package var compiled: [Callable] {
        callables.withLock { $0.values.sorted { $0.number > $1.number }.map(\.callable) }
    }

    private func name(_ endpoint: Endpoint, in other: Graph? = nil) -> String {
        "\((other ?? graph).nodes[endpoint.node].name):\(endpoint.output)"
    }
}
