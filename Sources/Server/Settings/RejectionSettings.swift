import Ingest

/// Keeping refused events, for the streams that ask for it: what one stream may take.
package struct RejectionSettings: Sendable {
    /// Bytes of a body that is kept.
    package var bodyBytesMax: Int
    /// Bodies kept in a second.
    package var perSecondMax: Int
    /// Bytes of bodies kept in an hour.
    package var bytesPerHourMax: Int

    init(_ values: SettingsReader) throws(SettingsError) {
        bodyBytesMax = try values.number(
            "rejections.bodyBytesMax", default: 256 << 10, in: 1_024...(4 << 20))
        perSecondMax = try values.number("rejections.perSecondMax", default: 10, in: 1...1_000)
        bytesPerHourMax = try values.number(
            "rejections.bytesPerHourMax", default: 64 << 20, in: 1_024...(64 << 30))
    }

    var limits: RejectionLimits {
        var limits = RejectionLimits()
        limits.bodyBytesMax = bodyBytesMax
        limits.perSecondMax = perSecondMax
        limits.bytesPerHourMax = bytesPerHourMax
        return limits
    }
}
