internal import CMemory

/// Memory that was freed.
package enum FreedMemory {
    /// Returns memory that malloc retains to the operating system. May take milliseconds, during which allocations wait.
    package static func giveBack() { cmemory_trim() }
}
