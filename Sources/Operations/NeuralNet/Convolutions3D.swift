internal import Kernels
internal import Tensors

/// A convolution of volumes with a filter.
///
/// - Inputs: `input`, volumes of rank 5; `filter`, [planes, height, width, depth, outputs]. Any float.
/// - Outputs: volumes with as many channels as the filter has outputs.
/// - Attributes: `strides`, `dilations`, `padding` (SAME, VALID), `data_format` (NDHWC).
struct Conv3D: KernelChoosing, LinearOp {
    private let attributes: WindowAttributes
    private let dilations: [Int]

    init(_ node: NodeReader) throws(OpError) {
        try node.expectInputs(2)
        attributes = try WindowAttributes(node, default: .volumesChannelsLast)
        dilations = try node.windowSizes("dilations", count: 5, default: [1, 1, 1, 1, 1])
        try attributes.requireSpatial(dilations, node)
    }

    func outputs(for inputs: [TensorFact]) throws(OpError) -> [TensorFact] {
        try inputs.requireOneDType()
        let (volumes, filter) = (inputs[0].shape, inputs[1].shape)
        try inputs[0].requireRank(5, "input")
        try inputs[1].requireRank(5, "filter")
        for axis in 0..<5 where filter.dimension(axis) == 0 {
            throw .invalid("filter must not have zero elements (i.e. all dimensions must be non-zero)")
        }
        let (depth, filterDepth) = (volumes.dimension(4), filter.dimension(3))
        guard depth < 0 || filterDepth < 0 || depth == filterDepth else {
            throw .invalid(
                "Number of channels in filter (\(filterDepth)) must match last dimension of input (\(depth))")
        }
        let shape = attributes.shape(
            try windows(volumes, filter), batch: volumes.dimension(0), depth: filter.dimension(4))
        return [TensorFact(inputs[0].dtype, shape)]
    }

    private func windows(_ volumes: PartialShape, _ filter: PartialShape) throws(OpError) -> [WindowAxis?] {
        try attributes.windows(
            volumes, filter: (0..<3).map(filter.dimension), dilations: dilations, centers: true)
    }

    func batching(_ node: BatchedNode) -> [BatchRole]? { node.rowwise(0) }

    func linearRoles(_ inputs: [TensorFact]) -> [LinearRole] {
        [LinearRole(weight: 1, weightAxes: [4], outputAxis: attributes.format.depthAxis)]
    }

    func kernels(for spec: KernelSpec) throws(OpError) -> [KernelChoice] {
        let (volumes, filter) = (try spec.inputShape(0), try spec.inputShape(1))
        guard try spec.outputShape().elementCount > 0 else {
            return [KernelChoice("nothing", picoseconds: 0) { .nothing }]
        }
        let axes = try windows(PartialShape(volumes), PartialShape(filter)).compactMap { $0 }
        guard let window = VolumeWindow(axes) else { throw OpError(.malformed, "the shapes are not known") }
        let convolution = VolumeConvolution(
            window: window, batch: volumes.dimensions[0], inputDepth: volumes.dimensions[4],
            outputDepth: filter.dimensions[4])
        let dtype = spec.inputs[0].dtype
        let methods = convolution.methods(dtype)
        guard !methods.isEmpty else { throw .unsupported(dtype) }
        return methods.map { method, picoseconds in
            KernelChoice(method.name, picoseconds: picoseconds) { () throws(OpError) in
                guard let kernel = convolution.forward(dtype, method) else { throw .unsupported(dtype) }
                return kernel
            }
        }
    }
}
