internal import Kernels

/// A search for label sequences (Graves, 2012), as TensorFlow does it: the beginnings that were ever looked at are a tree, of
/// which the best `width` ones are leaves, extended at each step.
struct CTCBeamSearch<Score: BinaryFloatingPoint> {
    /// Logarithms of probabilities: of ending with the blank, with the label, and of both.
    private struct Probability {
        var total = -Score.infinity
        var blank = -Score.infinity
        var label = -Score.infinity
    }

    private struct Entry {
        let parent: Int?
        let label: Int
        var children: [Int: Int] = [:]
        var old = Probability()
        var new = Probability()

        var isActive: Bool { new.total != -.infinity }
    }

    private var entries: [Entry]
    /// The beginnings that are kept, best first.
    private var leaves: [Int] = [0]
    private let width: Int
    private let account: RunAccount
    private var room = 0
    private var work: WorkCount
    private let blank: Int
    private let exponential: (Score) -> Score
    private let logarithmOfOneAnd: (Score) -> Score

    init(
        width: Int, blank: Int, _ account: RunAccount, exponential: @escaping (Score) -> Score,
        logarithmOfOneAnd: @escaping (Score) -> Score
    ) {
        self.account = account
        work = WorkCount(account)
        self.width = width
        self.blank = blank
        self.exponential = exponential
        self.logarithmOfOneAnd = logarithmOfOneAnd
        var root = Entry(parent: nil, label: -1)
        root.new.total = 0
        root.new.blank = 0
        entries = [root]
    }

    /// The logarithm of the sum of two probabilities.
    private func sum(_ left: Score, _ right: Score) -> Score {
        if left == -.infinity { return right }
        if right == -.infinity { return left }
        return max(left, right) + logarithmOfOneAnd(exponential(-abs(left - right)))
    }

    /// Takes the logarithms of the classes' probabilities at the next step.
    mutating func step(_ scores: [Score]) throws(OpError) {
        let branches = leaves
        for entry in branches { entries[entry].old = entries[entry].new }
        leaves.removeAll(keepingCapacity: true)
        for entry in branches {
            keep(entry, scores)
            insert(entry)
            try work.add(64)
        }
        for branch in branches where isCandidate(entries[branch].old.total) {
            try work.add(32 * blank)
            for label in 0..<blank { try extend(branch, by: label, scores[label]) }
        }
    }

    /// The same sequence one step later: its last label again, or a blank.
    private mutating func keep(_ entry: Int, _ scores: [Score]) {
        if let parent = entries[entry].parent {
            let label = entries[entry].label
            if entries[parent].isActive {
                let before = label == entries[parent].label ? entries[parent].old.blank : entries[parent].old.total
                entries[entry].new.label = sum(entries[entry].new.label, before)
            }
            entries[entry].new.label += scores[label]
        }
        entries[entry].new.blank = entries[entry].old.total + scores[blank]
        entries[entry].new.total = sum(entries[entry].new.blank, entries[entry].new.label)
    }

    private mutating func extend(_ branch: Int, by label: Int, _ score: Score) throws(OpError) {
        let known = entries[branch].children[label]
        if let known, entries[known].isActive { return }
        // The same label twice needs a blank between.
        let before = label == entries[branch].label ? entries[branch].old.blank : entries[branch].old.total
        let probability = score + before
        guard isCandidate(probability) else {
            if let known {
                entries[known].old = Probability()
                entries[known].new = Probability()
            }
            return
        }
        let child = known ?? entries.count
        if known == nil {
            try makeRoom()
            entries.append(Entry(parent: branch, label: label))
            entries[branch].children[label] = child
        }
        entries[child].new = Probability(total: probability, blank: -.infinity, label: probability)
        if leaves.count == width, let bottom = leaves.popLast() { entries[bottom].new = Probability() }
        insert(child)
    }

    /// What an entry takes in the table of its parent, and among the leaves.
    private static var placeBytes: Int { 192 }

    /// Counts the memory of another entry before it is taken; while the list grows the old one and the new one are alive.
    private mutating func makeRoom() throws(OpError) {
        try account.reserve(Self.placeBytes)
        guard entries.count >= room else { return }
        let (old, new) = (room, max(64, 2 * entries.count))
        try account.reserve(new, bytesEach: MemoryLayout<Entry>.stride)
        entries.reserveCapacity(new)
        account.give(old * MemoryLayout<Entry>.stride)
        room = new
    }

    private func isCandidate(_ probability: Score) -> Bool {
        guard probability > -.infinity else { return false }
        guard leaves.count == width, let bottom = leaves.last else { return true }
        return probability > entries[bottom].new.total
    }

    /// Puts an entry where it belongs among the leaves; behind those that are as likely.
    private mutating func insert(_ entry: Int) {
        var (low, high) = (0, leaves.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[leaves[middle]].new.total >= entries[entry].new.total { low = middle + 1 } else { high = middle }
        }
        leaves.insert(entry, at: low)
    }

    /// The best sequences, best first; fewer if there are fewer.
    func best(_ count: Int) -> [Int] { Array(leaves.prefix(count)) }

    func probability(of entry: Int) -> Score { entries[entry].new.total }

    /// The labels of one of the ``best(_:)`` sequences, equal neighbours as one where that is asked for.
    func labels(of entry: Int, mergesRepeated: Bool) -> [Int] {
        var labels: [Int] = []
        var place = entry
        while let parent = entries[place].parent {
            if !mergesRepeated || labels.last != entries[place].label { labels.append(entries[place].label) }
            place = parent
        }
        return labels.reversed()
    }
}
