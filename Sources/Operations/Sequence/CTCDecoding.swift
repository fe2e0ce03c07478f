internal import Glibc
internal import Kernels
internal import Tensors

extension OpTable {
    /// Labels from the scores of a network that was trained by connectionist temporal classification.
    static let ctcDecoding: [OpEntry] = [
        OpEntry("CTCGreedyDecoder", make: CTCGreedyDecoder.init),
        OpEntry("CTCBeamSearchDecoder", make: CTCBeamSearchDecoder.init),
    ]
}

/// Scores of classes by time step and sequence, and how many steps each sequence has.
private struct CTCScores<Score: BinaryFloatingPoint & TensorScalar> {
    let scores: [Score]
    let batch: Int
    let classes: Int
    let lengths: WholeNumbers

    init(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) {
        let sizes = inputs[0].shape.dimensions
        guard sizes.count == 3 else { throw .invalid("inputs is not a 3-Tensor") }
        guard inputs[1].shape.rank == 1 else { throw .invalid("sequence_length is not a vector") }
        lengths = try inputs[1].wholeNumberElements("sequence_length")
        (batch, classes) = (sizes[1], sizes[2])
        guard lengths.count == batch else {
            throw .invalid(
                "len(sequence_length) != batch_size.  len(sequence_length):  \(lengths.count) batch_size: \(batch)")
        }
        guard sizes[0] > 0, classes > 0 else { throw .invalid("max_time and num_classes must be at least 1") }
        for (index, length) in lengths.enumerated() where length > sizes[0] || length < 0 {
            throw .invalid("sequence_length(\(index)) <= \(sizes[0])")
        }
        try account.reserve(inputs[0].shape.elementCount, of: Score.self)
        guard let scores = inputs[0].scalars(as: Score.self) else { throw .unsupported(inputs[0].dtype) }
        self.scores = scores
    }

    /// The scores of all classes at a step of a sequence.
    func row(_ step: Int, _ sequence: Int) -> ArraySlice<Score> {
        let start = (step * batch + sequence) * classes
        return scores[start..<(start + classes)]
    }
}

extension TensorFact {
    /// What is known of decoded paths: the indices of all, the values of all, the shapes of all, then the scores.
    fileprivate static func decoded(_ inputs: [TensorFact], paths: Int) throws(OpError) -> [TensorFact] {
        guard inputs[0].shape.rank ?? 3 == 3 else { throw .invalid("inputs is not a 3-Tensor") }
        guard inputs[1].shape.rank ?? 1 == 1 else { throw .invalid("sequence_length is not a vector") }
        guard inputs[0].dtype == .float32 || inputs[0].dtype == .float64 else { throw .unsupported(inputs[0].dtype) }
        try inputs[1].require(.int32, "sequence_length")
        let batch = max(inputs[0].shape.dimension(1), inputs[1].shape.dimension(0))
        return Array(repeating: .sparseIndices(rank: 2), count: paths)
            + Array(repeating: .sparseValues(.int64), count: paths)
            + Array(repeating: .sparseValues(.int64, count: 2), count: paths)
            + [TensorFact(inputs[0].dtype, PartialShape([batch, paths]))]
    }
}

/// The labels of one path of each sequence.
private struct CTCPath {
    /// The labels of all sequences, with the number of their sequence.
    private var labels: CountedList<(sequence: Int, label: Int)>
    private var sequences = 0
    private var longest = 0
    private var begin = 0

    init(_ account: RunAccount) throws(OpError) { labels = try CountedList(account) }

    mutating func append(_ label: Int) throws(OpError) { try labels.append((sequences, label)) }

    /// Goes on to the next sequence.
    mutating func endSequence() {
        longest = max(longest, labels.count - begin)
        begin = labels.count
        sequences += 1
    }

    /// The path as a sparse tensor: its indices, its values, its shape.
    func tensors(_ account: RunAccount) throws(OpError) -> (Tensor, Tensor, Tensor) {
        guard let shape = Shape([labels.count, 2]) else {
            throw OpError(.resourceExhausted, "\(labels.count) indices would take too much memory")
        }
        let elements = labels.elements
        let indices = try account.numbers(shape, of: Int64.self) { numbers in
            var column = 0
            for (place, element) in elements.enumerated() {
                column = place > 0 && elements[place - 1].sequence == element.sequence ? column + 1 : 0
                numbers[2 * place] = Int64(element.sequence)
                numbers[2 * place + 1] = Int64(column)
            }
        }
        return (
            indices, try account.int64s(elements.lazy.map(\.label), [elements.count]),
            try account.int64s([sequences, longest], [2])
        )
    }
}

/// The sparse tensors of some paths of each sequence: all indices, all values, all shapes.
private func sparsePaths(_ paths: [CTCPath], _ account: RunAccount) throws(OpError) -> [Tensor] {
    var (allIndices, allValues, allShapes): ([Tensor], [Tensor], [Tensor]) = ([], [], [])
    for path in paths {
        let (indices, values, shape) = try path.tensors(account)
        allIndices.append(indices)
        allValues.append(values)
        allShapes.append(shape)
    }
    return allIndices + allValues + allShapes
}

