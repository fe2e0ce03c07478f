internal import Tensors

/// JSON Schema (2020-12) for tensors.
enum OpenAPISchema {
    /// The place of a tensor. Responses may contain values that requests may not.
    enum Place { case request, response }

    /// Nested lists of elements, according to the shape.
    static func tensor(_ dtype: DataType?, _ shape: PartialShape, _ place: Place) -> JSONTree {
        let element = element(dtype, place)
        guard let dimensions = shape.dimensions else {
            // JSON Schema cannot express that lists of any depth have the same length.
            let list: JSONTree = ["type": "array", "items": element]
            return ["anyOf": [element, list, ["type": "array", "items": list]]]
        }
        return dimensions.reversed().reduce(element) { list($0, size: $1) }
    }

    /// A list of a number of elements; of any number if it is negative.
    static func list(_ element: JSONTree, size: Int) -> JSONTree {
        let list: JSONTree = ["type": "array", "items": element]
        return size < 0 ? list : list.adding([("minItems", .integer(size)), ("maxItems", .integer(size))])
    }

    static func element(_ dtype: DataType?, _ place: Place) -> JSONTree {
        guard let dtype else { return [:] }
        switch dtype.quantizedStorage ?? dtype {
        case .float32: return float(below: float32Limit, place)
        case .float16: return float(below: 65520, place)
        case .bfloat16: return float(below: 0x1.ffp127, place)
        case .float64: return float(below: nil, place)
        case .int8: return integer(Int8.self)
        case .int16: return integer(Int16.self)
        case .int32: return integer(Int32.self)
        case .int64: return integer(Int64.self)
        case .uint8: return integer(UInt8.self)
        case .uint16: return integer(UInt16.self)
        case .uint32: return integer(UInt32.self)
        case .uint64: return integer(UInt64.self)
        case .bool: return ["type": "boolean"]
        case .string: return ["anyOf": [["type": "string"], bytes]]
        case .complex64: return list(float(below: float32Limit, place), size: 2)
        case .complex128: return list(float(below: nil, place), size: 2)
        default: return [:]
        }
    }

    private static let bytes: JSONTree = [
        "type": "object", "required": ["b64"], "additionalProperties": false,
        "properties": [
            "b64": [
                "type": "string",
                "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
            ]
        ],
    ]

    /// The exclusive limit of float32: larger values would be rounded to infinity.
    private static let float32Limit = 0x1.ffffffp127

    /// The schema of floats, with NaN and infinities in the form that `--nan` selects.
    private static func float(below limit: Double?, _ place: Place) -> JSONTree {
        let special: JSONTree = ["enum": ["NaN", "Infinity", "-Infinity"]]
        guard place == .request else { return ["anyOf": [["type": ["number", "null"]], special]] }
        let bounds = limit.map { limit in
            [(key: "exclusiveMinimum", value: JSONTree.number(-limit)), ("exclusiveMaximum", .number(limit))]
        }
        return ["anyOf": [JSONTree.object([("type", "number")]).adding(bounds ?? []), special]]
    }

    private static func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> JSONTree {
        [
            "type": "integer", "minimum": .integer(Int(Value.min)),
            "maximum": .unsigned(UInt64(Value.max)),
        ]
    }
}
