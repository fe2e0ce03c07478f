internal import CKernels
package import Tensors

extension Resizing {
    /// The kernel of a bilinear resize's gradient, of which input 0 is the gradient by the resized images, of float32.
    ///
    /// - Returns: nil for a dtype that has none.
    package func bilinearGradient(_ dtype: DataType) -> Kernel? {
        guard dtype == .float32 || dtype == .float64 else { return nil }
        let (down, across) = (rows.lerps, columns.lerps)
        return Kernel { [sizes] frame in
            withUnsafePointer(to: sizes) { sizes in
                down.withLists { down in
                    across.withLists { across in
                        if dtype == .float32 {
                            ckernels_resize_bilinear_gradient_f32(sizes, down, across, frame.input(0), frame.output())
                        } else {
                            ckernels_resize_bilinear_gradient_f64(sizes, down, across, frame.input(0), frame.output())
                        }
                    }
                }
            }
        }
    }

    /// The kernel of the gradient of taking the nearest pixel; nil for a dtype that has no sum.
    package func nearestGradient(_ dtype: DataType) -> Kernel? {
        guard let add = Loop(ck_binary_loop(CK_ADD, dtype.rawValue)) else { return nil }
        let (down, across) = (rows.nearest, columns.nearest)
        let pixel = depth &* dtype.stride
        let row = columns.inputSize &* pixel
        return Kernel { [batch, depth, rows] frame in
            var output = frame.rawOutput()
            var gradients = frame.rawInput(0)
            output.initializeMemory(as: UInt8.self, repeating: 0, count: batch &* rows.inputSize &* row)
            for _ in 0..<batch {
                for y in down {
                    for x in across {
                        if frame.isOver(after: 1 &+ depth) { return }
                        let target = output + y &* row + x &* pixel
                        _ = add.call(target, 1, gradients, 1, target, depth)
                        gradients += pixel
                    }
                }
                output += rows.inputSize &* row
            }
        }
    }

    /// The kernel of a cubic resize's gradient; nil for a dtype that has none.
    package func cubicGradient(_ dtype: DataType) -> Kernel? { gradient(rows.cubic, columns.cubic, dtype) }

    /// The kernel of the gradient of sampling by a filter; nil for a dtype that has none.
    ///
    /// - `scale`, `translation`: For rows and for columns; scales are positive.
    package func gradient(
        _ filter: SamplingFilter, scale: (Float, Float), translation: (Float, Float), antialias: Bool, _ dtype: DataType
    ) -> Kernel? {
        gradient(
            rows.taps(filter, scale: scale.0, translation: translation.0, antialias: antialias),
            columns.taps(filter, scale: scale.1, translation: translation.1, antialias: antialias), dtype)
    }

    private func gradient(_ down: Taps, _ across: Taps, _ dtype: DataType) -> Kernel? {
        guard dtype == .float32 || dtype == .float64 else { return nil }
        return Kernel { [sizes] frame in
            withUnsafePointer(to: sizes) { sizes in
                down.withLists { down in
                    across.withLists { across in
                        if dtype == .float32 {
                            ckernels_resample_gradient_f32(sizes, down, across, frame.input(0), frame.output())
                        } else {
                            ckernels_resample_gradient_f64(sizes, down, across, frame.input(0), frame.output())
                        }
                    }
                }
            }
        }
    }
}
