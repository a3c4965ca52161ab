import assert from 'node:assert'
import type { EventLog } from '../ports/event-log.ts'
import type { SinkState } from '../ports/event-sink.ts'
import type { LogFields } from '../ports/logger.ts'
import type { Counter } from '../ports/metrics.ts'
import type { NodeStore } from '../ports/node-store.ts'
import { ForwardCursor, forwarderConsumer } from './forward-cursor.ts'
import { ForwardReader } from './forward-reader.ts'
import { ForwardSender, type ForwardSenderDeps, type ForwardSenderSettings } from './forward-sender.ts'
import { PartitionLane } from './partition-lane.ts'

export interface ForwarderSettings extends ForwardSenderSettings {
  readonly topic: string
  /** Events between log and acknowledgement, in memory, all partitions together. */
  readonly bytesMax: number
  /** No acknowledgement for so long, with a bus that says it is up: a new client. */
  readonly ackStallMs: number
}

export interface ForwarderDeps extends ForwardSenderDeps {
  readonly settings: ForwarderSettings
  readonly log: EventLog
  readonly store: NodeStore
}

export interface ForwarderState {
  readonly sink: SinkState
  /** Events on disk that the bus has not acknowledged. */
  readonly backlog: number
  /** Partitions that are stuck, or not yet where the others are. */
  readonly lagging: readonly number[]
  /** Since when there are any. */
  readonly laggingSinceMs?: number
  /** Events are too large for the bus at present. */
  readonly makesStubs: boolean
}

export type AckListener = (partition: number, position: number) => void

const tickMs = 1_000
/** A full lane whose batch is unanswered for so long is skipped, so that it holds up no other. */
const stuckMs = 1_000
const cursorIntervalMs = 200
/** A client that calls its bus away for so many times `ackStallMs` is made anew all the same. */
const distrustFactor = 10

/**
 * Streams the log to the shared bus: in order per partition, at least once, each event byte for byte with its id. What was
 * acknowledged is never sent again but after a restart of the node or of the client.
 */
export class Forwarder {
  readonly #deps: ForwarderDeps
  readonly #sender: ForwardSender
  readonly #cursor: ForwardCursor
  readonly #ackListeners: AckListener[] = []
  readonly #openListeners: (() => void)[] = []
  readonly #restarts: Counter
  #lanes: readonly PartitionLane[] = []
  #reader: ForwardReader | undefined
  #laggingSinceMs: number | undefined
  #startedFrom = 0
  #isScheduled = false
  #ackedAtMs = 0
  #isRestarting = false
  #isStopped = false
  #cancelRetry: (() => void) | undefined
  #cancelTick: (() => void) | undefined
  #unsubscribe: () => void = () => undefined
  #endFlush: (() => void) | undefined

  constructor(deps: ForwarderDeps) {
    const { settings, clock, metrics, log, store, logger } = deps
    this.#deps = deps
    this.#sender = new ForwardSender(deps, (lane) => this.#acked(lane))
    this.#cursor = new ForwardCursor({
      log,
      store,
      clock,
      logger,
      topic: settings.topic,
      intervalMs: cursorIntervalMs,
      positions: () => ({ lowWater: this.lowWater, acked: this.#lanes.map(({ acked }) => acked) })
    })
    this.#restarts = metrics.counter('forward_restarts_total', {})
    metrics.gauge('forward_backlog_events', {}, () => this.backlog)
  }

