/** A record of the topic of commands, as it came. */
export interface SourceRecord {
  readonly key?: string
  readonly value: string
  readonly timestampMs: number
  /** `topic/partition@offset`, for dead letters and logs. */
  readonly where: string
  /** Grows whenever partitions move: who reads a record with a greater one than another member has taken it over. */
  readonly generation: number
}

export interface CommandHandler {
  /** Claim and keep every record of a batch. When it rejects, nothing is committed and the batch comes again. */
  accept(records: readonly SourceRecord[]): Promise<void>
  /** The offsets of these records are committed and confirmed: from now on the bus never brings them back. */
  proceed(records: readonly SourceRecord[]): void
  /**
   * The partitions of these accepted records went to another member before their commit, and it was committed there: the bus
   * brings them back to nobody. Who claimed them goes on with those that nobody has taken over.
   */
  committedElsewhere?(records: readonly SourceRecord[]): void
}

/**
 * Where backends put commands (Kafka). A batch is committed only after it was accepted, in the generation that read it and only
 * while its partition is assigned; a lost commit makes the batch come again.
 */
export interface CommandSource {
  /** Begin to consume; recovers from lost streams by itself. */
  start(handler: CommandHandler): Promise<void>
  /** Stop fetching (the registry is away) and go on. */
  pause(): void
  resume(): void
  /** Put a record aside with the reason in its headers. Resolves when it is there. */
  deadLetter(record: SourceRecord, reason: string): Promise<void>
  state(): import('./event-sink.ts').SinkState
  close(): Promise<void>
}
