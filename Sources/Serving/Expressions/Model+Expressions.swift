internal import Execution
internal import Expressions
internal import Graphs
internal import Interfaces

extension Model {
    /// The fetches of a request: tensors of the graph, and of the nodes that expressions add to it.
    struct Fetches {
        var fetched: [(name: String, endpoint: Endpoint)] = []
        /// The nodes of the expressions; nil if all fetches are tensors of the graph.
        var additions: GraphAdditions?
    }

    /// Finds the tensors that texts name. A text that names none is compiled as an expression.
    ///
    /// - Parameters:
    ///   - texts: Keys of the signature, names of tensors, and expressions.
    ///   - signature: The signature, whose keys are words of the expressions too; nil for none.
    /// - Returns: The tensors, in the order of the texts, and the nodes of the expressions.
    /// - Throws: ``ModelError`` of kind `unknownTensor` for a text that looks like a name, `invalidArgument` for an expression that cannot be
    ///   compiled, with the place in its text.
    func fetches(_ texts: [String], in signature: Signature?) throws(ModelError) -> Fetches {
        var result = Fetches()
        var compiler: ExpressionCompiler?
        var words: [String: Operand] = [:]
        for text in texts {
            let unknown: ModelError
            do throws(ModelError) {
                result.fetched.append((text, try endpoint(text, .fetch, signature)))
                continue
            } catch {
                guard error.kind == .unknownTensor, Self.mayBeExpression(text) else { throw error }
                unknown = error
            }
            if compiler == nil {
                let new = ExpressionCompiler(graph, session.inference) { [interface] in interface.isPrivate($0) }
                words = self.words(of: signature, new)
                compiler = new
            }
            do throws(ExpressionError) {
                if let tensor = try compiler?.compile(text, names: words) {
                    result.fetched.append((text, tensor.endpoint))
                }
            } catch {
                guard !Self.looksLikeName(text) else { throw unknown }
                throw ModelError(.invalidArgument, "fetch: \(error)")
            }
        }
        guard let compiler, !compiler.nodes.isEmpty else { return result }
        do throws(GraphError) {
            result.additions = try GraphAdditions(
                compiler.nodes, key: [signature?.name ?? ""] + texts, to: graph, session.inference)
        } catch { throw ModelError(.invalidArgument, "fetch: \(error.reason)") }
        return result
    }

    /// The keys of a signature that are no names of tensors.
    private func words(of signature: Signature?, _ compiler: ExpressionCompiler) -> [String: Operand] {
        var words: [String: Operand] = [:]
        for (keys, use) in [(signature?.inputs, Use.feed), (signature?.outputs, .fetch)] {
            for key in keys ?? [] {
                guard let endpoint = try? endpoint(key.name, use, signature) else { continue }
                words[key.name] = try? compiler.operand(of: endpoint, named: key.name)
            }
        }
        return words
    }

    /// Whether a text that names no tensor may be an expression all the same.
    private static func mayBeExpression(_ text: String) -> Bool {
        let operators = "/-.^".utf8
        return !looksLikeName(text) || text.utf8.contains(where: operators.contains)
    }

    /// Whether a text has none of the bytes that only expressions have.
    private static func looksLikeName(_ text: String) -> Bool {
        let signs = " ()[]+*%@<>=&|~!,'\"`".utf8
        return !text.utf8.contains(where: signs.contains)
    }
}
