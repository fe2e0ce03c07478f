internal import Execution

/// Gathers a batch from `instances` that are objects: the values of each input in all rows, one after the other.
///
/// All rows have the inputs of the first one, in any order. Reused from request to request.
struct TFServingRows {
    /// The indices of the inputs in the rows, ascending.
    private(set) var given: [Int] = []
    /// The inputs' values in the first row, by index.
    private var values: [JSONValue?] = []
    /// For each input, its index in ``given``; -1 if the rows do not have it.
    private var feeds: [Int] = []
    /// For each input, the number of rows with it so far.
    private var rowCounts: [Int] = []
    /// For each key of a row, the input of that key in the previous row.
    private var order: [Int] = []
    /// The decoders for ``given``.
    private var decoders: [FeedDecoder] = []

    /// Clears the request.
    mutating func clear() {
        given.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        feeds.removeAll(keepingCapacity: true)
        rowCounts.removeAll(keepingCapacity: true)
        order.removeAll(keepingCapacity: true)
        decoders.removeAll(keepingCapacity: true)
    }

    /// Determines the inputs from the first row.
    ///
    /// - Throws: ``RequestError`` 400 if it lacks a required input, or has an unknown one.
    mutating func begin(_ row: JSONValue, _ signature: TFServingSignature) throws(RequestError) {
        values.append(contentsOf: repeatElement(nil, count: signature.inputs.count))
        feeds.append(contentsOf: repeatElement(-1, count: signature.inputs.count))
        rowCounts.append(contentsOf: repeatElement(0, count: signature.inputs.count))
        var key = row.first
        var position = 0
        while key.index < row.endIndex {
            let input = try input(key, at: position, row: 0, signature)
            guard values[input] == nil else { throw Self.twice(key, row: 0) }
            values[input] = key.next
            key = key.next.next
            position += 1
        }
        for (index, input) in signature.inputs.enumerated() {
            if values[index] != nil {
                feeds[index] = given.count
                given.append(index)
            } else if input.isRequired {
                throw Self.unequal(row: 0, signature.inputNames, hint: input.hint)
            }
        }
    }

    /// Decodes all rows into feeds, one for each of ``given``.
    ///
    /// - Throws: ``RequestError`` 400 with the row and the key of a value that does not fit; 503 if memory is short.
    mutating func read(
        _ instances: JSONValue, _ signature: TFServingSignature, _ call: PreparedCall, _ memory: inout FeedMemory
    ) throws(RequestError) {
        let count = instances.count
        // Every element takes a word of the tape. If the first row has more elements than that allows, other rows are smaller.
        var room = instances.extent
        var isRagged = false
        for (index, input) in given.enumerated() {
            guard let value = values[input] else { continue }
            let decoder = FeedDecoder(
                kind: "input", name: call.feedNames[index], dtype: call.callable.feeds[index].dtype)
            decoders.append(decoder)
            do throws(RequestError) {
                let elementCount = try memory.addRows(count, like: value, limit: room, as: decoder)
                isRagged = isRagged || elementCount == nil
                room -= elementCount ?? 0
            } catch { throw Self.failure(error, row: 0, decoder.name) }
        }
        var element = instances.first
        var row = 0
        while element.index < instances.endIndex {
            guard TFServingRequest.isNamed(element) else {
                throw .badRequest("Expecting object but got \(element.kindName) at item \(row) of input list")
            }
            try read(element, row, signature, memory, decodes: !isRagged)
            element = element.next
            row += 1
        }
        guard !isRagged else { throw .badRequest("the elements of 'instances' have different shapes") }
    }

    /// Reads a row. If `decodes` is false, only checks that the shapes equal those of the first row.
    private mutating func read(
        _ row: JSONValue, _ number: Int, _ signature: TFServingSignature, _ memory: borrowing FeedMemory, decodes: Bool
    ) throws(RequestError) {
        var key = row.first
        var position = 0
        while key.index < row.endIndex {
            let input = try input(key, at: position, row: number, signature)
            guard feeds[input] >= 0 else { throw unequal(row: number, signature) }
            guard rowCounts[input] == number else { throw Self.twice(key, row: number) }
            rowCounts[input] += 1
            let decoder = decoders[feeds[input]]
            do throws(RequestError) {
                if decodes {
                    try memory.decodeRow(number, key.next, ofFeed: feeds[input], as: decoder)
                } else {
                    try memory.checkRow(key.next, ofFeed: feeds[input], as: decoder)
                }
            } catch { throw Self.failure(error, row: number, decoder.name) }
            key = key.next.next
            position += 1
        }
        guard position == given.count else { throw unequal(row: number, signature) }
    }

    /// The index of the input that a key names.
    private mutating func input(
        _ key: JSONValue, at position: Int, row: Int, _ signature: TFServingSignature
    ) throws(RequestError) -> Int {
        if position < order.count, signature.isInput(order[position], key) { return order[position] }
        guard let input = signature.input(key) else {
            throw .badRequest(
                "Failed to process element: \(row) key: \(key.excerpt) of 'instances' list. Error: JSON object: does not "
                    + "have named input: \(key.excerpt); expected \(signature.inputNames)")
        }
        // A row has at most as many keys as there are inputs. Any further key is a duplicate or unknown.
        if position < order.count { order[position] = input } else { order.append(input) }
        return input
    }

    private static func failure(_ error: RequestError, row: Int, _ name: String) -> RequestError {
        RequestError(
            error.status,
            "Failed to process element: \(row) key: \(name) of 'instances' list. Error: \(error.message)")
    }

    private static func twice(_ key: JSONValue, row: Int) -> RequestError {
        .badRequest(
            "Failed to process element: \(row) key: \(key.excerpt) of 'instances' list. Error: the key is given twice"
        )
    }

    private func unequal(row: Int, _ signature: TFServingSignature) -> RequestError {
        Self.unequal(row: row, given.map { signature.inputs[$0].name }.joined(separator: ","))
    }

    private static func unequal(row: Int, _ names: String, hint: String = "") -> RequestError {
        .badRequest(
            "Failed to process element: \(row) of 'instances' list. JSON object keys must be equal to: \(names)\(hint)")
    }
}
