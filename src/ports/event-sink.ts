/** One event on its way to the shared bus. */
export interface SinkRecord {
  /** The charge point id: decides the partition, as Java's murmur2 does. */
  readonly key: string
  /** Structured CloudEvents JSON, byte for byte as in the log. */
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** `down`: cannot be reached; `misconfigured`: reached, but somebody has to act (no topic, no right, wrong password). */
export interface SinkState {
  readonly kind: 'starting' | 'up' | 'down' | 'misconfigured'
  readonly sinceMs: number
  /** Plain words: what is wrong and what to do. */
  readonly detail?: string
}

/**
 * The shared bus for events (Kafka). The caller keeps at most one `send` outstanding per partition, so that order holds
 * through every retry; partitions go in parallel.
 */
export interface EventSink {
  /** Connect and find the topic; resolves once it can be sent to, however long that takes. Rejects only after `close`. */
  open(): Promise<void>
  state(): SinkState
  /** Known after `open`. Partitions that are added later count after a `restart`; only a topic made anew has fewer before. */
  readonly partitions: number
  partitionOf(key: string): number
  /** Largest record (value, key and headers) that the topic takes, in bytes. */
  readonly recordBytesMax: number
  /**
   * All of `records`, in order, into one partition. Resolves when every in-sync replica has them. Retries what can be
   * retried by itself, without a limit; rejects with a `GatewayError`: `record_too_large` (nothing of this call was
   * written), or `sink_restarted` / `sink_closed` (it may or may not have been written).
   */
  send(partition: number, records: readonly SinkRecord[]): Promise<void>
  /**
   * Throw the client away and make a new one: outstanding sends reject at once with `sink_restarted`. For the watchdog. Resolves,
   * like `open`, once it can be sent to again; a `send` in between waits.
   */
  restart(): Promise<void>
  close(): Promise<void>
}
