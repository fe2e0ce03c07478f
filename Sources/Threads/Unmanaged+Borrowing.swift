extension Unmanaged {
    /// Calls `body` with the object without counting a reference, because threads that count references to one object wait for each other. The
    /// caller keeps the object meanwhile.
    ///
    /// - Parameter body: The use of the object.
    /// - Returns: The result of `body`.
    /// - Throws: The error of `body`.
    @inlinable @inline(__always)
    package func borrow<Result, Failure>(_ body: (Instance) throws(Failure) -> Result) throws(Failure) -> Result {
        try _withUnsafeGuaranteedRef { object in
            Swift.Result { () throws(Failure) in try body(object) }
        }.get()
    }
}
