internal import CKernels
package import Tensors

/// Boxes that are cut out of images, [batch, height, width, depth], and resized to one size, of float32.
package struct CropResize: Sendable, Hashable {
    private let batch: Int
    private let height: Int
    private let width: Int
    private let depth: Int
    private let cropHeight: Int
    private let cropWidth: Int
    private let boxCount: Int
    private let isNearest: Bool
    private let outside: Float

    /// - Parameters:
    ///   - images: Their four dimensions.
    ///   - crops: The output's four dimensions.
    ///   - isNearest: Whether a pixel is the nearest one, not one between four.
    ///   - outside: What is outside of the image.
    package init(images: [Int], crops: [Int], isNearest: Bool, outside: Float) {
        (batch, height, width, depth) = (images[0], images[1], images[2], images[3])
        (boxCount, cropHeight, cropWidth) = (crops[0], crops[1], crops[2])
        self.isNearest = isNearest
        self.outside = outside
    }

    /// The kernel of images, boxes and the boxes' image numbers (float32 and int32); nil for a dtype that has none.
    package func kernel(_ dtype: DataType) -> Kernel? {
        let (sizes, cropping, count) = (sizes, cropping, Int64(boxCount))
        return ImageLoop.kernel(dtype, elementCount: batch &* height &* width &* depth, scratchBytes: 0) {
            images, frame in
            // Safety: the sizes are those of the tensors; the loop checks the image numbers before it reads.
            let fault = withUnsafePointer(to: sizes) { sizes in
                switch images {
                case .float32(let images):
                    ckernels_crop_and_resize_f32(
                        sizes, cropping, images, frame.input(1), frame.input(2), count, frame.output())
                case .uint8(let images):
                    ckernels_crop_and_resize_u8(
                        sizes, cropping, images, frame.input(1), frame.input(2), count, frame.output())
                }
            }
            Self.report(fault, frame)
        }
    }

    private var sizes: ckernels_resizing {
        ckernels_resizing(
            batch: Int64(batch), height: Int64(height), width: Int64(width), depth: Int64(depth),
            output_height: Int64(cropHeight), output_width: Int64(cropWidth))
    }

    private var cropping: ckernels_cropping { ckernels_cropping(nearest: isNearest ? 1 : 0, outside: outside) }

    private static func report(_ fault: Int32, _ frame: KernelFrame) {
        switch fault {
        case Int32(CK_CROP_BAD_INDEX): frame.report(.other("box_index has values outside [0, batch_size)"))
        case Int32(CK_CROP_NOT_FINITE):
            frame.report(.other("Boxes contains at least one element that is not finite"))
        default: break
        }
    }

    /// The kernel of the gradient by the images, of gradients, boxes and image numbers; nil for a dtype that has none.
    package func imageGradient(_ dtype: DataType) -> Kernel? {
        guard dtype == .float32 || dtype == .float64 else { return nil }
        return Kernel { [sizes, cropping, count = Int64(boxCount)] frame in
            let fault = withUnsafePointer(to: sizes) { sizes in
                if dtype == .float32 {
                    ckernels_crop_image_gradient_f32(
                        sizes, cropping, frame.input(0), frame.input(1), frame.input(2), count, frame.output())
                } else {
                    ckernels_crop_image_gradient_f64(
                        sizes, cropping, frame.input(0), frame.input(1), frame.input(2), count, frame.output())
                }
            }
            Self.report(fault, frame)
        }
    }

    /// The kernel of the gradient by the boxes, of gradients, images, boxes and image numbers; the images are float32.
    package var boxGradient: Kernel {
        Kernel { [sizes, count = Int64(boxCount)] frame in
            let fault = withUnsafePointer(to: sizes) {
                ckernels_crop_box_gradient_f32(
                    $0, frame.input(0), frame.input(1), frame.input(2), frame.input(3), count, frame.output())
            }
            Self.report(fault, frame)
        }
    }
}
