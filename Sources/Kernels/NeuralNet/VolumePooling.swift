internal import Glibc
package import Tensors

/// Pools of volumes (images among them) that lie as [batch, planes, rows, columns, depth], where they are and their gradients.
package struct VolumePooling: Sendable, Hashable {
    private let window: VolumeWindow
    private let batch: Int
    private let depth: Int

    /// Elements of a volume.
    private var volumeSize: Int { window.pixelCount &* depth }

    /// - Parameters:
    ///   - window: How it moves; not dilated.
    ///   - batch: The number of volumes.
    ///   - depth: Channels, each on its own.
    package init(window: VolumeWindow, batch: Int, depth: Int) {
        self.window = window
        self.batch = batch
        self.depth = depth
    }

    /// A kernel that computes each place of the window by itself, cut into rows of places.
    ///
    /// - Parameters:
    ///   - name: The way it computes.
    ///   - picoseconds: About how long an element that the window sees takes.
    ///   - body: Computes a place.
    /// - Returns: The kernel.
    @inline(__always)
    private func places(
        _ name: Kernel.Name, picoseconds: Int,
        _ body: @escaping @Sendable (_ frame: KernelFrame, _ place: Int, _ seen: VolumeWindow.Box) -> Void
    ) -> Kernel {
        let elements = window.filterCount.saturatingProduct(depth).saturatingProduct(window.columns.outputSize)
        let nanoseconds = max(1, elements.saturatingProduct(picoseconds) / 1000)
        // The clock is looked at for each place.
        return .rows(name, count: batch &* window.lineCount, nanoseconds: nanoseconds, work: 1) { frame, first, count in
            window.eachPlace(frame, lines: first..<first &+ count, depth: depth) { body(frame, $0, $1) }
        }
    }

    /// A kernel that adds to elements of output 0 what each place of the window gives them, cut into volumes.
    ///
    /// - Parameters:
    ///   - name: The way it computes.
    ///   - type: The elements, which are zero first.
    ///   - picoseconds: About how long an element that the window sees takes.
    ///   - body: Adds what a place gives.
    /// - Returns: The kernel.
    @inline(__always)
    private func additions<Element: RealNumber>(
        _ name: Kernel.Name, to type: Element.Type, picoseconds: Int,
        _ body: @escaping @Sendable (_ frame: KernelFrame, _ place: Int, _ seen: VolumeWindow.Box) -> Void
    ) -> Kernel {
        let elements = window.filterCount.saturatingProduct(depth).saturatingProduct(window.outputCount)
        let nanoseconds = max(1, elements.saturatingProduct(picoseconds) / 1000)
        return .rows(name, count: batch, nanoseconds: nanoseconds, work: 1) { frame, first, count in
            let output = frame.output(as: Element.self) + first &* volumeSize
            output.update(repeating: Element.zero, count: count &* volumeSize)
            let lines = first &* window.lineCount..<(first &+ count) &* window.lineCount
            window.eachPlace(frame, lines: lines, depth: depth) { body(frame, $0, $1) }
        }
    }
}

// Floating point.
extension VolumePooling {
    /// The mean of what the window sees of each channel of input 0; nil for other dtypes than float32 and float64.
    package func mean(_ dtype: DataType) -> Kernel? {
        switch dtype {
        case .float32: mean(Float.self)
        case .float64: mean(Double.self)
        default: nil
        }
    }

    /// The gradient of ``mean(_:)``, of the result's gradient, which is the input with that number; nil as there.
    package func meanGradient(_ dtype: DataType, input: Int) -> Kernel? {
        switch dtype {
        case .float32: meanGradient(Float.self, input)
        case .float64: meanGradient(Double.self, input)
        default: nil
        }
    }

    private func mean<Element: RealNumber & BinaryFloatingPoint>(_ type: Element.Type) -> Kernel {
        places("pool.window.mean", picoseconds: 300) { frame, place, seen in
            let (input, output) = (frame.input(0, as: Element.self), frame.output(as: Element.self))
            let result = output + place &* depth
            result.update(repeating: 0, count: depth)
            seen.eachPixel { pixel in
                for channel in 0..<depth { result[channel] += input[pixel &* depth &+ channel] }
            }
            let count = Element(seen.count)
            for channel in 0..<depth { result[channel] /= count }
        }
    }

    private func meanGradient<Element: RealNumber & BinaryFloatingPoint>(
        _ type: Element.Type, _ input: Int
    ) -> Kernel {
        additions("pool.window.meanGradient", to: Element.self, picoseconds: 300) { frame, place, seen in
            let (gradient, output) = (frame.input(input, as: Element.self), frame.output(as: Element.self))
            let count = Element(seen.count)
            seen.eachPixel { pixel in
                for channel in 0..<depth {
                    output[pixel &* depth &+ channel] += gradient[place &* depth &+ channel] / count
                }
            }
        }
    }
}

// All real numbers.
extension VolumePooling {
    /// The largest of what the window sees of each channel of input 0; nil for a dtype that is not real.
    ///
    /// Padding counts as the lowest finite number. A NaN wins over what comes before it, and loses against what comes after.
    package func maximum(_ dtype: DataType) -> Kernel? { dtype.accept(Maximum(pooling: self)) }

    /// The largest, as ``maximum(_:)`` (but a NaN that comes first stays), and where in a volume (in the batch) it is.
    ///
    /// - Parameters:
    ///   - dtype: Of input 0 and output 0.
    ///   - indices: Of output 1: int32 or int64.
    ///   - includesBatch: Whether places are counted from the beginning of the batch.
    /// - Returns: nil for a dtype that is not real, or that no indices have.
    package func maximum(_ dtype: DataType, indices: DataType, includesBatch: Bool) -> Kernel? {
        guard indices == .int32 || indices == .int64 else { return nil }
        return dtype.accept(ArgMaximum(pooling: self, indices: indices, includesBatch: includesBatch))
    }

