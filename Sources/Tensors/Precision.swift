/// The numbers that products and convolutions keep their weights in. Sums are float32 in any case.
public enum Precision: String, CaseIterable, Hashable, Sendable {
    /// float32, as most checkpoints have them.
    case fp32
    /// bfloat16: half the memory, and 8 instead of 24 bits of precision.
    case bf16

    /// The dtype of the weights.
    package var dataType: DataType {
        switch self {
        case .fp32: .float32
        case .bf16: .bfloat16
        }
    }
}
