internal import CKernels
internal import Glibc

extension SpatialWindow {
    /// The kernel that lays what the window sees of images, input 0, side by side; zero where that is outside of an image.
    ///
    /// - Parameters:
    ///   - batch: Images.
    ///   - pixelBytes: Of all channels.
    /// - Returns: The kernel.
    package func patches(batch: Int, pixelBytes: Int) -> Kernel {
        Kernel { [window] frame in
            // Safety: the window's sizes are those of the images and of the output.
            withUnsafePointer(to: window) { window in
                let places = Int64(batch) &* window.pointee.output_height &* window.pointee.output_width
                ckernels_window_patches(
                    window, frame.rawInput(0), Int64(pixelBytes), Int64(pixelBytes), 0, places, frame.rawOutput())
            }
        }
    }
}

/// A window over volumes that lie as [batch, planes, rows, columns, depth].
package struct VolumeWindow: Sendable, Hashable {
    private let axes: [WindowAxis]

    /// - Parameter axes: Planes, rows, columns.
    package init(_ axes: [WindowAxis]) { self.axes = axes }

    /// The kernel that lays what the window sees of volumes, input 0, side by side; zero where that is outside.
    package func patches(batch: Int, pixelBytes: Int) -> Kernel {
        let outputs = axes.map(\.outputSize)
        let volumeBytes = axes.reduce(pixelBytes) { $0 &* $1.size }
        return Kernel { frame in
            var output = frame.rawOutput()
            for image in 0..<batch {
                let volume = frame.rawInput(0) + image &* volumeBytes
                for plane in 0..<outputs[0] {
                    for row in 0..<outputs[1] {
                        for column in 0..<outputs[2] {
                            look(0, [plane, row, column], volume, 0, pixelBytes, &output)
                        }
                    }
                }
            }
        }
    }

    /// Copies what the window sees at a place; `pixel` is where it is so far, nil outside of the volume.
    private func look(
        _ depth: Int, _ place: SIMD3<Int>, _ volume: UnsafeRawPointer, _ pixel: Int?, _ pixelBytes: Int,
        _ output: inout UnsafeMutableRawPointer
    ) {
        guard depth < axes.count else {
            if let pixel {
                output.copyShort(from: volume + pixel &* pixelBytes, byteCount: pixelBytes)
            } else {
                memset(output, 0, pixelBytes)
            }
            output += pixelBytes
            return
        }
        let axis = axes[depth]
        let first = place[depth] &* axis.stride &- axis.padding
        for offset in 0..<axis.filter {
            let at = first &+ offset
            let next = pixel.flatMap { at >= 0 && at < axis.size ? $0 &* axis.size &+ at : nil }
            look(depth + 1, place, volume, next, pixelBytes, &output)
        }
    }
}
