import API
import Foundation
import Serving
import Tensors
import Testing
import VectorSupport

/// Fed, computed and fetched as JSON, in every dtype, against TensorFlow's answers.
@Suite("Dtypes, from bytes to bytes")
struct DataTypeTests {
    @Test("a graph of every dtype answers as TensorFlow does")
    func everyDtype() throws {
        let folder = Fixtures.path("dtypes")
        let sample = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder + "/answer.json")))
                as? [String: [String: Any]])
        let client = try Client(Model(contentsOf: folder))
        let expected = try #require(sample["outputs"])
        let body: [String: Any] = ["feeds": try #require(sample["feeds"]), "fetches": expected.keys.sorted()]
        let response = client.post(String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self))
        #expect(response.status == 200, "\(response.body)")
        let outputs = try #require(
            (JSONSerialization.jsonObject(with: Data(response.body.utf8)) as? [String: Any])?["outputs"]
                as? [String: Any]
        )
        #expect(expected.count == 25)
        for (name, value) in expected {
            #expect(isSame(try #require(outputs[name]), value), "\(name): \(String(describing: outputs[name]))")
        }
    }

    @Test("literals of the library become every dtype")
    func literals() throws {
        let model = try Model(contentsOf: Fixtures.path("dtypes"))
        let feeds: [(String, FeedValue)] = [
            ("float16", [[1, 2.5]]), ("bfloat16", [[1, 2.5]]), ("int8", [[1, -2]]), ("uint16", [[1, 2]]),
            ("uint32", [[1, 2]]), ("uint64", [[1, 2]]), ("int16", [[1, 2]]), ("complex64", [[[1, 2], [3, 4.5]]]),
            ("complex128", [[[1, 2], [3, 4.5]]]), ("qint8", [1, -2]), ("quint8", [1, 2]), ("qint16", [1, 2]),
            ("quint16", [1, 2]), ("qint32", [1, 2]),
        ]
        for (dtype, value) in feeds {
            let response = try model.run(feeds: ["x_\(dtype):0": value], fetches: ["y_\(dtype):0"])
            #expect(response["y_\(dtype):0"]?.dtype.name == dtype)
        }
        #expect(throws: ModelError.self) { try model.run(feeds: ["x_int8:0": [[1, 300]]], fetches: ["y_int8:0"]) }
        #expect(throws: ModelError.self) {
            try model.run(feeds: ["x_complex64:0": [[1, 300]]], fetches: ["y_complex64:0"])
        }
    }

    /// Lists of the same shape, with numbers that are the same to float32's last places.
    private func isSame(_ left: Any, _ right: Any) -> Bool {
        if let left = left as? [Any], let right = right as? [Any] {
            return left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
        }
        guard let left = left as? NSNumber, let right = right as? NSNumber else { return false }
        return abs(left.doubleValue - right.doubleValue) <= 2e-6 * abs(right.doubleValue)
    }
}