/// The most likely class of each step, without blanks.
///
/// - Inputs: scores, [time, batch, classes], float32 or float64; `sequence_length`, int32.
/// - Outputs: the labels as a sparse tensor; minus the sum of the chosen scores, [batch, 1].
/// - Attributes: `merge_repeated`: whether neighbours of one class are one label; `blank_index`, -1 for the last class.
struct CTCGreedyDecoder: TensorOp {
    private let mergesRepeated: Bool
    private let blankIndex: Int

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        mergesRepeated = try node.bool("merge_repeated", default: false)
        blankIndex = try node.int("blank_index", default: -1)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try TensorFact.decoded(inputs, paths: 1)
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return inputs[0].dtype == .float32
            ? try decode(CTCScores<Float>(inputs, account), account)
            : try decode(CTCScores<Double>(inputs, account), account)
    }

    private func decode<Score>(
        _ scores: CTCScores<Score>, _ account: RunAccount
    ) throws(OpError) -> [Tensor] {
        let blank = blankIndex < 0 ? scores.classes + blankIndex : blankIndex
        guard blank >= 0, blank < scores.classes else {
            throw .invalid("blank_index expected to be between \(-scores.classes) and \(scores.classes - 1)")
        }
        var path = try CTCPath(account)
        var sums = try account.list(of: Score.self, capacity: scores.batch)
        var work = WorkCount(account)
        for sequence in 0..<scores.batch {
            var sum: Score = 0
            var before = -1
            for step in 0..<scores.lengths[sequence] {
                let row = scores.row(step, sequence)
                try work.add(16 * row.count)
                var best = row.startIndex
                for place in row.indices where row[place] > row[best] { best = place }
                sum -= row[best]
                let label = best - row.startIndex
                if label != blank, !(mergesRepeated && label == before) { try path.append(label) }
                before = label
            }
            path.endSequence()
            sums.append(sum)
        }
        return try sparsePaths([path], account) + [account.tensor(sums, [scores.batch, 1])]
    }
}

/// The most likely label sequences, found among the best beginnings at each step. The last class is the blank.
///
/// - Inputs: scores, [time, batch, classes], float32 or float64; `sequence_length`, int32.
/// - Outputs: for each path the labels as a sparse tensor; the logarithms of the paths' probabilities, [batch, paths].
/// - Attributes: `beam_width`: how many beginnings are kept; `top_paths`; `merge_repeated`: whether equal neighbours in a found
///   sequence become one.
struct CTCBeamSearchDecoder: TensorOp {
    private let beamWidth: Int
    private let pathCount: Int
    private let mergesRepeated: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        beamWidth = try node.int("beam_width")
        pathCount = try node.int("top_paths")
        mergesRepeated = try node.bool("merge_repeated", default: true)
        guard pathCount >= 1, beamWidth >= pathCount, beamWidth <= 1 << 16 else {
            throw .invalid("Requested more paths than the beam width: \(pathCount) of \(beamWidth) (at most 65536)")
        }
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try TensorFact.decoded(inputs, paths: pathCount)
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try check(inputs)
        return inputs[0].dtype == .float32
            ? try decode(CTCScores<Float>(inputs, account), account, expf, logf, log1pf)
            : try decode(CTCScores<Double>(inputs, account), account, exp, log, log1p)
    }

    private func decode<Score>(
        _ scores: CTCScores<Score>, _ account: RunAccount, _ exponential: @escaping (Score) -> Score,
        _ logarithm: (Score) -> Score,
        _ logarithmOfOneAnd: @escaping (Score) -> Score
    ) throws(OpError) -> [Tensor] {
        var paths = try account.list(of: CTCPath.self, capacity: pathCount)
        // Of each path three tensors.
        try account.reserve(pathCount, bytesEach: 1 << 10)
        for _ in 0..<pathCount { paths.append(try CTCPath(account)) }
        var probabilities = try account.list(of: Score.self, capacity: scores.batch * pathCount)
        // A step's scores, and the labels of one path.
        try account.reserve(scores.classes, bytesEach: 2 * MemoryLayout<Score>.stride)
        try account.reserve(scores.lengths.max() ?? 0, bytesEach: 4 * MemoryLayout<Int>.stride)
        for sequence in 0..<scores.batch {
            let before = account.usedBytes
            var search = CTCBeamSearch(
                width: beamWidth, blank: scores.classes - 1, account, exponential: exponential,
                logarithmOfOneAnd: logarithmOfOneAnd)
            for step in 0..<scores.lengths[sequence] {
                let row = scores.row(step, sequence)
                let largest = row.max() ?? 0
                let total = row.reduce(0) { $0 + exponential($1 - largest) }
                let offset = largest + logarithm(total)
                try search.step(row.map { $0 - offset })
            }
            let best = search.best(pathCount)
            guard best.count == pathCount else {
                throw .invalid("Less leaves in the beam search than requested.")
            }
            let taken = account.usedBytes - before
            for (number, entry) in best.enumerated() {
                for label in search.labels(of: entry, mergesRepeated: mergesRepeated) {
                    try paths[number].append(label)
                }
                paths[number].endSequence()
                probabilities.append(search.probability(of: entry))
            }
            account.give(taken)
        }
        return try sparsePaths(paths, account) + [account.tensor(probabilities, [scores.batch, pathCount])]
    }
}
