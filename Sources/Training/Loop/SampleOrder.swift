/// The order in which samples are taken: another one in each epoch, and the same for the same seed.
struct SampleOrder {
    /// The samples to train with.
    private let training: [Int]
    /// The samples to validate with, which are the same in all epochs.
    let validation: [Int]
    private let seed: UInt64?

    /// - Parameters:
    ///   - count: The number of samples.
    ///   - validation: The fraction of them that is not trained with, from 0 to below 1.
    ///   - seed: The seed; nil to take them as they come.
    init(count: Int, validation: Double, seed: UInt64?) {
        self.seed = seed
        var all = Array(0..<count)
        // What validates is drawn once, so that the end of a sorted file is not all of it.
        if let seed { all.shuffle(using: seed) }
        let held = min(count - 1, max(0, Int(Double(count) * validation)))
        self.validation = Array(all.suffix(held)).sorted()
        training = Array(all.dropLast(held)).sorted()
    }

    /// The number of samples to train with.
    var count: Int { training.count }

    /// The samples of an epoch, in order.
    func samples(ofEpoch epoch: Int) -> [Int] {
        guard let seed else { return training }
        var order = training
        order.shuffle(using: seed &+ UInt64(truncatingIfNeeded: epoch + 1))
        return order
    }
}

extension [Int] {
    /// Fisher and Yates' shuffle with numbers of SplitMix64, so that a seed gives one order on all systems.
    fileprivate mutating func shuffle(using seed: UInt64) {
        var state = seed
        for place in indices.dropFirst().reversed() {
            state &+= 0x9e37_79b9_7f4a_7c15
            var bits = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            bits ^= bits >> 31
            let other = Int(bits.multipliedFullWidth(by: UInt64(place + 1)).high)
            swapAt(place, other)
        }
    }
}