  /** Begin where an earlier life came to. Resolves once the bus can be sent to, however long that takes; nobody need wait. */
  async start(): Promise<void> {
    const { log, sink, logger, settings } = this.#deps
    this.#startedFrom = this.#cursor.lowWater()
    const { required } = await log.putConsumer(forwarderConsumer, this.#startedFrom)
    assert(required, `${forwarderConsumer} must be a required consumer of the log`)
    try {
      await sink.open()
    } catch (error) {
      if (this.#isStopped) return
      throw error
    }
    if (this.#isStopped) return
    this.#makeLanes()
    this.#unsubscribe = log.onAdvance(() => this.#schedule())
    this.#tickLater()
    logger.info(
      { topic: settings.topic, partitions: sink.partitions, after: this.#startedFrom, backlog: this.backlog },
      'events are forwarded'
    )
    for (const listener of this.#openListeners) listener()
    this.#schedule()
  }

  /** False until the partitions are known, and while the client is made anew. */
  get isOpen(): boolean {
    return this.#reader !== undefined && !this.#isRestarting
  }

  /** Every event up to here is acknowledged, whatever its partition. */
  get lowWater(): number {
    if (!this.#reader) return this.#startedFrom
    const { passed } = this.#reader
    return this.#lanes.reduce((lowest, lane) => Math.min(lowest, lane.ackedUpTo(passed)), passed)
  }

  /** Events on disk that the bus has not acknowledged; after a restart some of them may be there already. */
  get backlog(): number {
    const passed = this.#reader?.passed ?? this.#startedFrom
    const unread = Math.max(0, this.#deps.log.range().durable - passed)
    return this.#lanes.reduce((events, lane) => events + lane.backlog, unread)
  }

  /** What waits in memory, as it goes to the bus. */
  get bytesInMemory(): number {
    return this.#lanes.reduce((bytes, lane) => bytes + lane.bytes, 0)
  }

  /** Age of the oldest event that the bus has not; infinite while more is behind than memory holds. */
  oldestAgeMs(): number {
    if (!this.#reader?.isCurrent || this.#reader.lagging.size > 0) return Number.POSITIVE_INFINITY
    const nowMs = this.#deps.clock.now()
    return this.#lanes.reduce((age, { head }) => (head ? Math.max(age, nowMs - head.appendedAtMs) : age), 0)
  }

  state(): ForwarderState {
    const lagging = this.#lanes.filter((lane) => this.#reader?.lagging.has(lane)).map(({ partition }) => partition)
    const laggingSinceMs = this.#laggingSinceMs
    return {
      sink: this.#deps.sink.state(),
      backlog: this.backlog,
      lagging,
      makesStubs: this.#sender.makesStubs,
      ...(laggingSinceMs === undefined ? {} : { laggingSinceMs })
    }
  }

  /** The partition of a charge point; known while it is open. */
  partitionOf(chargePointId: string): number {
    return this.#deps.sink.partitionOf(chargePointId)
  }

  /** True when the bus has all of the partition up to `position`. */
  isAcked(partition: number, position: number): boolean {
    return position <= (this.#lanes[partition]?.acked ?? this.#startedFrom)
  }

  /** Calls back with every acknowledgement: the bus has all of this partition up to this position. */
  onAck(listener: AckListener): void {
    this.#ackListeners.push(listener)
  }

  /** Calls back whenever it opens: the partitions are known, and may be others than before. */
  onOpen(listener: () => void): void {
    this.#openListeners.push(listener)
  }

  /**
   * Send what can be sent within `deadlineMs` (nothing while the bus is away), then stop and say how many events remain.
   * They are kept and go first after the next start. The sink is still open: whoever made it closes it.
   */
  async stop(deadlineMs: number): Promise<{ readonly remaining: number }> {
    const { clock, logger, settings, sink } = this.#deps
    if (this.backlog > 0 && this.isOpen && sink.state().kind === 'up') {
      await new Promise<void>((resolve) => {
        const cancel = clock.after(deadlineMs, resolve)
        this.#endFlush = () => {
          cancel()
          resolve()
        }
      })
    }
    this.#isStopped = true
    this.#unsubscribe()
    this.#cancelTick?.()
    this.#cancelRetry?.()
    this.#sender.pause()
    const remaining = this.backlog
    if (this.#reader) await this.#cursor.close()
    if (remaining > 0)
      logger.warn(
        { remaining, topic: settings.topic },
        'stopped with events that the bus does not have: they are kept in data_dir and go first after the next start'
      )
    return { remaining }
  }

  #makeLanes(): void {
    const { log, sink, settings } = this.#deps
    this.#laggingSinceMs = undefined
    const share = Math.ceil(settings.bytesMax / sink.partitions)
    this.#lanes = this.#cursor.acked(sink.partitions).map((acked, index) => new PartitionLane(index, acked, share))
    this.#reader = new ForwardReader(this.#startedFrom, {
      log,
      node: settings.node,
      laneOf: (chargePointId) => this.#laneOf(chargePointId),
      recordBytesMax: () => sink.recordBytesMax,
      isStuck: (lane) => this.#isStuck(lane),
      onPush: (lane) => this.#sender.offer(lane),
      onStub: (event) => this.#sender.stubbed(event),
      onLag: (lane) => this.#lags(lane),
      onCaughtUp: (lane) => this.#caughtUp(lane)
    })
  }

  #lags({ partition }: PartitionLane): void {
    const { clock, logger } = this.#deps
    this.#laggingSinceMs ??= clock.now()
    logger.warn({ partition }, 'a partition takes nothing: its events wait in the log, the others go on')
  }

  #caughtUp({ partition }: PartitionLane): void {
    if (this.#reader?.lagging.size === 0) this.#laggingSinceMs = undefined
    this.#deps.logger.info({ partition }, 'a partition has caught up')
  }

  /** Alone in being stuck. When the whole bus is away everybody waits: to read on would mean to read all of it again. */
  #isStuck({ triedAtMs }: PartitionLane): boolean {
    const { clock, sink } = this.#deps
    if (triedAtMs === undefined || clock.now() - triedAtMs < stuckMs) return false
    return sink.state().kind === 'up' || this.#ackedAtMs > triedAtMs
  }

  #laneOf(chargePointId: string): PartitionLane {
    const lane = this.#lanes[this.#deps.sink.partitionOf(chargePointId)]
    assert(lane, 'the sink names a partition that it does not have')
    return lane
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#isStopped) return
      const hasMore = this.isOpen && this.#reader?.step()
      this.#sender.dispatch()
      if (hasMore) this.#schedule()
    })
  }

  #acked(lane: PartitionLane): void {
    this.#ackedAtMs = this.#deps.clock.now()
    this.#cursor.moved()
    for (const listener of this.#ackListeners) listener(lane.partition, lane.acked)
    if (this.#reader && (!this.#reader.isCurrent || this.#reader.lagging.size > 0)) this.#schedule()
    if (this.#endFlush && this.backlog === 0) this.#endFlush()
  }

  #tickLater(): void {
    this.#cancelTick = this.#deps.clock.after(tickMs, () => {
      this.#tick()
      if (!this.#isStopped) this.#tickLater()
    })
  }

  #tick(): void {
    const { sink, clock } = this.#deps
    if (sink.state().kind !== 'up') this.#endFlush?.()
    if (this.#isRestarting) return
    const nowMs = clock.now()
    const stalled: number[] = []
    for (const lane of this.#lanes) {
      if (lane.retryAtMs !== undefined && lane.retryAtMs <= nowMs) {
        lane.retryAtMs = undefined
        this.#sender.offer(lane)
      }
      if (this.#isStalled(lane)) stalled.push(lane.partition)
    }
    if (stalled.length > 0) this.#restart({ stalled }, 'nothing is acknowledged though the bus can be reached')
    else if (sink.partitions !== this.#lanes.length) this.#restart({}, 'the topic has other partitions than before')
    this.#sender.dispatch()
    // Stuck is a matter of time, not of events.
    this.#schedule()
  }

  /** True when the client, not the bus, seems to be what does not answer. In the end it is not trusted with that either. */
  #isStalled({ sentAtMs }: PartitionLane): boolean {
    if (sentAtMs === undefined) return false
    const { sink, clock, settings } = this.#deps
    const { kind, sinceMs } = sink.state()
    if (kind === 'up') return clock.now() - Math.max(sentAtMs, sinceMs) >= settings.ackStallMs
    const isAlone = this.#ackedAtMs > sentAtMs
    return clock.now() - sentAtMs >= settings.ackStallMs * (isAlone ? 1 : distrustFactor)
  }

  #restart(about: LogFields, why: string): void {
    const { sink, clock, logger } = this.#deps
    logger.warn(about, `${why}: its client is made anew, and what is not acknowledged is sent again`)
    this.#restarts.inc()
    this.#isRestarting = true
    this.#sender.pause()
    sink.restart().then(
      () => this.#restarted(),
      (error: unknown) => {
        if (this.#isStopped) return
        logger.error({ error }, 'the client of the bus could not be made anew; it is tried again')
        this.#cancelRetry = clock.after(tickMs, () => this.#restart(about, why))
      }
    )
  }

  #restarted(): void {
    this.#isRestarting = false
    if (this.#isStopped) return
    if (this.#deps.sink.partitions !== this.#lanes.length) {
      this.#startedFrom = this.lowWater
      this.#makeLanes()
    }
    // Each outstanding send has been rejected; one that was not belongs to a client that is gone.
    this.#sender.resume(this.#lanes)
    for (const listener of this.#openListeners) listener()
    this.#sender.dispatch()
    this.#schedule()
  }
}
