internal import TensorFlowProtos

/// The attributes of a node: its own, and where it leaves some out, the defaults of the graph's op list.
struct NodeAttributes: Sendable {
    let own: [String: AttrValue]
    /// All nodes of an op share them.
    private let defaults: [String: AttrValue]

    init(own: [String: AttrValue], defaults: [String: AttrValue] = [:]) {
        self.own = own
        self.defaults = defaults
    }

    subscript(name: String) -> AttrValue? { own[name] ?? defaults[name] }

    /// Whether both have the same attributes, but for those that only say where a node is from.
    func areSame(as other: NodeAttributes) -> Bool { isPart(of: other) && other.hasOnlyNames(of: self) }

    private func isPart(of other: NodeAttributes) -> Bool {
        own.allSatisfy { name, value in Self.isOrigin(name) || other[name] == value }
            && defaults.allSatisfy { name, value in
                Self.isOrigin(name) || own[name] != nil || other[name] == value
            }
    }

    private func hasOnlyNames(of other: NodeAttributes) -> Bool {
        own.keys.allSatisfy { Self.isOrigin($0) || other[$0] != nil }
            && defaults.keys.allSatisfy { Self.isOrigin($0) || other[$0] != nil }
    }

    /// Whether an attribute only says where a node is from.
    private static func isOrigin(_ name: String) -> Bool { name.utf8.first == UInt8(ascii: "_") }

    /// Depends neither on the order of attributes, nor on whether a value is the node's own or a default.
    var hash: Int {
        var sum = 0
        for (name, value) in own where !Self.isOrigin(name) { sum &+= Self.hash(name, value) }
        for (name, value) in defaults where !Self.isOrigin(name) && own[name] == nil { sum &+= Self.hash(name, value) }
        return sum
    }

    private static func hash(_ name: String, _ value: AttrValue) -> Int {
        var hasher = Hasher()
        hasher.combine(name)
        value.hashBeginning(into: &hasher)
        return hasher.finalize()
    }
}

extension AttrValue {
    /// So many elements of a list are looked at.
    private static let hashedCount = 16

    /// Hashes what makes most values differ; lists of lists and functions not at all.
    fileprivate func hashBeginning(into hasher: inout Hasher) {
        switch value {
        case .s(let bytes): hasher.combine(bytes)
        case .i(let number): hasher.combine(number)
        case .f(let number): hasher.combine(number)
        case .b(let truth): hasher.combine(truth)
        case .type(let number): hasher.combine(number)
        case .shape(let shape): hasher.combine(shape.dim.prefix(Self.hashedCount).map(\.size))
        case .tensor(let tensor):
            hasher.combine(tensor.dtype)
            hasher.combine(tensor.tensorShape.dim.prefix(Self.hashedCount).map(\.size))
            hasher.combine(tensor.tensorContent)
            hasher.combine(tensor.floatVal.prefix(Self.hashedCount))
            hasher.combine(tensor.intVal.prefix(Self.hashedCount))
            hasher.combine(tensor.stringVal.prefix(Self.hashedCount))
        case .list(let list): hasher.combine(list.i.prefix(Self.hashedCount))
        case .placeholder, .func, nil: break
        }
    }
}
