internal import Graphs

/// The scopes of nodes' names, each once: `a/b` of the node `a/b/c`, and `a` around it.
///
/// A graph has many nodes and few scopes: what follows from a scope is found out once for each.
struct NameScopes {
    /// For each node the number of its scope; 0 for a name without one.
    let ofNode: [Int]
    /// The scopes' names, each after that of the scope around it.
    private let names: [Substring]
    /// For each scope the number of the scope around it.
    private let outer: [Int]

    /// Scopes deeper than that are taken for the one that is so deep: a name of thousands of scopes is nobody's.
    private static let maxDepth = 64

    init(_ graph: Graph) {
        var known: [Substring: Int] = ["": 0]
        var names: [Substring] = [""]
        var outer = [0]
        func number(_ scope: Substring) -> Int {
            if let number = known[scope] { return number }
            // The scopes around it are new up to one that is known.
            var new = [scope]
            var around = Self.scope(of: scope)
            while known[around] == nil {
                new.append(around)
                around = Self.scope(of: around)
            }
            var last = known[around] ?? 0
            for scope in new.reversed() {
                outer.append(last)
                last = names.count
                known[scope] = last
                names.append(scope)
            }
            return last
        }
        var last = 0
        ofNode = graph.nodes.map { node in
            let scope = Self.scope(of: node.name[...])
            if scope != names[last] { last = number(Self.cut(scope)) }
            return last
        }
        self.names = names
        self.outer = outer
    }

    private static func cut(_ scope: Substring) -> Substring {
        var depth = 1
        for place in scope.utf8.indices where scope.utf8[place] == UInt8(ascii: "/") {
            if depth == maxDepth { return scope[..<place] }
            depth += 1
        }
        return scope
    }

    /// For each scope whether it, or a scope around it, is one of some.
    ///
    /// - `isWanted`: Gets the scope's name and its last component.
    func marks(where isWanted: (_ name: Substring, _ component: Substring) -> Bool) -> [Bool] {
        var marks = [Bool](repeating: false, count: names.count)
        for scope in names.indices.dropFirst() {
            marks[scope] = marks[outer[scope]] || isWanted(names[scope], Self.component(of: names[scope]))
        }
        return marks
    }

    /// For each scope whether one of some nodes is in it, or in a scope inside of it. The outermost is none.
    func marks(around nodes: some Sequence<Int>) -> [Bool] {
        var marks = [Bool](repeating: false, count: names.count)
        for node in nodes {
            var scope = ofNode[node]
            while scope != 0, !marks[scope] {
                marks[scope] = true
                scope = outer[scope]
            }
        }
        return marks
    }

    /// The last component of a node's or a scope's name.
    static func component(of name: Substring) -> Substring {
        slash(in: name).map { name[name.utf8.index(after: $0)...] } ?? name
    }

    private static func scope(of name: Substring) -> Substring { slash(in: name).map { name[..<$0] } ?? "" }

    private static func slash(in name: Substring) -> String.Index? {
        let bytes = name.utf8
        let offset: Int?? = bytes.withContiguousStorageIfAvailable { $0.lastIndex(of: UInt8(ascii: "/")) }
        guard let offset else { return bytes.lastIndex(of: UInt8(ascii: "/")) }
        return offset.map { bytes.index(bytes.startIndex, offsetBy: $0) }
    }
}
