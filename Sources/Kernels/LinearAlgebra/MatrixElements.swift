internal import Tensors

/// Something that is made the same way for every type of element.
protocol MatrixKernelMaker {
    func kernel<Element: MatrixElement>(_ type: Element.Type) -> Kernel
}

/// The types that matrices are multiplied in.
enum MatrixKernels {
    /// The kernel for a dtype; nil if it has none.
    static func kernel(_ dtype: DataType, _ maker: some MatrixKernelMaker) -> Kernel? {
        switch dtype {
        case .float32: maker.kernel(Float.self)
        case .float64: maker.kernel(Double.self)
        case .int16: maker.kernel(Int16.self)
        case .int32: maker.kernel(Int32.self)
        case .int64: maker.kernel(Int64.self)
        case .complex64: maker.kernel(Complex64.self)
        case .complex128: maker.kernel(Complex128.self)
        default: nil
        }
    }
}

/// A complex number of two float32.
struct Complex64: BitwiseCopyable, Sendable {
    let real: Float
    let imaginary: Float
}

/// A complex number of two float64.
struct Complex128: BitwiseCopyable, Sendable {
    let real: Double
    let imaginary: Double
}

/// A type that matrices are multiplied in.
protocol MatrixElement: BitwiseCopyable, Sendable {
    static var zero: Self { get }
    static var one: Self { get }
    /// About how long a multiplication takes in a large product.
    static var picosecondsOfProduct: Int { get }

    /// Computes a product, until the run's time is over.
    static func multiply(
        _ frame: KernelFrame, _ product: MatrixProduct, _ left: UnsafePointer<Self>, _ right: UnsafePointer<Self>,
        _ result: UnsafeMutablePointer<Self>)
}
