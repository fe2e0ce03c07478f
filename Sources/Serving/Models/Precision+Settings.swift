package import Settings
package import Tensors

extension Precision {
    /// `fp32` or `bf16`.
    package static let type = SettingType<Precision>.choice(allCases.map { ($0.rawValue, $0) })
}
