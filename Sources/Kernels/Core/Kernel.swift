internal import Tensors

/// How an op computes its outputs for given dtypes, shapes and constant values.
///
/// A body does not throw, allocate, log, lock or wait. It is called from many threads at once, each with its own frame.
package struct Kernel: Sendable {
    /// Computes the outputs.
    package typealias Body = @Sendable (KernelFrame) -> Void

    /// What there is to do.
    package enum Work: Sendable {
        /// Run the body, on one thread.
        case compute(Body)
        /// Run all phases, with as many workers as there are.
        case cut(Cut)
        /// Nothing: output 0 is input number `input`, its bytes unchanged (perhaps under another shape).
        case alias(input: Int)
    }

    /// The way the kernel computes, for people.
    package let name: Name
    /// What there is to do.
    package let work: Work
    /// Bytes of temporary memory that a call needs, with those of one worker.
    package var scratchBytes = 0
    /// Inputs whose memory output 0 may take over when nobody reads them afterwards: element `i` of the output is written
    /// only after element `i` of the input, of the same width, has been read for the last time.
    package var overwritableInputs: [Int] = []

    /// A kernel that computes on one thread.
    ///
    /// - Parameters:
    ///   - name: The way it computes; nil for the place in the source where it is made.
    ///   - scratchBytes: Bytes of temporary memory that the body needs.
    ///   - overwritableInputs: See ``overwritableInputs``.
    ///   - file: Where it is made.
    ///   - function: Where it is made.
    ///   - body: Computes the outputs.
    package init(
        _ name: Name? = nil, scratchBytes: Int = 0, overwritableInputs: [Int] = [], file: StaticString = #fileID,
        function: StaticString = #function, _ body: @escaping Body
    ) {
        self.name = name ?? Name(file: file, function: function)
        work = .compute(body)
        self.scratchBytes = scratchBytes
        self.overwritableInputs = overwritableInputs
    }

    /// A kernel of phases, each cut into units. Where it is too short to be worth a second thread, it has a single body instead.
    ///
    /// - Parameters:
    ///   - name: The way it computes; nil for the place in the source where it is made.
    ///   - scratchBytes: Bytes of temporary memory that all workers share.
    ///   - scratchBytesPerWorker: Bytes of temporary memory that each worker needs for himself.
    ///   - overwritableInputs: See ``overwritableInputs``; holds for each unit by itself.
    ///   - file: Where it is made.
    ///   - function: Where it is made.
    ///   - phases: One begins when the one before has ended.
    package init(
        _ name: Name? = nil, scratchBytes: Int = 0, scratchBytesPerWorker: Int = 0, overwritableInputs: [Int] = [],
        file: StaticString = #fileID, function: StaticString = #function, phases: [Phase]
    ) {
        self.name = name ?? Name(file: file, function: function)
        let ownOffset = scratchBytesPerWorker > 0 ? scratchBytes.roundedUp(to: TensorStorage.alignment) : 0
        let cut = Cut(phases: phases, ownOffset: ownOffset, scratchBytesPerWorker: scratchBytesPerWorker)
        if phases.contains(where: \.isWorthCutting) {
            work = .cut(cut)
        } else if phases.count == 1 {
            let (body, units) = (phases[0].body, 0..<phases[0].units)
            work = .compute { frame in body(frame, units, frame.scratch + ownOffset) }
        } else if phases.count == 2 {
            let (first, second) = (phases[0], phases[1])
            work = .compute { frame in
                first.body(frame, 0..<first.units, frame.scratch + ownOffset)
                if !frame.hasFault { second.body(frame, 0..<second.units, frame.scratch + ownOffset) }
            }
        } else {
            work = .compute { frame in cut.run(frame) }
        }
        self.scratchBytes = scratchBytesPerWorker > 0 ? ownOffset &+ scratchBytesPerWorker : scratchBytes
        self.overwritableInputs = overwritableInputs
    }

    /// A kernel that does nothing, for outputs without elements.
    package static let nothing = Kernel("nothing") { _ in }

    private init(_ name: Name, work: Work) {
        self.name = name
        self.work = work
    }

    /// A kernel that hands on an input's memory.
    package static func alias(input: Int = 0) -> Kernel { Kernel("alias", work: .alias(input: input)) }

    /// The computation, on one thread; nil where there is none.
    package var body: Body? {
        switch work {
        case .compute(let body): body
        case .cut(let cut): { frame in cut.run(frame) }
        case .alias: nil
        }
    }
}
