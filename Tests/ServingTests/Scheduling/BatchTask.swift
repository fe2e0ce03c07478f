import Execution
import Serving
import Tensors
import Threads

/// A request of tensors, which keeps its answer.
final class BatchTask: InferenceTask {
    var callable: Unmanaged<Callable>? { .passUnretained(called) }
    private let called: Callable
    let startNanoseconds = MonotonicClock.nanoseconds
    var deadline: Deadline? { nil }
    var byteCount: Int { 0 }
    var abandonment: Flag? { nil }
    var times = PhaseTimes()
    private(set) var answers: [[Tensor]] = []
    private(set) var errors: [ModelError] = []
    private let tensors: [Tensor]
    private let dimensions: UnsafeMutableBufferPointer<Int>
    private let views: UnsafeMutableBufferPointer<TensorView>

    init(_ callable: Callable, _ tensors: [Tensor]) {
        called = callable
        self.tensors = tensors
        let sizes = tensors.flatMap(\.shape.dimensions)
        dimensions = .allocate(capacity: sizes.count)
        _ = dimensions.initialize(from: sizes)
        views = .allocate(capacity: tensors.count)
        var start = 0
        for (index, tensor) in tensors.enumerated() {
            let rank = tensor.shape.rank
            let view = TensorView(
                dtype: tensor.dtype,
                dimensions: UnsafeBufferPointer(rebasing: dimensions[start..<start + rank]),
                elements: UnsafeRawPointer(tensor.storage.baseAddress + tensor.byteOffset))
            views.initializeElement(at: index, to: view)
            start += rank
        }
    }

    deinit {
        views.deallocate()
        dimensions.deallocate()
    }

    func willWait() {}

    func prepare() -> Bool { true }

    func withFeeds(_ body: (UnsafeBufferPointer<TensorView>) -> Void) { body(UnsafeBufferPointer(views)) }

    func deliver(_ outputs: UnsafeBufferPointer<TensorView>) { answers.append(outputs.compactMap { $0.copy() }) }

    func fail(_ error: ModelError) { errors.append(error) }

    func finish() {}
}
