package import Tensors

/// The tolerance of floats. Everything else must be equal.
package struct Tolerance: Sendable {
    package let relative: Double?
    package let absolute: Double?

    /// nil for the tolerance of the dtype.
    package init(relative: Double?, absolute: Double?) {
        self.relative = relative
        self.absolute = absolute
    }

    /// The difference, in words; nil if there is none.
    package func difference(_ result: Tensor, _ expected: Tensor) -> String? {
        guard result.dtype == expected.dtype else { return "is \(result.dtype), not \(expected.dtype)" }
        guard result.shape == expected.shape else { return "has the shape \(result.shape), not \(expected.shape)" }
        switch result.dtype {
        case .float32:
            // TensorFlow's sessions flush denormals to zero.
            return floats(
                result.scalars(as: Float.self), expected.scalars(as: Float.self), 2e-6, Float.leastNormalMagnitude)
        case .float64:
            return floats(
                result.scalars(as: Double.self), expected.scalars(as: Double.self), 1e-12, Double.leastNormalMagnitude)
        case .float16, .bfloat16:
            // Computed in float32, and rounded once. TensorFlow may also round intermediate results.
            let unit = result.dtype == .float16 ? 0x1p-10 : 0x1p-7
            return floats(result.halfPrecisionFloats, expected.halfPrecisionFloats, unit, Float.leastNormalMagnitude)
        case .complex64: return pairs(result, expected, Float.self, 2e-6)
        case .complex128: return pairs(result, expected, Double.self, 1e-12)
        case .string:
            let (mine, theirs) = (result.strings ?? [], expected.strings ?? [])
            return zip(mine, theirs).enumerated().first { $1.0 != $1.1 }.map {
                "[\($0)] is \(String(decoding: $1.0, as: UTF8.self)), not \(String(decoding: $1.1, as: UTF8.self))"
            }
        default: return bytes(result, expected)
        }
    }

    private func floats<F: BinaryFloatingPoint>(
        _ result: [F]?, _ expected: [F]?, _ standard: Double, _ flushed: F
    ) -> String? {
        guard let result, let expected else { return "cannot be read" }
        for (index, (mine, theirs)) in zip(result, expected).enumerated() {
            if mine == theirs || mine.isNaN && theirs.isNaN { continue }
            let allowed = (absolute ?? Double(flushed)) + (relative ?? standard) * Double(abs(theirs))
            guard abs(Double(mine) - Double(theirs)) <= allowed, theirs.isFinite else {
                return "[\(index)] is \(mine), not \(theirs)"
            }
        }
        return nil
    }

    /// The difference of complex numbers is their distance. Parts that are not finite must be equal.
    private func pairs<F: BinaryFloatingPoint & SIMDScalar>(
        _ result: Tensor, _ expected: Tensor, _ part: F.Type, _ standard: Double
    ) -> String? {
        result.withUnsafeBytes { mine in
            expected.withUnsafeBytes { theirs in
                let pairs = zip(mine.bindMemory(to: SIMD2<F>.self), theirs.bindMemory(to: SIMD2<F>.self))
                for (index, (mine, theirs)) in pairs.enumerated() where mine != theirs {
                    if zip([mine.x, mine.y], [theirs.x, theirs.y]).allSatisfy({ $0 == $1 || $0.isNaN && $1.isNaN }) {
                        continue
                    }
                    let difference = mine - theirs
                    let distance = Double((difference * difference).sum()).squareRoot()
                    let magnitude = Double((theirs * theirs).sum()).squareRoot()
                    guard distance <= (absolute ?? 0) + (relative ?? standard) * magnitude else {
                        return "[\(index)] is \(mine), not \(theirs)"
                    }
                }
                return nil
            }
        }
    }

    private func bytes(_ result: Tensor, _ expected: Tensor) -> String? {
        let width = result.dtype.stride
        return result.withUnsafeBytes { mine in
            expected.withUnsafeBytes { theirs in
                guard let at = zip(mine, theirs).enumerated().first(where: { $1.0 != $1.1 })?.offset else { return nil }
                let element = at / max(1, width)
                let range = (element * width)..<(element + 1) * width
                return "[\(element)] is \(Array(mine[range])), not \(Array(theirs[range])) (bytes)"
            }
        }
    }
}
