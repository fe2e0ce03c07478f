package import Tensors

/// Which numbers that are none a tensor has.
package struct SpecialNumbers: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let nan = SpecialNumbers(rawValue: 1)
    package static let plusInfinity = SpecialNumbers(rawValue: 2)
    package static let minusInfinity = SpecialNumbers(rawValue: 4)
    /// Either.
    package static let infinities: SpecialNumbers = [.plusInfinity, .minusInfinity]

    package func contains(_ member: SpecialNumbers) -> Bool { !intersection(member).isEmpty }
}

/// How floating point numbers lie in integers of their width.
private struct FloatLayout<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable>: Sendable {
    /// The bits of infinity: the exponent, all ones.
    let infinity: Bits

    private var sign: Bits { 1 << Bits(Bits.bitWidth - 1) }

    func isFinite(_ numbers: UnsafePointer<Bits>, _ count: Int) -> Bool {
        var most: Bits = 0
        for index in 0..<count { most = max(most, numbers[index] & ~sign) }
        return most < infinity
    }

    func special(_ numbers: UnsafePointer<Bits>, _ count: Int) -> SpecialNumbers {
        var found: SpecialNumbers = []
        for index in 0..<count {
            let size = numbers[index] & ~sign
            if size > infinity { found.insert(.nan) }
            if size == infinity { found.insert(numbers[index] == size ? .plusInfinity : .minusInfinity) }
        }
        return found
    }
}

extension Kernel {
    /// Hands on input 0, and reports a fault where a number is infinite or none.
    ///
    /// - Parameters:
    ///   - dtype: A floating type.
    ///   - count: How many elements.
    ///   - fault: Makes the fault of what was found.
    /// - Returns: nil for another dtype.
    package static func checkingNumbers(
        _ dtype: DataType, count: Int, fault: @escaping @Sendable (SpecialNumbers) -> Fault.Kind
    ) -> Kernel? {
        switch dtype {
        case .float32: checking(FloatLayout<UInt32>(infinity: 0x7f80_0000), count, fault)
        case .float64: checking(FloatLayout<UInt64>(infinity: 0x7ff0_0000_0000_0000), count, fault)
        case .float16: checking(FloatLayout<UInt16>(infinity: 0x7c00), count, fault)
        case .bfloat16: checking(FloatLayout<UInt16>(infinity: 0x7f80), count, fault)
        default: nil
        }
    }

    private static func checking<Bits>(
        _ layout: FloatLayout<Bits>, _ count: Int, _ fault: @escaping @Sendable (SpecialNumbers) -> Fault.Kind
    ) -> Kernel {
        Kernel(overwritableInputs: [0]) { frame in
            let numbers = frame.input(0, as: Bits.self)
            if !layout.isFinite(numbers, count) { frame.report(fault(layout.special(numbers, count))) }
            let output = frame.output(as: Bits.self)
            if UnsafePointer(output) != numbers { output.update(from: numbers, count: count) }
        }
    }
}
