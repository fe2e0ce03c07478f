internal import Graphs

/// The scopes of nodes' names, each once: `a/b` of the node `a/b/c`, and `a` around it.
///
/// A graph has many nodes and few scopes: what follows from a scope is found out once for each.
struct NameScopes {
    /// For each node the number of its scope; 0 for a name without one.
    let ofNode: [Int]
    /// The scopes' names, each after that of the scope around it.
    private let names: [String]
    /// For each scope the number of the scope around it.
    private let outer: [Int]

    init(_ graph: Graph) {
        var known: [Substring: Int] = ["": 0]
        var names = [""]
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
                names.append(String(scope))
            }
            return last
        }
        var last = 0
        ofNode = graph.nodes.map { node in
            let scope = Self.scope(of: node.name[...])
            if scope != names[last] { last = number(scope) }
            return last
        }
        self.names = names
        self.outer = outer
    }

    /// For each scope whether it, or a scope around it, is one of some.
    ///
    /// - `isWanted`: Gets the scope's name and its last component.
    func marks(where isWanted: (_ name: String, _ component: Substring) -> Bool) -> [Bool] {
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
    static func component(of name: String) -> Substring {
        slash(in: name[...]).map { name[name.utf8.index(after: $0)...] } ?? name[...]
    }

    private static func scope(of name: Substring) -> Substring { slash(in: name).map { name[..<$0] } ?? "" }

    private static func slash(in name: Substring) -> String.Index? {
        let bytes = name.utf8
        let offset: Int?? = bytes.withContiguousStorageIfAvailable { $0.lastIndex(of: UInt8(ascii: "/")) }
        guard let offset else { return bytes.lastIndex(of: UInt8(ascii: "/")) }
        return offset.map { bytes.index(bytes.startIndex, offsetBy: $0) }
    }
}
