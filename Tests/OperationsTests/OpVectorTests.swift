import Graphs
import Kernels
import OperationSupport
import Operations
import TensorFlowProtos
import Tensors
import Testing
import VectorSupport

@Suite("Ops against TensorFlow")
struct OpVectorTests {
    @Test(
        "Every recorded run gives TensorFlow's outputs, or an error of the kind of TensorFlow's",
        arguments: VectorFamily.ops)
    func matchesTensorFlow(_ family: VectorFamily) throws {
        for (index, vector) in try VectorFile.read(family.path).enumerated() {
            let name = "\(family.name) #\(index) \(vector.node.op) \(vector.label)"
            if vector.error.isEmpty {
                do { try checkOutputs(OpTrial(vector), name) } catch { Issue.record("\(name): \(error)") }
            } else {
                checkRefusal(vector, name)
            }
        }
    }

    private func checkOutputs(_ trial: OpTrial, _ name: String) throws {
        let results: [Tensor]
        do { results = try trial.run() } catch {
            Issue.record("\(name): \(error)")
            return
        }
        #expect(results.count == trial.expected.count, "\(name): number of outputs")
        for (index, (result, expected)) in zip(results, trial.expected).enumerated() {
            if let difference = trial.tolerance.difference(result, expected) {
                Issue.record("\(name): output \(index) \(difference)")
            }
        }
        for (input, result) in try trial.runInPlace() {
            if let difference = trial.tolerance.difference(result, trial.expected[0]) {
                Issue.record("\(name): written over input \(input): \(difference)")
            }
        }
        for (choice, results) in try trial.runChoices() {
            for (index, (result, expected)) in zip(results, trial.expected).enumerated() {
                if let difference = trial.tolerance.difference(result, expected) {
                    Issue.record("\(name) by \(choice): output \(index) \(difference)")
                }
            }
        }
        checkRule(trial, name)
    }

    /// Less is known of the inputs: what the rule then tells must still be true.
    private func checkRule(_ trial: OpTrial, _ name: String) {
        for blur in Blur.allCases {
            let facts: [TensorFact]
            do { facts = try trial.op.outputs(for: trial.facts(blur)) } catch {
                Issue.record("\(name), \(blur): \(error)")
                continue
            }
            #expect(facts.count == trial.expected.count, "\(name), \(blur)")
            for (fact, expected) in zip(facts, trial.expected) {
                #expect(fact.dtype == expected.dtype, "\(name), \(blur)")
                #expect(fact.shape.admits(expected.shape), "\(name), \(blur): \(fact.shape) is not \(expected.shape)")
                if blur == .none, !(trial.op is any TensorOp) {
                    #expect(fact.shape.known == expected.shape, "\(name): \(fact.shape) is not \(expected.shape)")
                }
                if let value = fact.value, let difference = trial.tolerance.difference(value, expected) {
                    Issue.record("\(name), \(blur): \(difference)")
                }
            }
        }
    }

    private func checkRefusal(_ vector: OpVector, _ name: String) {
        do {
            if let error = try OpTrial.refusal(of: vector) {
                if let difference = RecordedRefusal(vector).difference(from: error) {
                    Issue.record("\(name): \(difference)")
                }
            } else {
                Issue.record("\(name): no error where TensorFlow says: \(vector.message)")
            }
        } catch { Issue.record("\(name): the record cannot be used: \(error)") }
        // Nothing may trap, whatever is known.
        guard let trial = try? OpTrial(vector) else { return }
        for blur in Blur.allCases { _ = try? trial.op.outputs(for: trial.facts(blur)) }
    }

    @Test("Each exception from the rule of kinds is needed, in each run that it names")
    func exceptionsAreNeeded() throws {
        var used: [RefusalException: Set<String>] = [:]
        let excepted = Set(RefusalException.ops.map { [$0.op, $0.errorClass] })
        for family in VectorFamily.ops {
            for vector in try VectorFile.read(family.path) where excepted.contains([vector.node.op, vector.error]) {
                guard let error = try OpTrial.refusal(of: vector) else { continue }
                guard let exception = RecordedRefusal(vector).exception(for: error) else { continue }
                used[exception, default: []].insert(vector.label)
            }
        }
        for exception in RefusalException.ops {
            let labels = used[exception] ?? []
            #expect(!labels.isEmpty, "\(exception)")
            #expect(labels.isSuperset(of: exception.labels), "\(exception)")
        }
    }
}

@Suite("The table of ops")
struct OpTableTests {
    /// Ops that need a session, not a vector.
    private static let graphInputs: Set<String> = [
        "Const", "NoOp", "Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "ReadVariableOp", "Timestamp",
        "VarHandleOp", "Variable", "VariableV2",
    ]

    /// Ops that need a table: `TableTests`.
    private static let tables: Set<String> = [
        "HashTable", "HashTableV2", "InitializeTable", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2",
        "InitializeTableV2", "LookupTableExport", "LookupTableExportV2", "LookupTableFind", "LookupTableFindV2",
        "LookupTableImport", "LookupTableImportV2", "LookupTableSize", "LookupTableSizeV2", "MutableHashTable",
        "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", "MutableHashTableV2",
    ]

    @Test("No name is declared twice")
    func namesAreUnique() {
        let names = OpTable.declaredNames
        let twice = Dictionary(grouping: names, by: { $0 }).filter { $1.count > 1 }.keys.sorted()
        #expect(twice == [])
    }

    @Test("Each op has a recorded run, and each recorded run an op")
    func namesAreThoseOfTheVectors() throws {
        var recorded = Set<String>()
        var refused = Set<String>()
        for family in VectorFamily.ops {
            for vector in try VectorFile.read(family.path) {
                if vector.error.isEmpty { recorded.insert(vector.node.op) } else { refused.insert(vector.node.op) }
            }
        }
        // Ops that mean nothing alone have runs in graphs.
        var inGraphs = Set<String>()
        for family in VectorFamily.graphs {
            for vector in try VectorFile.readGraphs(family.path) where vector.runs.contains(where: \.error.isEmpty) {
                inGraphs.formUnion((vector.graph.node + vector.graph.library.function.flatMap(\.nodeDef)).map(\.op))
            }
        }
        let declared = Set(OpTable.declaredNames).subtracting(Self.graphInputs).subtracting(Self.tables)
        #expect(declared.subtracting(recorded).subtracting(inGraphs).sorted() == [], "ops without vectors")
        #expect(recorded.union(refused).subtracting(OpTable.declaredNames).sorted() == [], "vectors without an op")
    }
}
