internal import CMemory

/// Memory that was freed.
package enum FreedMemory {
    /// Gives back to the operating system what malloc keeps of it. May take milliseconds, and holds up who allocates meanwhile.
    package static func giveBack() { cmemory_trim() }
}
