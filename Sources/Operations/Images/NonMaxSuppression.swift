internal import Kernels
internal import Tensors

extension OpTable {
    /// Boxes that do not overlap better ones.
    static let nonMaxSuppression: [OpEntry] = [
        OpEntry("NonMaxSuppression", make: NonMaxSuppression.init(_:version:), 1),
        OpEntry("NonMaxSuppressionV2", make: NonMaxSuppression.init(_:version:), 2),
        OpEntry("NonMaxSuppressionV3", make: NonMaxSuppression.init(_:version:), 3),
        OpEntry("NonMaxSuppressionV4", make: NonMaxSuppression.init(_:version:), 4),
        OpEntry("NonMaxSuppressionV5", make: NonMaxSuppression.init(_:version:), 5),
        OpEntry("NonMaxSuppressionWithOverlaps", make: NonMaxSuppressionWithOverlaps.init),
        OpEntry("CombinedNonMaxSuppression", make: CombinedNonMaxSuppression.init),
    ]
}

/// More boxes than this are not padded to.
private let maxPadded = 1 << 24

extension [TensorFact] {
    /// The one element of an integer input, where it is known.
    ///
    /// - Throws: `invalidArgument` if it is no scalar.
    fileprivate func scalarIndex(_ number: Int, _ name: String) throws(OpError) -> Int? {
        try requireScalar(number, name)
        return try self[number].indices(name)?.first
    }

    /// Checks that an input is a scalar.
    fileprivate func requireScalar(_ number: Int, _ name: String) throws(OpError) {
        guard self[number].shape.rank ?? 0 == 0 else {
            throw .invalid("\(name) must be 0-D, got shape \(self[number].shape)")
        }
    }
}

extension [Tensor] {
    /// The one element of a float input.
    fileprivate func scalarFloat(_ number: Int) throws(OpError) -> Float {
        guard let value = try self[number].floats().first else { throw .invalid("input \(number) is empty") }
        return value
    }
}

/// The boxes with the best scores of which none overlaps a better one too much.
///
/// - Inputs: `boxes`, a matrix with two opposite corners (y, x, y, x) in each row; `scores`, one for each; `max_output_size`;
///   from version 2 on `iou_threshold`, from version 3 on `score_threshold`, in version 5 `soft_nms_sigma`. float32 or float16.
/// - Outputs: the boxes' numbers, the best first; in version 5 their scores; from version 4 on how many there are.
/// - Attributes: `iou_threshold` (version 1); `pad_to_max_output_size` (from version 4 on): zeros follow.
struct NonMaxSuppression: TensorOp {
    private let version: Int
    private let overlapThreshold: Float?
    private let isPadded: Bool

    init(_ node: NodeReader, version: Int) throws(OpError) {
        try node.expectInputs([3, 4, 5, 5, 6][version - 1])
        self.version = version
        overlapThreshold = version == 1 ? try node.float("iou_threshold", default: 0.5) : nil
        isPadded = version >= 4 ? try node.bool("pad_to_max_output_size", default: false) : false
        if let overlapThreshold, !(0...1).contains(overlapThreshold) {
            throw node.malformed("iou_threshold must be in [0, 1]")
        }
    }

    var valueInputs: [Int] { [2] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (boxes, scores) = (inputs[0].shape, inputs[1].shape)
        guard boxes.rank ?? 2 == 2 else { throw .invalid("boxes must be 2-D\(boxes)") }
        guard PartialShape([-1, 4]).merged(with: boxes) != nil else { throw .invalid("boxes must have 4 columns") }
        guard scores.rank ?? 1 == 1 else { throw .invalid("scores must be 1-D\(scores)") }
        guard PartialShape([boxes.dimension(0)]).merged(with: scores) != nil else {
            throw .invalid("scores has incompatible shape")
        }
        let size = try inputs.scalarIndex(2, "max_output_size")
        if let size, size < 0 { throw .invalid("output size must be non-negative") }
        for (number, name) in zip(
            3..., ["iou_threshold", "score_threshold", "soft_nms_sigma"].prefix(inputs.count - 3))
        {
            try inputs.requireScalar(number, name)
        }
        let chosen = PartialShape([isPadded ? size ?? -1 : -1])
        var facts = [TensorFact(.int32, chosen)]
        if version == 5 { facts.append(TensorFact(inputs[1].dtype, chosen)) }
        if version >= 4 { facts.append(TensorFact(.int32, .scalar)) }
        return facts
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let size = inputs[2].integers?.first ?? 0
        let threshold = if let overlapThreshold { overlapThreshold } else { try inputs.scalarFloat(3) }
        var suppression = GreedySuppression(
            maxCount: size, overlapThreshold: threshold,
            scoreThreshold: version >= 3 ? try inputs.scalarFloat(4) : -.greatestFiniteMagnitude)
        if version == 5 { suppression.sigma = try inputs.scalarFloat(5) }
        guard (0...1).contains(suppression.overlapThreshold) else { throw .invalid("iou_threshold must be in [0, 1]") }
        guard suppression.sigma >= 0 else { throw .invalid("soft_nms_sigma_val must be >= 0") }
        let boxes = Boxes(corners: try inputs[0].floats(account))
        let scores = try inputs[1].floats(account)
        let chosen = try suppression.choose(scores.count, account, score: { scores[$0] }, overlap: boxes.overlap)
        let padding = isPadded ? size - chosen.count : 0
        guard padding <= maxPadded else {
            throw OpError(.resourceExhausted, "max_output_size is \(size), at most \(maxPadded) is supported")
        }
        let count = chosen.count + padding
        let numbers = try account.numbers(.vector(count), of: Int32.self) { numbers in
            numbers.initialize(repeating: 0)
            for (place, entry) in chosen.enumerated() { numbers[place] = Int32(truncatingIfNeeded: entry.box) }
        }
        var results = [numbers]
        if version == 5 {
            var best = try account.array(repeating: Float(0), count: count)
            for (place, entry) in chosen.enumerated() { best[place] = entry.score }
            try account.reserve(count, bytesEach: inputs[1].dtype.stride)
            results.append(try .of(best, as: inputs[1].dtype, shape: [count]))
        }
        if version >= 4 { results.append(try .scalar(Int32(truncatingIfNeeded: chosen.count))) }
        return results
    }
}

