/// Compiles a schema document of JSON Schema (draft 2020-12 or draft-07) to a
/// ``JSONSchemaProgram``.
///
/// In this order: subschemas are indexed (``JSONSchemaIndex``), the document is checked against its
/// meta-schema by our own evaluator, keywords become operations, and what could make evaluation
/// endless or too costly is refused (``JSONSchemaCompiler+Bounds``). Cost: linear in the document
/// and in what it refers to, both bounded; ``work`` counts it.
struct JSONSchemaCompiler {
    struct Options {
        /// Whether `format` is checked for the formats of ``StringFormat``; it is an annotation
        /// otherwise.
        var assertsFormats = true
        /// Whether the document is checked against its meta-schema.
        var checksDocument = true
    }

    let schema: DocumentCursor
    let documents: JSONSchemaDocuments
    let options: Options
    var index: JSONSchemaIndex
    var parts = JSONSchemaProgram.Parts()
    /// The node of the document itself.
    var documentRoot = 0
    /// Locations by node.
    var locations: [Int] = []
    private var nodes: [Int: Int] = [:]
    /// Patterns by the author's spelling.
    private var patterns: [[UInt8]: Int] = [:]
    /// Dynamic anchors by name.
    private var anchors: [String: Int] = [:]
    private var patternSize = 0
    var edgeCount = 0
    /// Steps taken: subschemas, keywords, values of the document, edges, sizes of automata.
    private(set) var work = 0

    /// Keywords of one schema, unknown ones included.
    static let keywordCountMax = 256
    /// Names of one `properties`, `required` or the like, and entries of one list of schemas.
    static let entryCountMax = 1_024
    /// Values of one `enum`.
    static let enumCountMax = 4_096
    /// Different patterns; each may cost 1 MiB of automata when it runs.
    static let patternCountMax = 256
    /// Instructions of all compiled patterns together: bounds the time that RE2 takes to compile.
    static let patternSizeMax = 40_000
    /// Names of `$dynamicAnchor` that references use.
    static let dynamicAnchorCountMax = 64

    /// - Throws: if the document or something it refers to has no usable form.
    init(
        _ schema: DocumentCursor, documents: JSONSchemaDocuments = .standard,
        options: Options = Options()
    ) throws(ContractError) {
        self.schema = schema
        self.documents = documents
        self.options = options
        index = try JSONSchemaIndex(schema, documents: documents)
    }

    /// The program of the schema.
    /// - Throws: the first thing wrong, with the pointer of its keyword.
    mutating func compile() throws(ContractError) -> JSONSchemaProgram {
        count(index.locations.count)
        if options.checksDocument { try checkDocument() }
        parts.root = try node(at: 0)
        var next = 0
        while next < locations.count {
            try fill(next)
            next += 1
        }
        finishConstants()
        finishDynamicTargets()
        try checkBounds()
        return JSONSchemaProgram(parts)
    }

    mutating func count(_ steps: Int) { work += steps }

    /// The node of a location; it is filled later, in order.
    mutating func node(at location: Int) throws(ContractError) -> Int {
        if let known = nodes[location] { return known }
        let made = locations.count
        nodes[location] = made
        locations.append(location)
        var node = JSONSchemaProgram.Node()
        node.resource = UInt32(index.locations[location].resource)
        parts.nodes.append(node)
        return made
    }

    /// The node of the schema that stands below a keyword of a location.
    mutating func node(
        below location: Int, _ tail: String
    ) throws(ContractError) -> Int {
        let place = index.locations[location]
        let found = try index.location(
            document: place.document, pointer: "\(place.pointer)/\(tail)")
        return try node(at: found)
    }
}

// MARK: - The document itself

extension JSONSchemaCompiler {
    private mutating func checkDocument() throws(ContractError) {
        let program = try metaProgram()
        var tape = TapeBuilder()
        let root = tape.append(schema.value)
        count(tape.words.count)
        let refusal = tape.withTape { tape in
            var evaluator = JSONSchemaEvaluator()
            evaluator.begin(program.view, tape, wordCount: tape.next(root))
            return evaluator.accepts(root) ? nil : evaluator.explain(root)
        }
        withExtendedLifetime(program) {}
        guard let refusal else { return }
        throw ContractError(
            pointer: schema.pointer + refusal.pointer, rule: refusal.rule,
            expected: refusal.expected)
    }

    private func metaProgram() throws(ContractError) -> JSONSchemaProgram {
        guard case .string(let name)? = schema.value["$schema"] else {
            return try Self.meta2020.get()
        }
        let uri = URIReference(name).absoluteText
        if uri == JSONSchemaMeta2020.uri { return try Self.meta2020.get() }
        if documents[uri] == nil || uri == JSONSchemaMeta7.uri { return try Self.meta7.get() }
        return try Self.meta(uri, documents).get()
    }

