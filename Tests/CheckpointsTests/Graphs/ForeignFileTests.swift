import Foundation
import Testing

@testable import Checkpoints

@Suite("Files of other kinds")
struct ForeignFileTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let title: String
        let remedy: String
        var testDescription: String { name }

        init(_ name: String, _ bytes: [UInt8], _ title: String, _ remedy: String) {
            self.name = name
            self.bytes = bytes
            self.title = title
            self.remedy = remedy
        }
    }

    private static let hdf5: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]

    private static func zip(_ entry: String) -> [UInt8] {
        [0x50, 0x4b, 0x03, 0x04] + [UInt8](repeating: 0, count: 22) + [UInt8(entry.utf8.count), 0, 0, 0]
            + Array(entry.utf8)
    }

    private static let pointer = Array("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n".utf8)
    private static let tar = [UInt8](repeating: 0, count: 257) + Array("ustar\0".utf8)

    static let samples = [
        Sample("model.h5", hdf5, "a Keras model in HDF5", "keras.models.load_model"),
        Sample("renamed", hdf5, "a Keras model in HDF5", "export('exported')"),
        Sample("m.weights.h5", hdf5, "Keras weights without a model (.weights.h5)", "model.load_weights"),
        Sample("model.keras", zip("metadata.json"), "a Keras model (.keras)", "keras.models.load_model"),
        Sample("model.tflite", [0x1c, 0, 0, 0] + Array("TFL3".utf8), "a TensorFlow Lite model", "model.export"),
        Sample("model.onnx", [0x08, 0x07, 0x12, 0x07] + Array("pytorch".utf8), "an ONNX model", "onnx2tf"),
        Sample("arrays.npz", zip("x.npy"), "NumPy arrays (.npz)", "without a graph"),
        Sample("model.pt", zip("archive/data.pkl"), "a PyTorch model", "torch.onnx.export"),
        Sample("old.pth", [0x80, 0x02, 0x8a], "a PyTorch model", "torch.onnx.export"),
        Sample(
            "model.safetensors", [0x40, 0, 0, 0, 0, 0, 0, 0] + Array("{\"w\":".utf8), "safetensors weights",
            "torch.onnx"),
        Sample("model.zip", zip("model/saved_model.pb"), "a zip archive", "unzip"),
        Sample("model.tar", tar, "a tar archive", "tar -xf"),
        Sample("model.tar.gz", [0x1f, 0x8b, 8], "a tar archive", "tar -xf"),
        Sample("graph.pb.gz", [0x1f, 0x8b, 8], "a compressed file", "7z x"),
        Sample("model-7.index", pointer, "a Git LFS pointer, not the file itself", "git lfs pull"),
        Sample(
            "saved_model.pb", Array("\n<!DOCTYPE html>\n<html>".utf8), "a web page, not the file itself", "download"),
        Sample(
            "graph.pb", Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied".utf8),
            "an error message as XML, not the file itself", "download"),
        Sample("model.json", Array(#"{"modelTopology": {}}"#.utf8), "a TensorFlow.js model", "tensorflowjs_converter"),
        Sample("model.gguf", Array("GGUF".utf8), "a GGUF model", "llama.cpp"),
    ]

    @Test("a file of another kind is named, with what to do", arguments: samples)
    func kinds(sample: Sample) throws {
        let folder = try TemporaryFolder()
        try folder.write(sample.bytes, to: sample.name)
        let found = try #require(ForeignFile.of(path: "\(folder.path)/\(sample.name)"))
        #expect(found.title == sample.title)
        #expect(found.remedy.contains(sample.remedy), "\(found.remedy)")
        #expect("\(found)" == "is \(found.title): \(found.remedy)")
    }

    @Test("TensorFlow's own files, short ones and empty ones are none of them")
    func own() throws {
        let folder = try TemporaryFolder()
        try folder.copy("tutorial", step: 1000, to: "model-1")
        try folder.point(to: "model-1")
        try folder.write([], to: "empty")
        for sample in Self.samples {
            try folder.write(Array(sample.bytes.prefix(1)), to: "short")
            #expect(ForeignFile.of(path: "\(folder.path)/short") == nil)
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            #expect(ForeignFile.of(path: "\(folder.path)/\(name)") == nil, "\(name)")
        }
        #expect(ForeignFile.of(path: "/no/such/file") == nil)
    }

    @Test("an address is no path, and the error gives the command that copies it")
    func addresses() {
        #expect(
            RemotePath.fault(of: "s3://bucket/model")
                == "s3://bucket/model: metaserve reads local files only: copy the model with "
                + "`aws s3 cp --recursive 's3://bucket/model' DIR`, and serve the folder")
        #expect(RemotePath.fault(of: "GS://bucket/model")?.contains("gcloud storage cp -r") == true)
        #expect(RemotePath.fault(of: "hdfs://h/model")?.contains("hdfs dfs -get") == true)
        #expect(RemotePath.fault(of: "https://h/model.zip")?.contains("curl -LO") == true)
        #expect(RemotePath.fault(of: "file:///m/x") == "file:///m/x: is an address: give the path /m/x")
        for path in ["models/s3", "/s3://x", "./http:/x"] { #expect(RemotePath.fault(of: path) == nil) }
    }
}
