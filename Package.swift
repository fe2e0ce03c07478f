// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// A Swift target of this package; `uses` names other targets of it.
func target(
    _ name: String, uses: [String], _ products: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .target(
        name: name, dependencies: uses.map { .byName(name: $0) } + products, exclude: exclude,
        swiftSettings: swiftSettings)
}

func tests(
    _ name: String, uses: [String], _ products: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: uses.map { .byName(name: $0) } + products, exclude: exclude,
        swiftSettings: swiftSettings)
}

func system(_ name: String, _ pkgConfig: String, apt: String...) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt(apt)])
}

let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "metaserve",
    products: [
        .executable(name: "metaserve", targets: ["metaserve"]),
        .library(name: "Serving", targets: ["Serving"]),
        .library(name: "Training", targets: ["Training"]),
        .library(name: "Execution", targets: ["Execution"]),
        .library(name: "Checkpoints", targets: ["Checkpoints"]),
        .library(name: "Graphs", targets: ["Graphs"]),
        .library(name: "Tensors", targets: ["Tensors"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // What is not ours, or cannot be Swift.
        system("CMicrohttpd", "libmicrohttpd", apt: "libmicrohttpd-dev", "libgnutls28-dev"),
        system("CSnappy", "snappy", apt: "libsnappy-dev"),
        system("CZlib", "zlib", apt: "zlib1g-dev"),
        system("CZstd", "libzstd", apt: "libzstd-dev"),
        .target(name: "CChecksum"),
        .target(name: "CEvents"),
        .target(name: "CMemory"),
        .target(name: "CProcessors"),
        .target(name: "CThreads"),
        .target(name: "CArguments"),
        .target(name: "CResponses", dependencies: ["CMicrohttpd"]),
        // Opens libopenblas.so.0 (Debian: libopenblas0-pthread) when it is needed.
        .target(name: "COpenBLAS"),
        .target(name: "CKernels", dependencies: ["COpenBLAS"]),
        .target(name: "CImages", linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16")]),
        .target(name: "CRegex", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CJSON", linkerSettings: [.linkedLibrary("simdjson")]),

        // From the bottom to the top; a target uses only what stands above it here.
        target("Memory", uses: ["CMemory"]),
        target("Threads", uses: ["CProcessors", "CThreads"]),
        target("Files", uses: []),
        target("Text", uses: []),
        target("Tensors", uses: []),
        target("Settings", uses: ["Text"], [yaml]),
        target("TensorFlowProtos", uses: ["Tensors"], [protobuf], exclude: ["proto", "regenerate.sh"]),
        target(
            "Checkpoints",
            uses: ["Tensors", "Text", "Files", "Threads", "TensorFlowProtos", "CChecksum", "CSnappy"], [protobuf]),
        target("Graphs", uses: ["Tensors", "Text", "TensorFlowProtos"], [protobuf]),
        target(
            "Kernels", uses: ["Tensors", "Memory", "Threads", "CKernels", "CImages", "COpenBLAS", "CRegex", "CZlib"]),
        target("Operations", uses: ["Kernels", "Graphs", "Tensors", "Memory", "Threads"]),
        target("Planning", uses: ["Operations", "Kernels", "Graphs", "Tensors", "Threads", "Memory"]),
        target("Expressions", uses: ["Planning", "Operations", "Graphs", "Tensors", "Text"]),
        target("Execution", uses: ["Planning", "Operations", "Kernels", "Graphs", "Tensors", "Threads", "Memory"]),
        target("Interfaces", uses: ["Planning", "Operations", "Graphs", "Tensors", "TensorFlowProtos"]),
        target(
            "Serving",
            uses: [
                "Interfaces", "Execution", "Expressions", "Planning", "Operations", "Checkpoints", "Graphs", "Settings",
                "Tensors", "Text",
                "TensorFlowProtos",
                "Files", "Threads", "Memory",
            ],
            [protobuf, logging]),
        target(
            "Training",
            uses: [
                "Serving", "Execution", "Planning", "Operations", "Checkpoints", "Graphs", "Tensors", "Text", "Files",
                "Threads", "TensorFlowProtos",
            ], [protobuf, yaml]),
        target("HTTPMessages", uses: ["Threads", "Memory"]),
        target("HTTPServer", uses: ["HTTPMessages", "Files", "Threads", "Memory", "CMicrohttpd", "CResponses"]),
        target(
            "API",
            uses: [
                "Serving", "Execution", "Planning", "Operations", "Graphs", "Settings", "Tensors", "Text",
                "HTTPMessages", "Threads", "Memory", "Files", "CJSON", "CZlib", "CZstd",
            ]),
        .executableTarget(
            name: "metaserve",
            dependencies: [
                "API", "Checkpoints", "Execution", "Expressions", "Planning", "Files", "Graphs", "HTTPMessages",
                "HTTPServer",
                "Interfaces", "Kernels", "Operations", "Threads", "Memory", "Serving", "Settings", "Tensors", "Text",
                "CArguments", "CEvents", arguments, logging,
            ],
            swiftSettings: swiftSettings),

        .executableTarget(
            name: "json-benchmark", dependencies: ["API", "HTTPMessages", "Serving"], path: "Benchmarks/json",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "batch-benchmark", dependencies: ["Execution", "Serving", "Tensors"], path: "Benchmarks/batch",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "threads-benchmark",
            dependencies: [
                "Execution", "Planning", "Graphs", "Kernels", "Operations", "TensorFlowProtos", "Tensors", "Threads",
                protobuf,
            ],
            path: "Benchmarks/threads", swiftSettings: swiftSettings),
        .target(
            name: "VectorSupport", dependencies: ["Tensors", "TensorFlowProtos", protobuf], path: "Tests/VectorSupport",
            exclude: ["op_vector.proto", "modules.asciipb"], swiftSettings: swiftSettings),
        .target(
            name: "OperationSupport",
            dependencies: ["Operations", "Graphs", "Tensors", "TensorFlowProtos", "VectorSupport"],
            path: "Tests/OperationSupport", swiftSettings: swiftSettings),
        .target(name: "MemoryMeter", path: "Tests/MemoryMeter"),
        .executableTarget(
            name: "memory-trial",
            dependencies: [
                "MemoryMeter", "OperationSupport", "Operations", "Kernels", "Tensors", "TensorFlowProtos", "Threads",
                "VectorSupport",
            ], path: "Tests/MemoryTrial", swiftSettings: swiftSettings),
        tests(
            "CheckpointsTests",
            uses: ["Checkpoints", "Files", "Threads", "CChecksum", "Tensors", "TensorFlowProtos", "VectorSupport"],
            [protobuf]),
        tests(
            "InterfacesTests",
            uses: [
                "Interfaces", "Execution", "Planning", "Operations", "Graphs", "Tensors", "TensorFlowProtos",
                "VectorSupport",
            ], [protobuf]),
        tests(
            "ServingTests",
            uses: [
                "Serving", "Execution", "Planning", "Operations", "Checkpoints", "Graphs", "Tensors", "Text",
                "TensorFlowProtos",
                "VectorSupport", "ServerSupport", "Files", "Threads", "Memory",
            ],
            [protobuf, logging]),
        .target(
            name: "ServerSupport", dependencies: ["VectorSupport", "Threads"], path: "Tests/ServerSupport",
            swiftSettings: swiftSettings),
        tests(
            "MetaserveTests",
            uses: [
                "metaserve", "API", "Files", "Memory", "Serving", "Settings", "Tensors", "VectorSupport",
                "ServerSupport",
            ],
            [arguments, logging]),
        tests("SettingsTests", uses: ["Settings"]),
        tests("HTTPServerTests", uses: ["HTTPServer", "HTTPMessages", "Memory", "Threads", "ServerSupport"]),
        tests(
            "FaultTests",
            uses: ["metaserve", "Serving", "Checkpoints", "Tensors", "Threads", "ServerSupport", "VectorSupport"],
            exclude: ["broken_disk.py", "jumping_clock.c", "large_model.py", "live_writer.py"]),
        tests(
            "HostileTests",
            uses: ["metaserve", "memory-trial", "Threads", "ServerSupport", "VectorSupport"]),
        tests("StructureTests", uses: ["VectorSupport"]),
        tests(
            "APITests",
            uses: [
                "API", "Execution", "HTTPMessages", "Threads", "Serving", "Settings", "Tensors", "Memory",
                "VectorSupport",
            ]),
        .target(
            name: "GraphSupport",
            dependencies: [
                "Execution", "OperationSupport", "Planning", "Operations", "Graphs", "Memory", "Tensors",
                "TensorFlowProtos",
                "VectorSupport",
                protobuf,
            ], path: "Tests/GraphSupport", swiftSettings: swiftSettings),
        tests(
            "ExecutionTests",
            uses: [
                "Execution", "GraphSupport", "Memory", "OperationSupport", "Planning", "Operations", "Kernels",
                "Graphs",
                "Tensors",
                "TensorFlowProtos", "Threads", "VectorSupport",
            ]),
        tests(
            "PlanningTests",
            uses: [
                "Planning", "GraphSupport", "Execution", "Operations", "Kernels", "Graphs", "Tensors",
                "TensorFlowProtos", "VectorSupport",
            ],
            [protobuf]),
        tests(
            "TrainingTests",
            uses: [
                "Training", "Serving", "Execution", "Planning", "Operations", "OperationSupport", "Graphs",
                "GraphSupport", "Tensors", "TensorFlowProtos", "VectorSupport",
            ], [protobuf]),
        tests(
            "ExpressionsTests",
            uses: [
                "Expressions", "Execution", "GraphSupport", "Planning", "Operations", "Graphs", "Tensors",
                "TensorFlowProtos", "VectorSupport",
            ], [protobuf]),
        tests("ThreadsTests", uses: ["Threads", "CProcessors"]),
        tests(
            "OperationsTests",
            uses: [
                "Operations", "Kernels", "Graphs", "Tensors", "TensorFlowProtos", "Threads", "VectorSupport",
                "OperationSupport", "ServerSupport", "memory-trial",
            ]),
    ],
    cxxLanguageStandard: .cxx17
)

// Without the other targets, the thread sanitizer's build takes seconds: `make test-tables` sets the variable.
if Context.environment["METASERVE_TABLES"] != nil {
    package.products = []
    package.targets.removeAll { !["CProcessors", "CThreads", "Threads", "ThreadsTests"].contains($0.name) }
}

// The fuzzers need libFuzzer's `main`, so no other build may see them: scripts/fuzz.sh sets the variable.
if Context.environment["METASERVE_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz-readers",
            dependencies: [
                "API", "Checkpoints", "Graphs", "HTTPMessages", "HTTPServer", "Kernels", "OperationSupport",
                "Operations", "Serving", "Tensors", "TensorFlowProtos", "Threads", "VectorSupport", protobuf,
            ], path: "Tests/Fuzzing", swiftSettings: swiftSettings))
}