/// The boxes with the best scores of which none overlaps a better one too much; how much they overlap is given.
///
/// - Inputs: `overlaps`, a square matrix, float32; `scores`; `max_output_size`; `overlap_threshold`; `score_threshold`.
/// - Outputs: the boxes' numbers, int32, the best first.
struct NonMaxSuppressionWithOverlaps: TensorOp {
    init(_ node: NodeReader) throws(OpError) { try node.expectInputs(5) }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (overlaps, scores) = (inputs[0].shape, inputs[1].shape)
        guard overlaps.rank ?? 2 == 2 else { throw .invalid("overlaps must be 2-D") }
        guard scores.rank ?? 1 == 1 else { throw .invalid("scores must be 1-D\(scores)") }
        let count = scores.dimension(0)
        guard PartialShape([count, count]).merged(with: overlaps) != nil,
            overlaps.dimension(0) == overlaps.dimension(1) || !overlaps.isFullyDefined
        else { throw .invalid("overlaps must be square, and scores as long: \(overlaps) and \(scores)") }
        let size = try inputs.scalarIndex(2, "max_output_size")
        if let size, size < 0 { throw .invalid("output size must be non-negative") }
        try inputs.requireScalar(3, "overlap_threshold")
        try inputs.requireScalar(4, "score_threshold")
        return [TensorFact(.int32, .ofRank(1))]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        _ = try outputs(for: inputs.map { TensorFact($0) })
        let scores = try inputs[1].floats(account)
        let overlaps = try inputs[0].floats(account)
        let suppression = GreedySuppression(
            maxCount: inputs[2].integers?.first ?? 0, overlapThreshold: try inputs.scalarFloat(3),
            scoreThreshold: try inputs.scalarFloat(4))
        let chosen = try suppression.choose(scores.count, account) {
            scores[$0]
        } overlap: {
            overlaps[$0 * scores.count + $1]
        }
        return [try account.vector(chosen.lazy.map(\.box), as: .int32)]
    }
}