    private static let meta2020 = meta(JSONSchemaMeta2020.uri, .standard)
    private static let meta7 = meta(JSONSchemaMeta7.uri, .standard)

    private static func meta(
        _ uri: String, _ documents: JSONSchemaDocuments
    ) -> Result<JSONSchemaProgram, ContractError> {
        do throws(ContractError) {
            let value = documents[uri] ?? .bool(true)
            let schema = DocumentCursor(value: value, pointer: "\(uri)#")
            var compiler = try JSONSchemaCompiler(
                schema, documents: documents,
                options: Options(assertsFormats: false, checksDocument: false))
            return .success(try compiler.compile())
        } catch {
            return .failure(error)
        }
    }
}

// MARK: - Tables

extension JSONSchemaCompiler {
    mutating func addName(_ text: String) -> JSONSchemaProgram.Name {
        let start = parts.bytes.count
        parts.bytes += text.utf8
        return JSONSchemaProgram.Name(
            start: UInt32(start), count: UInt32(parts.bytes.count - start))
    }

    /// Index in `patterns`; one spelling is compiled once.
    mutating func addPattern(
        _ pattern: String, _ location: Int, _ keyword: String
    ) throws(ContractError) -> Int {
        let spelling = Array(pattern.utf8)
        if let known = patterns[spelling] { return known }
        guard spelling.count <= RegularExpression.patternBytesMax else {
            throw index.failure(
                location, keyword, "regex",
                "a pattern of at most \(RegularExpression.patternBytesMax) bytes")
        }
        guard patterns.count < Self.patternCountMax else {
            throw index.failure(
                location, keyword, "size", "at most \(Self.patternCountMax) different patterns")
        }
        let made: RegularExpression
        do throws(ECMAPattern.Refused) {
            let translated = try ECMAPattern.translated(pattern)
            do throws(RegularExpression.Refused) {
                made = try RegularExpression(translation: translated)
            } catch {
                throw ECMAPattern.Refused(reason: error.reason)
            }
        } catch {
            throw index.failure(
                location, keyword, "regex",
                "a pattern that RE2 can run (\(error.reason))")
        }
        count(made.size)
        patternSize += made.size
        guard patternSize <= Self.patternSizeMax else {
            throw index.failure(location, keyword, "size", "fewer or simpler patterns")
        }
        let number = parts.patterns.count
        parts.patterns.append(made)
        parts.patternNames.append(addName(pattern))
        patterns[spelling] = number
        return number
    }

    /// The number of a dynamic anchor's name.
    mutating func addAnchor(_ name: String, _ location: Int) throws(ContractError) -> Int {
        if let known = anchors[name] { return known }
        guard anchors.count < Self.dynamicAnchorCountMax else {
            throw index.failure(
                location, "$dynamicRef", "size",
                "at most \(Self.dynamicAnchorCountMax) dynamic anchors")
        }
        let number = anchors.count
        anchors[name] = number
        return number
    }

    /// Every schema that a dynamic anchor may lead to has to have a node.
    mutating func addDynamicTargets(_ name: String) throws(ContractError) {
        for resource in index.resources {
            guard let location = resource.dynamicAnchors[name] else { continue }
            _ = try node(at: location)
        }
    }

    private mutating func finishConstants() {
        parts.constants = parts.constantTape.withTape { [parts] tape in
            parts.constants.map { constant in
                var constant = constant
                constant.hash = TapeValue.hash(tape, Int(constant.index), seed: parts.seed)
                constant.type = JSONSchemaEvaluator.type(tape, Int(constant.index))
                return constant
            }
        }
        parts.byHash = parts.constants.indices.map { UInt32($0) }
        for operation in parts.operations where operation.code == .enum || operation.code == .const
        {
            let range = Int(operation.a)..<(Int(operation.a) + Int(operation.b))
            parts.byHash[range].sort { [constants = parts.constants] in
                constants[Int($0)].hash < constants[Int($1)].hash
            }
        }
    }

    private mutating func finishDynamicTargets() {
        parts.resourceCount = index.resources.count
        parts.dynamicTargets = [UInt32](
            repeating: 0, count: anchors.count * parts.resourceCount)
        for (name, number) in anchors {
            for (at, resource) in index.resources.enumerated() {
                guard let location = resource.dynamicAnchors[name], let node = nodes[location]
                else { continue }
                parts.dynamicTargets[number * parts.resourceCount + at] = UInt32(node + 1)
            }
        }
    }
}
