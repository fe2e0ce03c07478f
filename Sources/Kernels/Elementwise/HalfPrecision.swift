internal import CKernels
package import Tensors

extension Kernel {
    /// An operand of a kernel: its dtype, and how many elements it has.
    package typealias Operand = (dtype: DataType, count: Int)

    /// Lets a kernel that computes in float32 work on half precision or bfloat16: inputs are converted before it, outputs
    /// after it, rounded to the nearest, halves to even.
    ///
    /// - Parameters:
    ///   - inner: Made for float32 wherever an operand is narrow.
    ///   - inputs: The operands as they are.
    ///   - outputs: The results as they shall be.
    /// - Returns: nil if the temporary memory would be more than can be counted, or the kernel hands on what is converted.
    package static func inFloat32(_ inner: Kernel, inputs: [Operand], outputs: [Operand]) -> Kernel? {
        if case .alias(let input) = inner.work { return inputs[input].dtype == outputs[0].dtype ? inner : nil }
        guard let body = inner.body else { return nil }
        let operands = inputs + outputs
        // The table of operands, the converted ones, then the kernel's own memory.
        var offset = (operands.count * MemoryLayout<UnsafeMutableRawPointer>.stride).roundedUp(
            to: TensorStorage.alignment)
        var conversions: [Conversion] = []
        for (index, operand) in operands.enumerated() where operand.dtype.isHalfPrecision {
            let (bytes, overflow) = operand.count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
            guard !overflow, bytes < Int.max / 4, offset < Int.max / 4,
                let conversion = Conversion(operand, index, offset, isOutput: index >= inputs.count)
            else { return nil }
            conversions.append(conversion)
            offset += bytes.roundedUp(to: TensorStorage.alignment)
        }
        guard inner.scratchBytes < Int.max / 4 else { return nil }
        let (scratchOffset, inputCount) = (offset, inputs.count)
        let all = conversions
        let (before, after) = (all.filter { !$0.isOutput }, all.filter(\.isOutput))
        let places = operands.indices.map { Int32($0) }
        let isNarrow = operands.map(\.dtype.isHalfPrecision)
        return Kernel(inner.name, scratchBytes: offset + inner.scratchBytes) { frame in
            let table = frame.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
            for index in isNarrow.indices where !isNarrow[index] { table[index] = frame.rawOperand(index) }
            for conversion in all { table[conversion.operand] = frame.scratch + conversion.offset }
            for conversion in before {
                conversion.loop.call(
                    frame.rawOperand(conversion.operand), frame.scratch + conversion.offset, conversion.count)
            }
            places.withUnsafeBufferPointer { places in
                guard let places = places.baseAddress else { return }
                body(
                    frame.with(
                        values: table, operands: places, inputCount: inputCount, scratch: frame.scratch + scratchOffset)
                )
            }
            for conversion in after {
                conversion.loop.call(
                    frame.scratch + conversion.offset, frame.rawOperand(conversion.operand), conversion.count)
            }
        }
    }

    /// How one operand gets from its memory into the temporary one, or back.
    private struct Conversion: Sendable {
        let operand: Int
        let offset: Int
        let count: Int
        let isOutput: Bool
        let loop: Loop<ck_unary_fn>

        init?(_ operand: Operand, _ index: Int, _ offset: Int, isOutput: Bool) {
            let (narrow, wide) = (operand.dtype.rawValue, DataType.float32.rawValue)
            guard let loop = Loop(isOutput ? ck_cast_loop(wide, narrow) : ck_cast_loop(narrow, wide)) else {
                return nil
            }
            self.operand = index
            self.offset = offset
            self.count = operand.count
            self.isOutput = isOutput
            self.loop = loop
        }
    }
}
