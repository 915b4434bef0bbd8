import Contracts
import Store

/// The consent levels of a derived stream as its maker names them: exactly `levels`, or
/// `cumulative` L for {0…L}.
struct LevelChoice: Sendable {
    var mode: DerivedStreamDefinition.Mode
    /// Never empty: a view without required consent would hand out events of people who consented
    /// to nothing.
    var levels: ConsentLevels

    init(_ body: BodyObject) throws(Problem) {
        let range = 0...ConsentLevels.levelMax
        let granular = try body.integers("levels", in: range)
        let level = try body.integer("cumulative", in: range)
        switch (granular, level) {
        case (let numbers?, nil):
            guard !numbers.isEmpty, Set(numbers).count == numbers.count,
                let levels = ConsentLevels(numbers)
            else { throw .invalid("/levels", expected: "at least one level, each once") }
            self.levels = levels
            mode = .granular
        case (nil, let level?):
            guard let levels = ConsentLevels.cumulative(level) else {
                throw .invalid("/cumulative", expected: "0 to \(ConsentLevels.levelMax)")
            }
            self.levels = levels
            mode = .cumulative(level)
        case (nil, nil), (_?, _?):
            throw .invalid("body", expected: "exactly one of levels and cumulative")
        }
    }

    /// `demo-1-4`, `demo-c2`
    func defaultName(source: String) -> String {
        switch mode {
        case .granular: "\(source)-\(levels.levels.map(String.init).joined(separator: "-"))"
        case .cumulative(let level): "\(source)-c\(level)"
        }
    }
}
