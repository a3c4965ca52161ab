import { GatewayError } from '../../lib/gateway-error.ts'
import { wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Batch, ControlWrite, OrderedWrite } from './batch.ts'
import { isNoSpace } from './data-dir.ts'
import { Linger } from './linger.ts'
import { putRows, type Store } from './store.ts'

const retryDelayMs = 50
const retryDelayMsMax = 5_000
/** A commit that takes longer is said to fail, although it may still succeed. */
const stuckAfterMs = 10_000

/** Says what goes into the next transaction, and hears what is on disk. */
export interface Planner {
  /** The next batch, taken off the front of `queue`; undefined when nothing can be done now. */
  take(queue: OrderedWrite[], control: ControlWrite[]): Batch | undefined
  committed(batch: Batch): void
  /** Give up the space that is kept for this. */
  noSpace(): void
}

export interface Failing {
  readonly sinceMs: number
  readonly error: string
}

export interface CommitterOptions {
  readonly store: Store
  readonly clock: Clock
  readonly metrics: Metrics
  readonly planner: Planner
  readonly lingerMsMax: number
}

export function closedError(): GatewayError {
  return new GatewayError('event_log_closed', 'the event log is closed; what was not on disk was not stored', {
    canRetry: true
  })
}

/**
 * The one writer: everything goes to disk through it, one transaction at a time, in order. What arrives while a commit
 * runs joins the next. A failed commit is repeated whole until it succeeds, and nothing overtakes it.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #linger: Linger
  readonly #commitSeconds
  readonly #failures
  readonly #queue: OrderedWrite[] = []
  readonly #control: ControlWrite[] = []
  #running: Promise<void> = Promise.resolve()
  /** Cleared in the same step as the decision to stop, so that no wake-up falls between the two. */
  #busy = false
  #cancelStart: (() => void) | undefined
  #failing: Failing | undefined
  #attemptSinceMs: number | undefined
  readonly #closing = new AbortController()

  constructor(options: CommitterOptions) {
    this.#options = options
    this.#linger = new Linger(options.lingerMsMax)
    this.#commitSeconds = options.metrics.histogram('log_fsync_seconds')
    this.#failures = options.metrics.counter('log_commit_failures_total', {})
  }

  get failing(): Failing | undefined {
    const sinceMs = this.#attemptSinceMs
    if (this.#failing || sinceMs === undefined) return this.#failing
    if (this.#options.clock.now() - sinceMs < stuckAfterMs) return undefined
    return { sinceMs, error: 'a commit does not return: the disk does not answer' }
  }

  /** Writes that are not on disk yet and in no running commit. */
  get waiting(): number {
    return this.#queue.length
  }

  enqueue(write: OrderedWrite): void {
    if (this.#closing.signal.aborted) {
      write.failed(closedError())
      return
    }
    this.#queue.push(write)
    this.#schedule()
  }

  enqueueControl(write: ControlWrite): void {
    if (this.#closing.signal.aborted) {
      write.failed(closedError())
      return
    }
    this.#control.push(write)
    this.poke()
  }

  /** Something changed that the planner wants to look at: do not linger. */
  poke(): void {
    if (this.#busy || this.#closing.signal.aborted) return
    this.#cancelStart?.()
    this.#startSoon()
  }

  #schedule(): void {
    if (this.#busy) return
    if (this.#cancelStart) {
      if (this.#linger.enough(this.#queue.length)) this.poke()
      return
    }
    const delayMs = this.#linger.delayMs(this.#queue.length)
    if (delayMs === 0) this.#startSoon()
    else this.#cancelStart = this.#options.clock.after(delayMs, () => this.#start())
  }

  /** After this tick, so that all that it appends is one batch. */
  #startSoon(): void {
    const immediate = setImmediate(() => this.#start())
    this.#cancelStart = () => clearImmediate(immediate)
  }

  #start(): void {
    this.#cancelStart = undefined
    if (!this.#busy) this.#running = this.#run()
  }

  async #run(): Promise<void> {
    this.#busy = true
    for (;;) {
      const batch = this.#options.planner.take(this.#queue, this.#control)
      if (!batch || !(await this.#commitUntilDone(batch))) break
      const delayMs =
        this.#closing.signal.aborted || this.#control.length > 0 ? 0 : this.#linger.delayMs(this.#queue.length)
      if (this.#queue.length > 0 && delayMs > 0) {
        this.#cancelStart = this.#options.clock.after(delayMs, () => this.#start())
        break
      }
      // Those that waited for this commit get their turn before the next takes the tick.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#busy = false
  }

  /** False: the log was closed while the commit kept failing, and the batch was given back as not stored. */
  async #commitUntilDone(batch: Batch): Promise<boolean> {
    let rest = batch
    for (let delayMs = retryDelayMs; ; delayMs = Math.min(2 * delayMs, retryDelayMsMax)) {
      const error = await this.#attempt(rest)
      if (error === undefined) {
        this.#failing = undefined
        this.#finish(rest)
        return true
      }
      this.#failures.inc()
      this.#failing = {
        sinceMs: this.#failing?.sinceMs ?? this.#options.clock.now(),
        error: error instanceof Error ? error.message : String(error)
      }
      await wait(this.#options.clock, delayMs, this.#closing.signal)
      if (this.#closing.signal.aborted) {
        const failure = closedError()
        for (const write of [...rest.control, ...rest.writes]) write.failed(failure)
        return false
      }
      if (isNoSpace(error)) rest = await this.#makeSpace(rest)
    }
  }

  /**
   * The disk is full: what gives space back goes first and alone. It is bound to no order, and a required consumer that
   * could not be moved would hold the log for ever. Returns what is left of `batch`.
   */
  async #makeSpace(batch: Batch): Promise<Batch> {
    const { planner } = this.#options
    planner.noSpace()
    const { trim, ...rest } = batch
    if (trim || batch.control.length > 0) {
      const relief = { ...batch, writes: [], chunks: [], rows: [] }
      if ((await this.#attempt(relief)) !== undefined) return batch
      this.#finish(relief)
    }
    for (;;) {
      const relief = planner.take([], this.#control)
      if (!relief) return { ...rest, control: [] }
      if ((await this.#attempt(relief)) !== undefined) {
        this.#control.unshift(...relief.control)
        return { ...rest, control: [] }
      }
      this.#finish(relief)
    }
  }

  /** It is on disk: first the log moves on, then those who waited hear of it, in order. */
  #finish(batch: Batch): void {
    // Before anybody is told: who appends again in answer to this commit did not come while it ran.
    this.#linger.committed(batch.writes.length, this.#queue.length, performance.now())
    this.#options.planner.committed(batch)
    for (const control of batch.control) control.done()
    let position = batch.lastPosition
    for (const write of batch.writes) position -= write.entries.length
    for (const write of batch.writes) {
      position += write.entries.length
      write.done(position)
    }
  }

  async #attempt(batch: Batch): Promise<unknown> {
    if (batch.rows.length === 0 && batch.chunks.length === 0 && batch.control.length === 0 && !batch.trim)
      return undefined
    const startedAt = performance.now()
    this.#attemptSinceMs = this.#options.clock.now()
    try {
      await this.#options.store.commit(() => apply(this.#options.store, batch))
      this.#commitSeconds.observe((performance.now() - startedAt) / 1_000)
      return undefined
    } catch (error) {
      return error ?? new Error('the commit failed without a reason')
    } finally {
      this.#attemptSinceMs = undefined
    }
  }

  /** Commits what can be committed, gives back the rest as not stored. Nothing is accepted afterwards. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancelStart?.()
    this.#cancelStart = undefined
    await this.#running
    await this.#run()
    const failure = closedError()
    for (const write of [...this.#control.splice(0), ...this.#queue.splice(0)]) write.failed(failure)
  }
}

function apply(store: Store, batch: Batch): void {
  const { log } = store
  for (const chunk of batch.trim?.chunks ?? []) void log.remove(chunk.firstPosition)
  if (batch.trim) void log.put(0, batch.trim.head)
  for (const chunk of batch.chunks) void log.put(chunk.firstPosition, chunk.value)
  putRows(store, batch.rows)
  for (const { rows } of batch.control) putRows(store, rows)
}
