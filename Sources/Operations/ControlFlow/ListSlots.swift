internal import Kernels

/// The elements of a list, in a tree whose nodes are shared with other lists.
///
/// Appending, setting or removing an element makes new nodes only on the path to it: O(log n). Existing lists do not
/// change. A node is freed when no list contains it.
struct ListSlots {
    typealias Element = TensorList.Element

    let count: Int
    /// The root of the tree; nil if there are no elements.
    private let root: Node?
    /// The number of levels of nodes. It is 1 if the root is a leaf.
    private let height: Int
    private let account: RunAccount

    private init(_ root: Node?, count: Int, height: Int, _ account: RunAccount) {
        self.root = root
        self.count = count
        self.height = height
        self.account = account
    }

    /// A node of the tree: a leaf with elements, or an inner node. Only the last node of each level may have free places.
    private final class Node {
        enum Content {
            case elements([Element?])
            case nodes([Node])

            var byteCount: Int {
                switch self {
                case .elements(let elements): elements.count * MemoryLayout<Element?>.stride
                case .nodes(let nodes): nodes.count * MemoryLayout<Node>.stride
                }
            }
        }

        static let width = 32
        static let shift = 5
        /// The bytes of a node without its slots.
        private static let ownBytes = 192

        let content: Content
        /// How many objects contain one another below this node.
        let depth: Int
        /// The first tensor below this node.
        let first: HeldTensor?
        private let byteCount: Int
        private let account: RunAccount

        init(_ content: Content, _ account: RunAccount) throws(OpError) {
            byteCount = content.byteCount + Self.ownBytes
            self.account = account
            try account.reserve(byteCount)
            self.content = content
            switch content {
            case .elements(let elements):
                depth = elements.reduce(0) { max($0, $1?.depth ?? 0) }
                first = elements.lazy.compactMap { $0?.tensor }.first
            case .nodes(let nodes):
                depth = nodes.reduce(0) { max($0, $1.depth) }
                first = nodes.lazy.compactMap(\.first).first
            }
        }

        deinit { account.give(byteCount) }
    }

    /// How many objects contain one another in the list.
    var depth: Int { root?.depth ?? 0 }

    /// The first element that is a tensor.
    var first: HeldTensor? { root?.first }

    /// A list of `count` elements.
    ///
    /// - `element`: Makes the element at an index.
    ///
    /// Throws `resourceExhausted` if there is not enough memory for them.
    static func of(
        _ count: Int, _ account: RunAccount, _ element: (Int) throws(OpError) -> Element?
    ) throws(OpError) -> ListSlots {
        // Before the first element is made.
        _ = try TensorStacking.slots(count, account)
        guard count > 0 else { return ListSlots(nil, count: 0, height: 0, account) }
        var level: [Node] = []
        for start in stride(from: 0, to: count, by: Node.width) {
            if start & 0xffff == 0 { try account.checkTime() }
            var elements: [Element?] = []
            elements.reserveCapacity(min(Node.width, count - start))
            for index in start..<min(count, start + Node.width) { elements.append(try element(index)) }
            level.append(try Node(.elements(elements), account))
        }
        var height = 1
        while level.count > 1 {
            var above: [Node] = []
            for start in stride(from: 0, to: level.count, by: Node.width) {
                above.append(try Node(.nodes(Array(level[start..<min(level.count, start + Node.width)])), account))
            }
            level = above
            height += 1
        }
        return ListSlots(level[0], count: count, height: height, account)
    }

    /// The element at an index in 0..<count; nil if it was never set.
    subscript(index: Int) -> Element? {
        var node = root
        var level = height - 1
        while let here = node {
            switch here.content {
            case .elements(let elements): return elements[index & (Node.width - 1)]
            case .nodes(let nodes): node = nodes[Self.place(of: index, level)]
            }
            level -= 1
        }
        return nil
    }

    /// The index of the child that contains the element, for a node `level` levels above the leaves.
    private static func place(of index: Int, _ level: Int) -> Int {
        (index >> (level * Node.shift)) & (Node.width - 1)
    }

