internal import Tensors

/// How a value depends on the rows of a batch: requests whose feeds are put end to end along their first dimension, and run as one.
///
/// What is said here is true for batches of every size, from one row on.
package enum BatchRole: Hashable, Sendable {
    /// The same for all requests that may be in one batch.
    case shared
    /// So many slices along the first dimension belong to each row of the batch, one row after the other, and depend on that row
    /// alone. The other dimensions are the same for batches of every size.
    case rows(Int)
    /// Whole numbers, of which some tell the size of the batch.
    case sizes([BatchSize])
    /// Anything else.
    case mixed
}

/// A whole number that may depend on the size of the batch.
package enum BatchSize: Hashable, Sendable {
    /// The same for batches of every size.
    case fixed(Int)
    /// The number of rows times this.
    case rows(Int)

    /// The number for a batch of that size; nil where it is not representable.
    package func value(rows count: Int) -> Int? {
        switch self {
        case .fixed(let number): return number
        case .rows(let factor):
            let (product, overflow) = factor.multipliedReportingOverflow(by: count)
            return overflow ? nil : product
        }
    }
}

/// A node of a run with a batch: what is known of its inputs and outputs for a batch of some size, and how its inputs depend on the rows.
package struct BatchedNode {
    package let inputs: [TensorFact]
    package let outputs: [TensorFact]
    /// One for each input.
    package let roles: [BatchRole]

    package init(inputs: [TensorFact], outputs: [TensorFact], roles: [BatchRole]) {
        self.inputs = inputs
        self.outputs = outputs
        self.roles = roles
    }

    /// Nothing is known of the outputs.
    package var mixed: [BatchRole] { all(.mixed) }

    /// All outputs depend on the rows in that way.
    func all(_ role: BatchRole) -> [BatchRole] { Array(repeating: role, count: outputs.count) }

    /// How many slices of an input belong to a row; nil where it is not cut into rows.
    func rows(_ index: Int) -> Int? { if case .rows(let count) = roles[index] { count } else { nil } }

    func isShared(_ index: Int) -> Bool { roles[index] == .shared }

    func rank(_ index: Int) -> Int? { inputs[index].shape.rank }

    /// The elements of an input that is the same for all requests.
    func integers(_ index: Int) -> [Int]? { isShared(index) ? inputs[index].integers : nil }

    /// The one element of such an input, as an axis of a tensor of `rank` dimensions, counted from the front.
    func axis(_ index: Int, rank: Int?) -> Int? {
        guard let listed = integers(index), listed.count == 1 else { return nil }
        return Self.place(listed[0], rank: rank)
    }

    /// An axis counted from the front.
    static func place(_ axis: Int, rank: Int?) -> Int? {
        guard let rank, axis >= -rank, axis < rank else { return nil }
        return axis < 0 ? axis + rank : axis
    }

    /// The elements of an input that holds sizes; nil where they are not known.
    func sizes(_ index: Int) -> [BatchSize]? {
        if case .sizes(let sizes) = roles[index] { return sizes }
        return integers(index)?.map { .fixed($0) }
    }

    /// The sizes where an input tells of the batch; nil also where it is the same for all batches.
    func batchSizes(_ index: Int) -> [BatchSize]? {
        if case .sizes(let sizes) = roles[index] { sizes } else { nil }
    }

    /// Of a shape that an input lists: how much of its first dimension belongs to a row, if all other dimensions are fixed.
    func rowsOfShape(_ index: Int) -> Int? {
        guard let sizes = sizes(index), case .rows(let count)? = sizes.first, count > 0,
            sizes.dropFirst().allSatisfy(\.isFixed)
        else {
            return nil
        }
        return count
    }

    /// The rule of ops that treat the slices along the first dimension one by one: all of `data` are cut into rows in the same way, the
    /// other inputs are shared; then so are the outputs.
    ///
    /// - `minimumRank`: That of all of `data`: where the op mixes the last dimensions, the first must not be one of them.
    func rowwise(_ data: Int..., minimumRank: Int = 1) -> [BatchRole] { rowwise(Set(data), minimumRank: minimumRank) }

    /// The same for any set of inputs.
    func rowwise(_ data: Set<Int>, minimumRank: Int = 1) -> [BatchRole] {
        var found: Int?
        for index in inputs.indices {
            guard data.contains(index) else {
                guard isShared(index) else { return mixed }
                continue
            }
            guard let count = rows(index), count == found ?? count, rank(index) ?? 0 >= minimumRank else {
                return mixed
            }
            found = count
        }
        return found.map { all(.rows($0)) } ?? mixed
    }

    /// The rule of ops that compute each element from one of each input, which broadcast.
    func elementwise() -> [BatchRole] {
        guard let result = outputs.first?.shape.rank else { return mixed }
        var found: Int?
        for index in inputs.indices {
            if let count = rows(index) {
                // Of a lower rank, the rows would lie along another dimension of the result.
                guard count == found ?? count, rank(index) == result else { return mixed }
                found = count
            } else {
                guard isShared(index), let own = rank(index),
                    own < result || own == result && inputs[index].shape.dimension(0) == 1
                else { return mixed }
            }
        }
        return found.map { all(.rows($0)) } ?? mixed
    }

    /// The rule of ops whose output has the elements of input 0 in their order, sizes among them; `rows` is the rule for rows.
    func handingOn(rows rule: () -> [BatchRole]) -> [BatchRole] {
        if case .sizes = roles[0], (1..<roles.count).allSatisfy(isShared) { return all(roles[0]) }
        return rule()
    }
}

extension BatchSize {
    /// Whether it is the same for batches of every size.
    package var isFixed: Bool { if case .fixed = self { true } else { false } }

    /// The product; nil where it is of neither kind, or not representable.
    func times(_ other: BatchSize) -> BatchSize? {
        switch (self, other) {
        case (.fixed(let left), .fixed(let right)): Self.product(left, right).map { .fixed($0) }
        case (.fixed(let left), .rows(let right)), (.rows(let left), .fixed(let right)):
            Self.product(left, right).map { .rows($0) }
        case (.rows, .rows): nil
        }
    }

    private static func product(_ left: Int, _ right: Int) -> Int? {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? nil : product
    }

    /// The quotient, where it leaves nothing for batches of every size.
    func divided(by other: BatchSize) -> BatchSize? {
        switch (self, other) {
        case (.fixed(let left), .fixed(let right)): Self.quotient(left, right).map { .fixed($0) }
        case (.rows(let left), .fixed(let right)): Self.quotient(left, right).map { .rows($0) }
        case (.rows(let left), .rows(let right)): Self.quotient(left, right).map { .fixed($0) }
        case (.fixed, .rows): nil
        }
    }

    private static func quotient(_ left: Int, _ right: Int) -> Int? {
        left > 0 && right > 0 && left % right == 0 ? left / right : nil
    }
}
