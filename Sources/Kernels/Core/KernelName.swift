extension Kernel {
    /// A name like `conv2d.depthwise`: what is computed, then the way it is done.
    package struct Name: Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
        private enum Source {
            case text(StaticString)
            /// An elementwise function, within its group.
            case function(StaticString, String)
            /// The place in the source where the kernel is made.
            case place(file: StaticString, function: StaticString)
        }

        private let source: Source

        package init(stringLiteral text: StaticString) { source = .text(text) }

        /// The name of a function within a group: `elementwise.relu`.
        init(_ group: StaticString, _ function: String) { source = .function(group, function) }

        init(file: StaticString, function: StaticString) { source = .place(file: file, function: function) }

        package var description: String {
            switch source {
            case .text(let text): "\(text)"
            case .function(let group, let function): "\(group).\(function)"
            case .place(let file, let function): Self.name("\(file)", "\(function)")
            }
        }

        /// Functions whose names tell nothing beside that of their file.
        private static let plainFunctions: Set<Substring> = ["kernel", "visit", "given", "make"]

        /// `Kernels/LocalResponse.swift` and `gradient(_:)` make `localResponse.gradient`.
        private static func name(_ file: String, _ function: String) -> String {
            let file = file.split(separator: "/").last?.split(separator: ".").first ?? "kernel"
            let subject = file.prefix(1).lowercased() + file.dropFirst()
            let function = function.prefix { $0 != "(" && $0 != "<" }
            return plainFunctions.contains(function) ? subject : "\(subject).\(function)"
        }
    }
}
