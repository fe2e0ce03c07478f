/// Copies blocks to where tables tell: block `[i, j, ...]` of the output is what the input has at
/// `maps[0][i] + maps[1][j] + ...`. It knows bytes only, not dtypes. Made once a plan.
package struct MappedCopy: Sendable, Hashable {
    /// Neighbouring blocks of the innermost axis that are neighbours in the input too.
    private struct Run: Sendable, Hashable {
        let source: Int
        var byteCount: Int
    }

    private let outer: [[Int]]
    private let runs: [Run]

    /// - Parameters:
    ///   - blockBytes: Bytes of a block, which moves as a whole.
    ///   - maps: For each axis of the output, outermost first, where its places lie in the input, in bytes.
    package init(blockBytes: Int, _ maps: [[Int]]) {
        var runs: [Run] = []
        for source in maps.last ?? [0] {
            if let last = runs.last, source == last.source &+ last.byteCount {
                runs[runs.count - 1].byteCount &+= blockBytes
            } else {
                runs.append(Run(source: source, byteCount: blockBytes))
            }
        }
        outer = maps.dropLast()
        self.runs = runs
    }

    /// The kernel of input 0. The output's size is that of all blocks.
    package var kernel: Kernel {
        Kernel("copy.mapped") { frame in
            var output = frame.rawOutput()
            walk(frame, outer[...], frame.rawInput(0), &output)
        }
    }

    /// As deep as there are axes: at most the rank.
    private func walk(
        _ frame: KernelFrame, _ axes: ArraySlice<[Int]>, _ source: UnsafeRawPointer,
        _ output: inout UnsafeMutableRawPointer
    ) {
        guard let axis = axes.first else {
            for run in runs {
                if frame.isOver(after: 1 &+ run.byteCount / 16) { return }
                output.copyShort(from: source + run.source, byteCount: run.byteCount)
                output += run.byteCount
            }
            return
        }
        for place in axis { walk(frame, axes.dropFirst(), source + place, &output) }
    }
}
