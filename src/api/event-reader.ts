import type { ServerResponse } from 'node:http'
import type { Clock } from '../ports/clock.ts'
import type { LogRecord } from '../ports/event-log.ts'
import type { EventFilter } from './event-filter.ts'
import { problemBody } from './problems.ts'

/** How a stream says things on the wire. */
export interface StreamForm {
  readonly contentType: string
  /** Said first. */
  readonly opening: string
  events(records: readonly LogRecord[], lastPosition: number): string
  /** A sign of life that also moves the place to resume from, past events that the filter dropped. */
  heartbeat(position: number): string
  problem(body: object): string
  /** Said last when the gateway stops. */
  closing(position: number): string
}

/** What a reader may do to the log: read on, and find out that its place was removed. */
export interface ReaderSource {
  read(after: number): readonly LogRecord[]
  isTrimmed(after: number): boolean
  oldestCursor(): string
}

export interface ReaderOptions {
  readonly form: StreamForm
  readonly filter: EventFilter
  readonly after: number
  readonly stallMs: number
  readonly clock: Clock
  readonly source: ReaderSource
  readonly onEnd: (why: 'left' | 'stalled' | 'trimmed' | 'closed') => void
}

/**
 * One reader of the event stream. It keeps a position and no queue: while its socket has not taken what was written,
 * the log is not read on for it.
 */
export class EventReader {
  readonly #response: ServerResponse
  readonly #options: ReaderOptions
  #position: number
  #scheduled = false
  #ended = false
  #stopStallTimer: (() => void) | undefined

  constructor(response: ServerResponse, options: ReaderOptions) {
    this.#response = response
    this.#options = options
    this.#position = options.after
  }

  get position(): number {
    return this.#position
  }

  open(): void {
    this.#response.on('close', () => this.#end('left'))
    this.#response.on('drain', () => this.#onDrain())
    this.#write(this.#options.form.opening)
    this.wake()
  }

  /** There may be something to read. One turn of the event loop per chunk, so that readers take turns. */
  wake(): void {
    if (this.#scheduled || this.#ended || this.#stopStallTimer) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#readOn()
    })
  }

  heartbeat(): void {
    if (this.#ended || this.#stopStallTimer) return
    this.#write(this.#options.form.heartbeat(this.#position))
  }

  /** The gateway stops: say where to go on. A reader that does not take even that is left to the closing server. */
  close(): void {
    if (this.#ended) return
    this.#response.end(this.#options.form.closing(this.#position))
    this.#end('closed')
  }

  #readOn(): void {
    if (this.#ended || this.#stopStallTimer) return
    const { source, filter, form } = this.#options
    if (source.isTrimmed(this.#position)) {
      const body = problemBody('cursor_trimmed', 'the stream was overtaken by retention', {
        oldest: source.oldestCursor()
      })
      this.#response.end(form.problem(body))
      this.#end('trimmed')
      return
    }
    const records = source.read(this.#position)
    const last = records.at(-1)
    if (!last) return
    this.#position = last.position
    const wanted = records.filter(filter)
    if (wanted.length > 0) this.#write(form.events(wanted, last.position))
    this.wake()
  }

  #write(text: string): void {
    if (text === '' || this.#response.write(text) || this.#stopStallTimer) return
    const { clock, stallMs } = this.#options
    this.#stopStallTimer = clock.after(stallMs, () => {
      this.#response.destroy()
      this.#end('stalled')
    })
  }

  #onDrain(): void {
    this.#stopStallTimer?.()
    this.#stopStallTimer = undefined
    this.wake()
  }

  #end(why: 'left' | 'stalled' | 'trimmed' | 'closed'): void {
    if (this.#ended) return
    this.#ended = true
    this.#stopStallTimer?.()
    this.#stopStallTimer = undefined
    this.#options.onEnd(why)
  }
}
