import FoundationEssentials
import Kernels
import Operations
import TensorFlowProtos
import Tensors
import Testing
import Threads

@Suite("Memory and time of ops on text")
struct TextMemoryTests {
    /// An op with inputs that make it take more than a run may.
    struct Trial: CustomTestStringConvertible, Sendable {
        let op: String
        let attributes: [String: AttrValue]
        let inputs: [Tensor]
        var testDescription: String { op }

        init(_ op: String, _ inputs: [Tensor?], _ attributes: [String: AttrValue] = [:]) {
            self.op = op
            self.attributes = attributes
            self.inputs = inputs.compactMap { $0 }
        }

        func run(_ account: RunAccount) throws -> [Tensor] {
            try plainOp(op, inputs: inputs.count, attributes).evaluate(inputs.map { TensorFact($0) }, account)
        }
    }

    private static let limitBytes = 8 << 20

    private static func strings(_ text: String, count: Int) -> Tensor? {
        Tensor(strings: Array(repeating: Array(text.utf8), count: count), shape: .vector(count))
    }

    private static func string(_ text: String) -> Tensor? {
        Tensor(strings: [Array(text.utf8)], shape: .scalar)
    }

    private static func numbers(_ count: Int) -> Tensor? {
        Tensor(Array(repeating: Int32(7), count: count))
    }

    private static let megabyte = String(repeating: "aB c,", count: 200 << 10)

    static var trials: [Trial] {
        let long = string(String(repeating: megabyte, count: 9))
        let longList = long.flatMap { $0.reshaped(to: .vector(1)) }
        let many = strings("ab", count: 500_000)
        return [
            Trial("StringJoin", [string(megabyte), strings("a", count: 100_000)]),
            Trial("ReduceJoin", [longList, Tensor([Int32(0)])]),
            Trial(
                "UnsortedSegmentJoin", [many, numbers(500_000), Tensor([Int32(1 << 28)], shape: [])],
                ["Tindices": type(.int32)]),
            Trial("AsString", [numbers(200_000)], ["T": type(.int32), "width": integer(62)]),
            Trial(
                "Substr",
                [
                    string(megabyte), Tensor([Int32](repeating: 0, count: 10)),
                    Tensor([Int32](repeating: 1 << 20, count: 10)),
                ]),
            Trial("EncodeBase64", [long]), Trial("DecodeBase64", [string(String(repeating: "abcd", count: 4 << 20))]),
            Trial("StringLower", [long]), Trial("StringUpper", [long], ["encoding": text("utf-8")]),
            Trial("StringStrip", [long]),
            Trial(
                "UnicodeTranscode", [string(String(repeating: megabyte, count: 3))],
                ["input_encoding": text("UTF-8"), "output_encoding": text("UTF-32-BE")]),
            Trial("UnicodeDecode", [string(megabyte + megabyte)], ["input_encoding": text("UTF-8")]),
            Trial("StringSplit", [strings(megabyte, count: 1), string("")]),
            Trial("StringSplitV2", [strings(megabyte, count: 1), string(",")]),
            Trial(
                "StringFormat", [numbers(4 << 20)],
                ["summarize": integer(-1), "template": text("%s"), "placeholder": text("%s")]),
            Trial(
                "StaticRegexReplace", [string(megabyte)],
                ["pattern": text("a"), "rewrite": text("0123456789012345678901234567890123456789012345")]),
            Trial("RegexReplace", [long, string("a"), string("b")]),
            Trial("SerializeTensor", [numbers(4 << 20)]), Trial("SerializeTensor", [longList]),
            Trial("DecodePaddedRaw", [many, Tensor([Int32(1 << 20)], shape: [])], ["out_type": type(.uint8)]),
            Trial("StringToNumber", [strings("1", count: 3 << 20)]),
            Trial("MergeSummary", [string(String(repeating: "\n\u{2}\n\u{0}", count: 1 << 20))]),
        ]
    }

