internal import FoundationEssentials
internal import SwiftProtobuf
internal import TensorFlowProtos

// A graph is nodes, and a node is a few short fields: nearly all of a graph's file. Here they are decoded several times as fast as
// by the library, which gets everything else, and every message in which something unusual is found.

/// A message with graphs in it.
protocol GraphMessage: Message {
    /// Decodes the message, as far as nothing in it is unusual.
    init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual)
}

extension GraphMessage {
    /// Decodes a message; attributes of nodes that only say where these are from are left out.
    ///
    /// - Returns: nil if the bytes are not such a message.
    init?(decodingGraphs bytes: UnsafeRawBufferPointer) {
        if let message = try? Self(usual: bytes) {
            self = message
        } else {
            self.init(decoding: bytes)
        }
    }

    /// Decodes all but the fields of one number, whose contents `take` gets.
    fileprivate init(
        _ bytes: UnsafeRawBufferPointer, without number: UInt64,
        take: (UnsafeRawBufferPointer) throws(WireFields.Unusual) -> Void
    ) throws(WireFields.Unusual) {
        var fields = WireFields(bytes)
        var others = Data()
        while let field = try fields.next() {
            if field.number == number, case .bytes(let part) = field.value {
                try take(part)
            } else {
                others.append(contentsOf: field.encoded)
            }
        }
        guard let message = try? Self(serializedBytes: others) else { throw WireFields.Unusual() }
        self = message
    }
}

extension SavedModel: GraphMessage {
    init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        var graphs: [MetaGraphDef] = []
        try self.init(bytes, without: 2) { (part) throws(WireFields.Unusual) in
            graphs.append(try MetaGraphDef(usual: part))
        }
        metaGraphs = graphs
    }
}

extension MetaGraphDef: GraphMessage {
    init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        var graph: GraphDef?
        try self.init(bytes, without: 2) { (part) throws(WireFields.Unusual) in
            // Several would be one, put together.
            guard graph == nil else { throw WireFields.Unusual() }
            graph = try GraphDef(usual: part)
        }
        if let graph { graphDef = graph }
    }
}

extension GraphDef: GraphMessage {
    init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        var nodes: [NodeDef] = []
        try self.init(bytes, without: 1) { (part) throws(WireFields.Unusual) in
            guard let node = (try? NodeDef(usual: part)) ?? NodeDef(decoding: part) else {
                throw WireFields.Unusual()
            }
            nodes.append(node)
        }
        node = nodes
    }
}

extension NodeDef {
    fileprivate init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        self.init()
        var fields = WireFields(bytes)
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let text)): name = try .usual(text)
            case (2, .bytes(let text)): op = try .usual(text)
            case (3, .bytes(let text)): input.append(try .usual(text))
            // There is one device; where it says nothing unusual, it is not needed.
            case (4, .bytes(let text)): guard text.allSatisfy({ $0 < 0x80 }) else { throw WireFields.Unusual() }
            case (5, .bytes(let entry)): try addAttribute(entry)
            default: throw WireFields.Unusual()
            }
        }
    }

    private mutating func addAttribute(_ entry: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        var fields = WireFields(entry)
        guard case (1, .bytes(let key), _)? = try fields.next(), case (2, .bytes(let value), _)? = try fields.next(),
            fields.isAtEnd
        else { throw WireFields.Unusual() }
        guard key.first != UInt8(ascii: "_") else { return }
        attr[try .usual(key)] = try AttrValue(usual: value)
    }
}

extension String {
    fileprivate static func usual(_ bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw WireFields.Unusual() }
        return text
    }
}

extension AttrValue {
    fileprivate init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        self.init()
        var fields = WireFields(bytes)
        guard let field = try fields.next() else { return }
        guard fields.isAtEnd else { throw WireFields.Unusual() }
        switch (field.number, field.value) {
        case (1, .bytes(let content)): value = .list(try ListValue(usual: content))
        case (2, .bytes(let content)): value = .s(Data(content))
        case (3, .varint(let number)): value = .i(Int64(bitPattern: number))
        case (4, .fixed32(let bits)): value = .f(Float(bitPattern: bits))
        case (5, .varint(let number)): value = .b(number != 0)
        case (6, .varint(let number)): value = .type(Int32(truncatingIfNeeded: number))
        case (7, .bytes(let content)): value = .shape(try TensorShapeProto(usual: content))
        case (8, .bytes(let content)): value = .tensor(try TensorProto(usual: content))
        default: throw WireFields.Unusual()
        }
    }
}

extension AttrValue.ListValue {
    fileprivate init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        self.init()
        var fields = WireFields(bytes)
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (2, .bytes(let content)): s.append(Data(content))
            case (3, .varint(let number)): i.append(Int64(bitPattern: number))
            case (3, .bytes(let numbers)): i += try WireFields.varints(numbers).map { Int64(bitPattern: $0) }
            case (4, .bytes(let numbers)): f += try WireFields.floats(numbers)
            case (5, .bytes(let numbers)): b += try WireFields.varints(numbers).map { $0 != 0 }
            case (6, .varint(let number)): type.append(Int32(truncatingIfNeeded: number))
            case (6, .bytes(let numbers)): type += try WireFields.varints(numbers).map { Int32(truncatingIfNeeded: $0) }
            case (7, .bytes(let content)): shape.append(try TensorShapeProto(usual: content))
            default: throw WireFields.Unusual()
            }
        }
    }
}

extension TensorShapeProto {
    fileprivate init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        self.init()
        var fields = WireFields(bytes)
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (2, .bytes(let content)):
                var dimension = Dim()
                var parts = WireFields(content)
                while let part = try parts.next() {
                    guard part.number == 1, case .varint(let size) = part.value else { throw WireFields.Unusual() }
                    dimension.size = Int64(bitPattern: size)
                }
                dim.append(dimension)
            case (3, .varint(let number)): unknownRank = number != 0
            default: throw WireFields.Unusual()
            }
        }
    }
}

extension TensorProto {
    fileprivate init(usual bytes: UnsafeRawBufferPointer) throws(WireFields.Unusual) {
        self.init()
        var fields = WireFields(bytes)
        while let field = try fields.next() {
            switch (field.number, field.value) {
            case (1, .varint(let number)): dtype = Int32(truncatingIfNeeded: number)
            case (2, .bytes(let content)) where !hasTensorShape: tensorShape = try TensorShapeProto(usual: content)
            case (4, .bytes(let content)): tensorContent = Data(content)
            case (5, .bytes(let numbers)): floatVal += try WireFields.floats(numbers)
            case (7, .bytes(let numbers)):
                intVal += try WireFields.varints(numbers).map { Int32(truncatingIfNeeded: $0) }
            case (8, .bytes(let content)): stringVal.append(Data(content))
            default: throw WireFields.Unusual()
            }
        }
    }
}