    /// The gradient of the largest: what comes in (input 2) goes to the first of the largest elements of input 0.
    package func maximumGradient(_ dtype: DataType) -> Kernel? { dtype.accept(Gradient(pooling: self)) }

    /// The gradient of the largest: what comes in (input 2) goes to each element of input 0 that is equal to the result
    /// (input 1).
    package func maximumGradientToAll(_ dtype: DataType) -> Kernel? { dtype.accept(GradientToAll(pooling: self)) }

    /// The index of the first largest element that the window sees of a channel; -1 where it sees nothing.
    @inline(__always)
    private func argMaximum<Element: RealNumber>(
        _ seen: VolumeWindow.Box, _ channel: Int, _ input: UnsafePointer<Element>
    ) -> Int {
        var best = -1
        seen.eachPixel { pixel in
            let index = pixel &* depth &+ channel
            if best < 0 || input[best] < input[index] { best = index }
        }
        return best
    }

    private struct Maximum: RealVisitor {
        let pooling: VolumePooling

        func visit<Element: RealNumber>(_ type: Element.Type) -> Kernel {
            pooling.places("pool.window.maximum", picoseconds: 500) { [pooling] frame, place, seen in
                let (input, output) = (frame.input(0, as: Element.self), frame.output(as: Element.self))
                let depth = pooling.depth
                let result = output + place &* depth
                var isFirst = true
                seen.eachPixel { pixel in
                    for channel in 0..<depth {
                        let element = input[pixel &* depth &+ channel]
                        if isFirst || !(element < result[channel]) { result[channel] = element }
                    }
                    isFirst = false
                }
                guard seen.count < pooling.window.filterCount else { return }
                for channel in 0..<depth where isFirst || !(Element.lowest < result[channel]) {
                    result[channel] = Element.lowest
                }
            }
        }
    }

    private struct ArgMaximum: RealVisitor {
        let pooling: VolumePooling
        let indices: DataType
        let includesBatch: Bool

        func visit<Element: RealNumber>(_ type: Element.Type) -> Kernel {
            indices == .int32 ? kernel(Element.self, Int32.self) : kernel(Element.self, Int64.self)
        }

        private func kernel<Element: RealNumber, Index: FixedWidthInteger & TensorScalar>(
            _ type: Element.Type, _ index: Index.Type
        ) -> Kernel {
            pooling.places("pool.window.argMaximum", picoseconds: 1500) { [pooling, includesBatch] frame, place, seen in
                let input = frame.input(0, as: Element.self)
                let (largest, indices) = (frame.output(0, as: Element.self), frame.output(1, as: Index.self))
                let depth = pooling.depth
                let origin = includesBatch ? 0 : seen.origin &* depth
                for channel in 0..<depth {
                    let index = pooling.argMaximum(seen, channel, input)
                    largest[place &* depth &+ channel] = index < 0 ? Element.lowest : input[index]
                    indices[place &* depth &+ channel] = Index(truncatingIfNeeded: index < 0 ? -1 : index &- origin)
                }
            }
        }
    }

    private struct Gradient: RealVisitor {
        let pooling: VolumePooling

        func visit<Element: RealNumber>(_ type: Element.Type) -> Kernel {
            pooling.additions("pool.window.maximumGradient", to: Element.self, picoseconds: 1500) {
                [pooling] frame, place, seen in
                let (input, gradient) = (frame.input(0, as: Element.self), frame.input(2, as: Element.self))
                let output = frame.output(as: Element.self)
                let depth = pooling.depth
                for channel in 0..<depth {
                    let index = pooling.argMaximum(seen, channel, input)
                    guard index >= 0 else { continue }
                    output[index] = Element.sum(output[index], gradient[place &* depth &+ channel])
                }
            }
        }
    }

    private struct GradientToAll: RealVisitor {
        let pooling: VolumePooling

        func visit<Element: RealNumber>(_ type: Element.Type) -> Kernel {
            pooling.additions("pool.window.maximumGradientToAll", to: Element.self, picoseconds: 1500) {
                [pooling] frame, place, seen in
                let (input, result) = (frame.input(0, as: Element.self), frame.input(1, as: Element.self))
                let (gradient, output) = (frame.input(2, as: Element.self), frame.output(as: Element.self))
                let depth = pooling.depth
                seen.eachPixel { pixel in
                    for channel in 0..<depth {
                        let (from, to) = (place &* depth &+ channel, pixel &* depth &+ channel)
                        if input[to] == result[from] { output[to] = Element.sum(output[to], gradient[from]) }
                    }
                }
            }
        }
    }
}

/// The mean of whole numbers, towards zero.
struct WholeMean: QuantizedVisitor {
    let pooling: VolumePooling

    func visit<Number: QuantizedNumber>(_ type: Number.Type) -> Kernel { pooling.wholeMean(Number.self) }
}

extension VolumePooling {
    fileprivate func wholeMean<Number: QuantizedNumber>(_ type: Number.Type) -> Kernel {
        places("pool.window.wholeMean", picoseconds: 1500) { frame, place, seen in
            let (input, output) = (frame.input(0, as: Number.self), frame.output(as: Number.self))
            for channel in 0..<depth {
                var sum = 0
                seen.eachPixel { pixel in sum &+= Int(input[pixel &* depth &+ channel]) }
                output[place &* depth &+ channel] = Number(clamping: sum / max(1, seen.count))
            }
        }
    }
}