    private static func integer(_ number: Int64) -> AttrValue {
        var value = AttrValue()
        value.i = number
        return value
    }

    private static func text(_ text: String) -> AttrValue {
        var value = AttrValue()
        value.s = .init(text.utf8)
        return value
    }

    private static func type(_ dtype: DataType) -> AttrValue {
        var value = AttrValue()
        value.type = dtype.rawValue
        return value
    }

    @Test("What would take more than the run may is refused before it is taken", arguments: trials)
    func refuses(_ trial: Trial) throws {
        let account = RunAccount(limitBytes: Self.limitBytes)
        let error = #expect(throws: OpError.self) { try trial.run(account) }
        #expect(error?.kind == .resourceExhausted)
        #expect(error?.reason.contains("more bytes, but the run may take only") == true, "\(error?.reason ?? "")")
        #expect(account.peakBytes <= Self.limitBytes)
        #expect(account.usedBytes == 0)
    }

    @Test("A run whose time is over ends within the op", arguments: trials)
    func ends(_ trial: Trial) throws {
        let account = RunAccount()
        account.limits = RunLimits(deadline: Deadline(after: 0, from: 0))
        // Without a limit these take more memory at once than there is.
        guard !["UnsortedSegmentJoin", "DecodePaddedRaw"].contains(trial.op) else { return }
        let error = #expect(throws: OpError.self) { try trial.run(account) }
        #expect(error?.kind == .deadlineExceeded)
    }

    @Test("The account sees about as much as the results have")
    func isExact() throws {
        let trial = Trial("StringJoin", [Self.string("abc"), Self.strings("de", count: 1000)])
        let account = RunAccount()
        let result = try #require(try trial.run(account).first)
        #expect(result.storage.byteCount == 1000 * (16 + 5))
        #expect(account.peakBytes >= result.storage.byteCount)
        #expect(account.peakBytes < 2 * result.storage.byteCount)
    }

    @Test("Text that grows keeps its strings apart")
    func grows() throws {
        let trial = Trial(
            "UnicodeTranscode", [Self.strings("h\u{e9}llo \u{1F600}", count: 3000)],
            ["input_encoding": Self.text("UTF-8"), "output_encoding": Self.text("UTF-32-BE")])
        let result = try #require(try trial.run(RunAccount()).first)
        let strings = try #require(result.strings)
        #expect(Set(strings).count == 1)
        #expect(strings.count == 3000)
        #expect(strings.first?.count == 28)
        #expect(strings.first?.suffix(4) == [0, 1, 0xF6, 0])
    }

    @Test("Image files that would take more than the run may are refused, and so are images to write")
    func refusesImages() throws {
        let shape = try #require(Shape([4000, 4000, 1]))
        let pixels = Tensor(dtype: .uint8, shape: shape) { $0.initializeMemory(as: UInt8.self, repeating: 7) }
        var progressive = AttrValue()
        progressive.b = true
        let png = Trial("EncodePng", [pixels])
        let jpeg = Trial("EncodeJpeg", [pixels], ["progressive": progressive])
        let files = [try png.run(RunAccount()).first, try jpeg.run(RunAccount()).first]
        let trials = [jpeg, Trial("DecodePng", [files[0]]), Trial("DecodeJpeg", [files[1]])]
        for trial in trials {
            let account = RunAccount(limitBytes: Self.limitBytes)
            let error = #expect(throws: OpError.self) { try trial.run(account) }
            #expect(error?.kind == .resourceExhausted, "\(trial.op)")
            #expect(error?.reason.contains("more bytes, but the run may take only") == true, "\(error?.reason ?? "")")
            #expect(account.peakBytes <= Self.limitBytes)
            #expect(try trial.run(RunAccount()).first != nil)
        }
        // All blocks' coefficients are in memory at once.
        let account = RunAccount()
        _ = try trials[2].run(account)
        #expect(account.peakBytes >= 3 * shape.elementCount)
    }
}
