internal import CKernels
package import Tensors

extension Kernel {
    /// A part of an image, input 0, that chance chooses.
    ///
    /// - Parameters:
    ///   - choices: In how many rows, and in how many columns, it can begin.
    ///   - strides: Bytes from one row, and from one column, to the next.
    ///   - copy: How the part is copied from where it begins.
    ///   - place: Where the random numbers come from.
    /// - Returns: The kernel.
    package static func randomCrop(
        choices: (Int, Int), strides: (Int, Int), _ copy: StridedCopy, from place: RandomPlace
    ) -> Kernel {
        Kernel { frame in
            var corner = SIMD2<Int64>()
            let choices = SIMD2(Int64(choices.0), Int64(choices.1))
            withUnsafeBytes(of: choices) { choices in
                withUnsafeMutableBytes(of: &corner) { corner in
                    // Safety: both are two numbers.
                    ck_random_corner(
                        place.begin(frame, blockCount: 1), choices.assumingMemoryBound(to: Int64.self).baseAddress,
                        corner.assumingMemoryBound(to: Int64.self).baseAddress)
                }
            }
            let offset = Int(corner.x) &* strides.0 &+ Int(corner.y) &* strides.1
            copy.run(frame, from: frame.rawInput(0) + offset, to: frame.rawOutput())
        }
    }
}

/// A part of an image that chance chooses, and that has enough of one of some boxes in it.
package struct BoxSampling: Sendable, Hashable {
    package var ratios: [Float]
    package var areas: [Float]
    package var attempts: Int
    /// nil where input 2 tells.
    package var leastCovered: Float?

    /// - Parameters:
    ///   - ratios: The least and the most of width to height.
    ///   - areas: The least and the most, in fractions of the image.
    ///   - attempts: How often it is tried.
    ///   - leastCovered: How much of a box is in it; nil where input 2 tells.
    package init(ratios: [Float], areas: [Float], attempts: Int, leastCovered: Float?) {
        self.ratios = ratios
        self.areas = areas
        self.attempts = attempts
        self.leastCovered = leastCovered
    }

    /// The kernel of an image's size, its boxes and, perhaps, how much of them is in the part, a float32.
    ///
    /// - Parameters:
    ///   - dtype: The size's: an integer type.
    ///   - boxCount: How many boxes there are.
    ///   - place: Where the random numbers come from.
    /// - Returns: nil for another dtype.
    package func kernel(_ dtype: DataType, boxCount: Int, from place: RandomPlace) -> Kernel? {
        switch dtype {
        case .uint8: kernel(UInt8.self, boxCount, place)
        case .int8: kernel(Int8.self, boxCount, place)
        case .int16: kernel(Int16.self, boxCount, place)
        case .int32: kernel(Int32.self, boxCount, place)
        case .int64: kernel(Int64.self, boxCount, place)
        default: nil
        }
    }

    private func kernel<Element: FixedWidthInteger & BitwiseCopyable & SendableMetatype>(
        _ type: Element.Type, _ boxCount: Int, _ place: RandomPlace
    ) -> Kernel {
        Kernel { frame in
            let size = frame.input(0, as: Element.self)
            let covered = leastCovered ?? frame.input(2, as: Float.self)[0]
            var box = SIMD4<Int32>()
            let limit = Int64(Int32.max)
            let (height, width) = (Int64(clamping: size[0]), Int64(clamping: size[1]))
            if height < 0 || width < 0 || height >= limit || width >= limit {
                frame.report(.other("image height and width must be in [0, int32 max)"))
            } else if !(covered >= 0) {
                frame.report(.other("Min object covered must be non-negative"))
            } else {
                let sampling = ck_box_sampling(
                    height: Int32(height), width: Int32(width), min_ratio: ratios[0], max_ratio: ratios[1],
                    min_area: areas[0], max_area: areas[1], min_covered: covered,
                    attempts: Int32(clamping: attempts))
                let first = place.begin(frame, blockCount: attempts)
                // Safety: there are `boxCount` boxes, and four numbers for the result.
                let isDone = withUnsafePointer(to: sampling) { sampling in
                    withUnsafeMutableBytes(of: &box) {
                        ck_sample_box(
                            first, sampling, frame.input(1), boxCount,
                            $0.assumingMemoryBound(to: Int32.self).baseAddress)
                    }
                }
                if !isDone { frame.report(.other("All bounding box coordinates must be in [0.0, 1.0]")) }
            }
            Self.write(box, height: Float(height), width: Float(width), Element.self, frame)
        }
    }

    private static func write<Element: FixedWidthInteger & BitwiseCopyable>(
        _ box: SIMD4<Int32>, height: Float, width: Float, _ type: Element.Type, _ frame: KernelFrame
    ) {
        let begin = frame.output(0, as: Element.self)
        let size = frame.output(1, as: Element.self)
        let edges = frame.output(2, as: Float.self)
        (begin[0], begin[1], begin[2]) = (
            Element(truncatingIfNeeded: box[0]), Element(truncatingIfNeeded: box[1]), 0
        )
        // -1: all channels.
        (size[0], size[1], size[2]) = (
            Element(truncatingIfNeeded: box[2]), Element(truncatingIfNeeded: box[3]), Element(truncatingIfNeeded: -1)
        )
        (edges[0], edges[1]) = (Float(box[0]) / height, Float(box[1]) / width)
        (edges[2], edges[3]) = (Float(box[0] &+ box[2]) / height, Float(box[1] &+ box[3]) / width)
    }
}