/// For each image the best boxes of all classes, of which none overlaps a better one of its class too much.
///
/// - Inputs: `boxes`, [images, boxes, 1 or classes, 4]; `scores`, [images, boxes, classes]; `max_output_size_per_class`,
///   `max_total_size`, `iou_threshold`, `score_threshold`, scalars. float32.
/// - Outputs: boxes, scores and classes (float32), the best first, then zeros; how many there are of each image.
/// - Attributes: `pad_per_class`: at most as many as the classes can have; `clip_boxes`: corners to [0, 1].
struct CombinedNonMaxSuppression: TensorOp {
    private let isPaddedPerClass: Bool
    private let clips: Bool

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(6)
        isPaddedPerClass = try node.bool("pad_per_class", default: false)
        clips = try node.bool("clip_boxes", default: true)
    }

    var valueInputs: [Int] { [2, 3] }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (boxes, scores) = (inputs[0].shape, inputs[1].shape)
        guard boxes.rank ?? 4 == 4 else { throw .invalid("boxes must be 4-D\(boxes)") }
        guard scores.rank ?? 3 == 3 else { throw .invalid("scores must be 3-D\(scores)") }
        guard PartialShape([-1, -1, -1, 4]).merged(with: boxes) != nil else {
            throw .invalid("boxes must have 4 columns")
        }
        guard PartialShape([boxes.dimension(0), -1, -1]).merged(with: scores) != nil else {
            throw .invalid("boxes and scores must have same batch size")
        }
        guard PartialShape([-1, boxes.dimension(1), -1]).merged(with: scores) != nil else {
            throw .invalid("scores has incompatible shape")
        }
        let (sets, classes) = (boxes.dimension(2), scores.dimension(2))
        guard sets < 0 || classes < 0 || sets == 1 || sets == classes else {
            throw .invalid("third dimension of boxes must be either 1 or num classes")
        }
        let perClass = try inputs.scalarIndex(2, "max_size_per_class")
        let total = try inputs.scalarIndex(3, "max_total_size")
        if let perClass, perClass <= 0 { throw .invalid("max_size_per_class must be positive") }
        if let total, total <= 0 { throw .invalid("max_total_size must be > 0") }
        try inputs.requireScalar(4, "iou_threshold")
        try inputs.requireScalar(5, "score_threshold")
        var size = total ?? -1
        if isPaddedPerClass, let total, let perClass {
            size = classes < 0 ? -1 : min(total, try perClass.times(classes))
        } else if isPaddedPerClass {
            size = -1
        }
        let images = max(boxes.dimension(0), scores.dimension(0))
        return [
            TensorFact(.float32, PartialShape([images, size, 4])), TensorFact(.float32, PartialShape([images, size])),
            TensorFact(.float32, PartialShape([images, size])), TensorFact(.int32, PartialShape([images])),
        ]
    }

    func compute(_ inputs: [Tensor], _ account: RunAccount) throws(OpError) -> [Tensor] {
        let facts = try outputs(for: inputs.map { TensorFact($0) })
        guard let shape = facts[0].shape.known, shape.elementCount <= maxPadded, shape.rank == 3 else {
            throw OpError(.resourceExhausted, "the output would have the shape \(facts[0].shape)")
        }
        let (images, size) = (shape.dimensions[0], shape.dimensions[1])
        let suppression = GreedySuppression(
            maxCount: inputs[2].integers?.first ?? 0, overlapThreshold: try inputs.scalarFloat(4),
            scoreThreshold: try inputs.scalarFloat(5))
        guard (0...1).contains(suppression.overlapThreshold) else { throw .invalid("iou_threshold must be in [0, 1]") }
        let batch = BoxBatch(
            sizes: (inputs[1].shape.dimensions[1], inputs[0].shape.dimensions[2], inputs[1].shape.dimensions[2]),
            corners: try inputs[0].floats(account), scores: try inputs[1].floats(account))
        var corners = try account.array(repeating: Float(0), count: images * size * 4)
        var scores = try account.array(repeating: Float(0), count: images * size)
        var classes = try account.array(repeating: Float(0), count: images * size)
        var counts = try account.list(of: Int.self, capacity: images)
        for image in 0..<images {
            let before = account.usedBytes
            defer { account.give(downTo: before) }
            let best = try batch.best(of: image, suppression, account).prefix(size)
            counts.append(best.count)
            for (place, entry) in best.enumerated() {
                let row = image * size + place
                scores[row] = entry.score
                classes[row] = Float(entry.kind)
                for (corner, value) in batch.corners(of: image, entry.box, kind: entry.kind).enumerated() {
                    corners[row * 4 + corner] = clips ? max(min(value, 1), 0) : value
                }
            }
        }
        return [
            try account.tensor(corners, [images, size, 4]), try account.tensor(scores, [images, size]),
            try account.tensor(classes, [images, size]), try account.vector(counts, as: .int32),
        ]
    }
}

/// The boxes of several images.
private struct BoxBatch {
    /// How many boxes an image has, how many sets of corners, how many classes.
    let sizes: (boxes: Int, sets: Int, classes: Int)
    let corners: [Float]
    let scores: [Float]

    func corners(of image: Int, _ box: Int, kind: Int) -> ArraySlice<Float> {
        let set = sizes.sets > 1 ? kind : 0
        let start = ((image * sizes.boxes + box) * sizes.sets + set) * 4
        return corners[start..<start + 4]
    }

    /// What is chosen of each class, all together, the best first.
    func best(
        of image: Int, _ suppression: GreedySuppression, _ account: RunAccount
    ) throws(OpError) -> [(box: Int, kind: Int, score: Float)] {
        var found = try CountedList<(box: Int, kind: Int, score: Float)>(account)
        for kind in 0..<sizes.classes {
            let set = sizes.sets > 1 ? kind : 0
            let boxes = Boxes(
                corners: corners, start: (image * sizes.boxes * sizes.sets + set) * 4, step: sizes.sets * 4)
            let before = account.usedBytes
            let chosen = try suppression.choose(sizes.boxes, account) {
                scores[(image * sizes.boxes + $0) * sizes.classes + kind]
            } overlap: {
                boxes.overlap($0, $1)
            }
            let taken = account.usedBytes - before
            for entry in chosen { try found.append((entry.box, kind, entry.score)) }
            account.give(taken)
        }
        // The list with the places, as much again at most for sorting it, and the result.
        try account.reserve(found.count, bytesEach: 96)
        // The order of equal scores is that of the classes.
        var order = Array(found.elements.enumerated())
        try account.sort(&order) {
            $0.element.score == $1.element.score ? $0.offset < $1.offset : $0.element.score > $1.element.score
        }
        return order.map(\.element)
    }
}
