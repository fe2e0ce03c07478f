internal import CKernels

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
                let rowBytes = Int(window.pointee.filter_height &* window.pointee.filter_width) &* pixelBytes
                frame.inBlocks(ofRows: Int(places), work: rowBytes / 4) { first, count in
                    ckernels_window_patches(
                        window, frame.rawInput(0), Int64(pixelBytes), Int64(pixelBytes), Int64(first), Int64(count),
                        frame.rawOutput() + first &* rowBytes)
                }
            }
        }
    }
}

extension VolumeWindow {
    /// The kernel that lays what the window sees of volumes, input 0, side by side; zero where that is outside.
    ///
    /// - Parameters:
    ///   - batch: Volumes.
    ///   - pixelBytes: Of all channels.
    /// - Returns: The kernel.
    package func patches(batch: Int, pixelBytes: Int) -> Kernel {
        let volumeBytes = pixelCount &* pixelBytes
        let resultBytes = outputCount &* filterCount &* pixelBytes
        return Kernel { [window, outputCount, filterCount] frame in
            // Safety: the window's sizes are those of the volumes and of the output.
            withUnsafePointer(to: window) { window in
                for number in 0..<batch {
                    let rowBytes = filterCount &* pixelBytes
                    frame.inBlocks(ofRows: outputCount, work: rowBytes / 4) { first, count in
                        ck_volume_patches(
                            window, frame.rawInput(0) + number &* volumeBytes, Int64(pixelBytes), Int64(first),
                            Int64(count), frame.rawOutput() + number &* resultBytes + first &* rowBytes)
                    }
                    if frame.isOver(after: 0) { return }
                }
            }
        }
    }
}
