import Foundation
import Kernels

/// What a measurement depends on beside the model: the processor, and the libraries' choices.
struct Machine {
    /// The name of the processor, by the system.
    let processor: String
    /// The number of processors that the process may use.
    let processors: Int
    /// The instructions of metaserve's own products, and the kernels that OpenBLAS chose.
    let kernels: String
    /// Variables of the environment that change what is measured.
    let warnings: [String]

    /// The machine that the program runs on.
    static var current: Machine {
        let environment = ProcessInfo.processInfo.environment
        let facts = FileManager.default.contents(atPath: "/proc/cpuinfo").map { String(decoding: $0, as: UTF8.self) }
        let core = LinearAlgebra.core
        var warnings = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"].compactMap { name in
            environment[name].map { value in
                "\(name)=\(value) is set, so that OpenBLAS does not choose by the processor: unset \(name)"
            }
        }
        if !LinearAlgebra.knowsProcessor {
            warnings.append(
                "this OpenBLAS does not know the processor and takes its slow kernels for \(core): float64 and complex products are slow"
            )
        }
        return Machine(
            processor: value(of: "model name", in: facts) ?? "an unknown processor",
            processors: ThreadBudget.processors, kernels: "\(PanelFormat.Level.best), OpenBLAS \(core)",
            warnings: warnings)
    }

    /// The first value of a key in `/proc/cpuinfo`.
    private static func value(of key: String, in facts: String?) -> String? {
        let line = facts?.split(separator: "\n").first { $0.hasPrefix(key) }
        let value = line?.split(separator: ":", maxSplits: 1).dropFirst().first?.drop { $0 == " " }
        return value.flatMap { $0.isEmpty ? nil : String($0) }
    }
}
