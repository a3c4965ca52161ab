import type { ServerResponse } from 'node:http'
import type { Clock } from '../ports/clock.ts'
import type { EventLog, LogRecord } from '../ports/event-log.ts'
import type { Logger } from '../ports/logger.ts'
import { isTrimmed, oldestCursor } from './cursor.ts'
import type { EventFilter } from './event-filter.ts'
import { EventReader, type ReaderSource, type StreamForm } from './event-reader.ts'

/** Records that one reader takes in one turn. */
const chunkRecords = 256

export interface ReadersOptions {
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  readonly readersMax: number
  readonly readerBufferBytesMax: number
  readonly readerStallMs: number
  readonly sseHeartbeatMs: number
}

/** All readers of the event stream: one subscription to the log and one heartbeat for all of them. */
export class EventReaders {
  readonly #options: ReadersOptions
  readonly #readers = new Set<EventReader>()
  readonly #source: ReaderSource
  #unsubscribe: (() => void) | undefined
  #stopHeartbeat: (() => void) | undefined
  /** Readers that keep up stand at the same place: the log is read once for all of them. */
  #lastRead: { readonly after: number; readonly records: readonly LogRecord[] } | undefined

  constructor(options: ReadersOptions) {
    this.#options = options
    const { log } = options
    this.#source = {
      read: (after) => this.#read(after),
      isTrimmed: (after) => isTrimmed(log.range(), after),
      oldestCursor: () => oldestCursor(log)
    }
  }

  get count(): number {
    return this.#readers.size
  }

  get full(): boolean {
    return this.#readers.size >= this.#options.readersMax
  }

  /** Serve a stream from behind `after` until the client leaves or the gateway stops. */
  open(
    response: ServerResponse,
    stream: { readonly form: StreamForm; readonly filter: EventFilter; readonly after: number }
  ): void {
    const { clock, readerStallMs, logger } = this.#options
    const reader = new EventReader(response, {
      ...stream,
      stallMs: readerStallMs,
      clock,
      source: this.#source,
      onEnd: (why) => {
        this.#remove(reader)
        if (why === 'stalled')
          logger.warn({ readers: this.count }, 'A reader of the event stream did not read and was cut.')
      }
    })
    if (this.#readers.size === 0) this.#start()
    this.#readers.add(reader)
    response.writeHead(200, {
      'content-type': stream.form.contentType,
      'cache-control': 'no-store',
      // Proxies that buffer would hold the stream back.
      'x-accel-buffering': 'no'
    })
    response.flushHeaders()
    reader.open()
  }

  close(): void {
    for (const reader of [...this.#readers]) reader.close()
  }

  #start(): void {
    const { log, clock, sseHeartbeatMs } = this.#options
    this.#unsubscribe = log.onAdvance(() => {
      for (const reader of this.#readers) reader.wake()
    })
    const beat = (): void => {
      for (const reader of [...this.#readers]) reader.heartbeat()
      this.#stopHeartbeat = clock.after(sseHeartbeatMs, beat)
    }
    this.#stopHeartbeat = clock.after(sseHeartbeatMs, beat)
  }

  #remove(reader: EventReader): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    this.#unsubscribe?.()
    this.#stopHeartbeat?.()
    this.#lastRead = undefined
  }

  #read(after: number): readonly LogRecord[] {
    if (this.#lastRead?.after === after) return this.#lastRead.records
    const records = this.#options.log.read(after, chunkRecords, this.#options.readerBufferBytesMax)
    if (records.length > 0) this.#lastRead = { after, records }
    return records
  }
}
