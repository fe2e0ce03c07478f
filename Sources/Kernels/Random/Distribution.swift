extension Kernel {
    /// Copies each row of input 0 to a row of one of the outputs.
    ///
    /// - Parameters:
    ///   - places: For each row: which output, and which row of it.
    ///   - rowBytes: Bytes of a row.
    /// - Returns: The kernel.
    package static func distribute(_ places: [(output: Int, row: Int)], rowBytes: Int) -> Kernel {
        Kernel { frame in
            for (row, place) in places.enumerated() {
                (frame.rawOutput(place.output) + place.row &* rowBytes).copyShort(
                    from: frame.rawInput(0) + row &* rowBytes, byteCount: rowBytes)
            }
        }
    }

    /// Copies the rows of some inputs to rows of the output, the last one for a row wins; rows that none goes to are zero.
    ///
    /// - Parameters:
    ///   - inputs: For each input: its number, and the output rows of its rows.
    ///   - rowBytes: Bytes of a row.
    ///   - outputBytes: Of the whole output.
    /// - Returns: The kernel.
    package static func collect(
        _ inputs: [(input: Int, places: [Int])], rowBytes: Int, outputBytes: Int
    ) -> Kernel {
        Kernel { frame in
            let output = frame.rawOutput()
            output.prepare(with: nil, byteCount: outputBytes)
            for (input, places) in inputs {
                for (row, place) in places.enumerated() {
                    (output + place &* rowBytes).copyShort(
                        from: frame.rawInput(input) + row &* rowBytes, byteCount: rowBytes)
                }
            }
        }
    }
}