    /// Appends an element.
    func appending(_ element: Element?) throws(OpError) -> ListSlots {
        guard let root else {
            return ListSlots(try Node(.elements([element]), account), count: 1, height: 1, account)
        }
        guard count == 1 << (height * Node.shift) else {
            let node = try node(root, height - 1, count, becomes: element)
            return ListSlots(node, count: count + 1, height: height, account)
        }
        let side = try node(nil, height - 1, count, becomes: element)
        return ListSlots(try Node(.nodes([root, side]), account), count: count + 1, height: height + 1, account)
    }

    /// Replaces the element at an index in 0..<count.
    func setting(_ index: Int, _ element: Element?) throws(OpError) -> ListSlots {
        ListSlots(
            try node(root, height - 1, index, becomes: element), count: count, height: height, account)
    }

    /// The node with a new element at an index. The index may be one past the last.
    private func node(
        _ node: Node?, _ level: Int, _ index: Int, becomes element: Element?
    ) throws(OpError) -> Node {
        let place = Self.place(of: index, level)
        if level == 0 {
            var elements: [Element?] = []
            if case .elements(let known) = node?.content { elements = known }
            if place < elements.count { elements[place] = element } else { elements.append(element) }
            return try Node(.elements(elements), account)
        }
        var nodes: [Node] = []
        if case .nodes(let known) = node?.content { nodes = known }
        let child = try self.node(place < nodes.count ? nodes[place] : nil, level - 1, index, becomes: element)
        if place < nodes.count { nodes[place] = child } else { nodes.append(child) }
        return try Node(.nodes(nodes), account)
    }

    /// Removes the last element.
    func droppingLast() throws(OpError) -> ListSlots {
        guard let root, count > 1 else { return ListSlots(nil, count: 0, height: 0, account) }
        var node = try without(count - 1, root, height - 1)
        var height = height
        // A root with one child is replaced by the child.
        while case .nodes(let nodes) = node?.content, nodes.count == 1 {
            node = nodes[0]
            height -= 1
        }
        return ListSlots(node, count: count - 1, height: height, account)
    }

    /// The node without its last element, which has the given index; nil if no element is left.
    private func without(_ index: Int, _ node: Node, _ level: Int) throws(OpError) -> Node? {
        let place = Self.place(of: index, level)
        switch node.content {
        case .elements(let elements):
            return place == 0 ? nil : try Node(.elements(Array(elements.dropLast())), account)
        case .nodes(let nodes):
            let child = try without(index, nodes[place], level - 1)
            guard child != nil || place > 0 else { return nil }
            var kept = Array(nodes.dropLast())
            if let child { kept.append(child) }
            return try Node(.nodes(kept), account)
        }
    }

    /// The first `count` elements. If there are fewer, elements that are not set follow.
    func resized(to count: Int) throws(OpError) -> ListSlots {
        let difference = count.subtractingReportingOverflow(self.count)
        guard !difference.overflow, difference.partialValue.magnitude <= Node.width else {
            return try .of(count, account) { (index) in index < self.count ? self[index] : nil }
        }
        var slots = self
        while slots.count < count { slots = try slots.appending(nil) }
        while slots.count > count { slots = try slots.droppingLast() }
        return slots
    }

    /// Appends the elements of another list.
    func appending(_ others: ListSlots) throws(OpError) -> ListSlots {
        let (sum, overflow) = count.addingReportingOverflow(others.count)
        return try .of(overflow ? .max : sum, account) { (index) in
            index < count ? self[index] : others[index - count]
        }
    }

    /// Replaces the elements at the given indices, each in 0..<count.
    func setting(_ changes: [(index: Int, element: Element)]) throws(OpError) -> ListSlots {
        // Few changes leave most nodes shared.
        guard changes.count >= count / Node.width else {
            var slots = self
            for change in changes { slots = try slots.setting(change.index, change.element) }
            return slots
        }
        let room = try TensorStacking.slots(count, account)
        defer { withExtendedLifetime(room) {} }
        var elements = (0..<count).map { self[$0] }
        for change in changes { elements[change.index] = change.element }
        return try .of(count, account) { (index) in elements[index] }
    }
}
