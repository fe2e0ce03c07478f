internal import Kernels
internal import Tensors

extension OpTable {
    /// Parts of images that chance chooses.
    static let randomBoxes: [OpEntry] = [
        OpEntry("RandomCrop", make: RandomCrop.init),
        OpEntry("SampleDistortedBoundingBox", make: SampleDistortedBoundingBox.init(_:hasInput:), false),
        OpEntry("SampleDistortedBoundingBoxV2", make: SampleDistortedBoundingBox.init(_:hasInput:), true),
    ]
}

extension NodeReader {
    /// A stream of random numbers for the node.
    fileprivate func stream() throws(OpError) -> RandomSource {
        .stream(RandomStream(seed: try int("seed", default: 0), seed2: try int("seed2", default: 0)))
    }
}

/// A part of an image, of the size that input 1 gives, anywhere in it.
///
/// - Inputs: `image`, [height, width, depth]; `size`, two of int64. Attributes: `seed`, `seed2`.
struct RandomCrop: KernelOp {
    private let source: RandomSource

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        source = try node.stream()
    }

    var valueInputs: [Int] { [1] }
    static var traits: OpTraits { .random }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let image = inputs[0].shape
        guard image.rank ?? 3 == 3 else { throw .invalid("input must be 3-dimensional\(image)") }
        let size = try inputs[1].imageSize("shape_t", "output")
        for (axis, (name, target)) in [("height", size.height), ("width", size.width)].enumerated() {
            let side = image.dimension(axis)
            guard side < 0 || target <= side else {
                throw .invalid("\(name) must be >= target_\(name): \(name) = \(side), target_\(name) = \(target)")
            }
        }
        return [TensorFact(inputs[0].dtype, PartialShape([size.height, size.width, image.dimension(2)]))]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let width = try spec.inputs[0].elementWidth
        let image = try spec.inputShape(0)
        let output = try spec.outputShape()
        guard output.elementCount > 0 else { return .nothing }
        let source = image.byteStrides(width: width)
        let target = output.byteStrides(width: width)
        let axes = (0..<3).map {
            StridedCopy.Axis(count: output.dimensions[$0], source: source[$0], destination: target[$0])
        }
        return .randomCrop(
            choices: (
                image.dimensions[0] - output.dimensions[0] + 1, image.dimensions[1] - output.dimensions[1] + 1
            ), strides: (source[0], source[1]), StridedCopy(width: width, axes), from: RandomPlace(self.source))
    }
}

/// A part of an image that has enough of one of some boxes in it.
///
/// - Inputs: `image_size`, three of an integer type: height, width, depth; `bounding_boxes`, float32 [batch, n, 4]: y1, x1, y2, x2
///   in fractions of the image; for V2 `min_object_covered`, a float32 scalar.
/// - Outputs: `begin` and `size`, as Slice takes them; `bboxes`, float32 [1, 1, 4].
/// - Attributes: `seed`, `seed2`, `min_object_covered`, `aspect_ratio_range`, `area_range`, `max_attempts`,
///   `use_image_if_no_bounding_boxes`.
struct SampleDistortedBoundingBox: KernelOp {
    private let source: RandomSource
    private let sampling: BoxSampling
    private let usesImage: Bool

    /// More attempts than this would take too long.
    private static let maxAttempts = 1 << 20

    init(_ node: NodeReader, hasInput: Bool) throws(OpError) {
        try node.expectInputs(hasInput ? 3 : 2)
        source = try node.stream()
        usesImage = try node.bool("use_image_if_no_bounding_boxes", default: false)
        sampling = BoxSampling(
            ratios: try node.floats("aspect_ratio_range", default: [0.75, 1.33]),
            areas: try node.floats("area_range", default: [0.05, 1]),
            attempts: try node.int("max_attempts", default: 100),
            leastCovered: hasInput ? nil : try node.float("min_object_covered", default: 0.1))
        guard sampling.ratios.count == 2, sampling.ratios.allSatisfy({ $0 > 0 }) else {
            throw node.malformed("Aspect ratio range must be non-negative: \(sampling.ratios)")
        }
        guard sampling.areas.count == 2, sampling.areas.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
            throw node.malformed("Area range must be in (0, 1]: \(sampling.areas)")
        }
        guard (1...Self.maxAttempts).contains(sampling.attempts) else {
            throw node.malformed("max_attempts must be in [1, \(Self.maxAttempts)]: \(sampling.attempts)")
        }
        guard sampling.leastCovered ?? 0 >= 0 else { throw node.malformed("Min object covered must be non-negative") }
    }

    static var traits: OpTraits { .random }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        let (size, boxes) = (inputs[0].shape, inputs[1].shape)
        try inputs[1].require(.float32, "bounding_boxes")
        guard size.rank ?? 1 == 1, [3, -1].contains(size.dimension(0)) else {
            throw .invalid("image_size must contain 3 elements\(size)")
        }
        guard boxes.rank ?? 3 == 3 else {
            throw .invalid("input boxes must be 3-dimensional [batch, num_boxes, coords]: \(boxes)")
        }
        guard [4, -1].contains(boxes.dimension(2)) else {
            throw .invalid("bounding boxes must have shape [4] or [*, 4], got \(boxes)")
        }
        if boxes.known?.elementCount == 0, !usesImage {
            throw .invalid(
                "No bounding boxes provided as input. One must enable use_image_if_no_bounding_boxes if you wish to not "
                    + "provide any bounding boxes.")
        }
        if inputs.count > 2 {
            try inputs[2].require(.float32, "min_object_covered")
            guard inputs[2].shape.rank ?? 0 == 0 else {
                throw .invalid("min_object_covered must be 0-D, got shape \(inputs[2].shape)")
            }
        }
        let three = PartialShape([3])
        return [
            TensorFact(inputs[0].dtype, three), TensorFact(inputs[0].dtype, three),
            TensorFact(.float32, PartialShape([1, 1, 4])),
        ]
    }

    func kernel(for spec: KernelSpec) throws(OpError) -> Kernel {
        let dtype = spec.inputs[0].dtype
        let count = try spec.inputShape(1).elementCount / 4
        guard let kernel = sampling.kernel(dtype, boxCount: count, from: RandomPlace(source)) else {
            throw .unsupported(dtype)
        }
        return kernel
    }
}
