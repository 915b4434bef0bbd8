import Testing

/// What users were promised, shown with the program that they get: real servers, real clients.
/// One after another: each test starts servers of its own and loads both processors.
@Suite(.serialized)
struct EndToEnd {}
