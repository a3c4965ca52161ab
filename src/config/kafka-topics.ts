// What the topics have to be like for the other settings to hold: gateways make them so, and the doctor compares.

const hourMs = 3_600_000

/** How often brokers look for segments to delete, as they have it by default (`log.retention.check.interval.ms`). */
export const retentionCheckMs = 300_000

/**
 * `retention.ms` and `segment.ms` of the topic of commands. `retention.ms` alone bounds nothing: Kafka deletes whole
 * segments, by their newest record, and goes on with one that still gets records for `segment.ms`, which is a week by
 * default. So both together, and some time until the brokers look, have to be within what is remembered of commands.
 */
export function commandsTopicTimes(commandMemoryMs: number): {
  readonly retentionMs: number
  readonly segmentMs: number
} {
  // An hour: each segment is a few files of each partition, and a day of them stays well below what brokers mind.
  const segmentMs = Math.min(hourMs, Math.floor(commandMemoryMs / 4))
  return { retentionMs: commandMemoryMs - 2 * segmentMs, segmentMs }
}

/** How old a record may be that a group that is set back is still given; Infinity when it is kept for ever. */
export function oldestRecordMs({ retentionMs, segmentMs }: { retentionMs: number; segmentMs: number }): number {
  return retentionMs < 0 ? Number.POSITIVE_INFINITY : retentionMs + segmentMs + retentionCheckMs
}

/** `max.message.bytes` of the topic of events: an event with `raw` says the payload twice, in two forms. */
export function eventsTopicBytes(payloadBytesMax: number): number {
  return 2 * payloadBytesMax
}
