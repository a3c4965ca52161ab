import type { EventLog, LogRecord } from '../ports/event-log.ts'
import { type PendingEvent, pendingOf } from './forward-record.ts'
import type { PartitionLane } from './partition-lane.ts'

export interface ForwardReaderDeps {
  readonly log: EventLog
  readonly node: string
  readonly laneOf: (chargePointId: string) => PartitionLane
  readonly recordBytesMax: () => number
  /** A full lane is skipped only when this says so; else everybody waits for it a moment. */
  readonly isStuck: (lane: PartitionLane) => boolean
  readonly onPush: (lane: PartitionLane) => void
  readonly onStub: (event: PendingEvent) => void
  readonly onLag: (lane: PartitionLane) => void
  readonly onCaughtUp: (lane: PartitionLane) => void
}

const readRecordsMax = 1_000
const readBytesMax = 1024 * 1024

/**
 * From the log to the lanes. One pass serves all lanes; while a lane lags it skips that lane's events, and a second pass
 * reads them again, for all lanes that lag together (after an outage that may be every one of them).
 */
export class ForwardReader {
  readonly #deps: ForwardReaderDeps
  /** The main pass has looked at everything up to here. */
  #passed: number
  /** The full lane that the main pass waits for. */
  #waitsFor: PartitionLane | undefined
  readonly #lagging = new Set<PartitionLane>()

  constructor(passed: number, deps: ForwardReaderDeps) {
    this.#passed = passed
    this.#deps = deps
  }

  get passed(): number {
    return this.#passed
  }

  /** Lanes that are stuck or not yet where the others are. */
  get lagging(): ReadonlySet<PartitionLane> {
    return this.#lagging
  }

  /** True when all that is on disk was looked at. */
  get isCurrent(): boolean {
    return this.#passed >= this.#deps.log.range().durable
  }

  /** Read some of what there is room for. True when there is more to read at once. */
  step(): boolean {
    const main = this.#mainPass()
    const catchUp = this.#catchUp()
    return main || catchUp
  }

  #mainPass(): boolean {
    const { log, laneOf } = this.#deps
    const waited = this.#waitsFor
    if (waited && !waited.hasRoom && !this.#deps.isStuck(waited)) return false
    this.#waitsFor = undefined
    const records = log.read(this.#passed, readRecordsMax, readBytesMax)
    for (const record of records) {
      if (!this.#offer(laneOf(record.chargePointId), record)) return false
      this.#passed = record.position
    }
    return records.length > 0 && !this.isCurrent
  }

  /** False: the lane is full and may have room soon. */
  #offer(lane: PartitionLane, record: LogRecord): boolean {
    if (record.position <= lane.acked) return true
    if (lane.lagFrom === undefined && lane.full) {
      if (!this.#deps.isStuck(lane)) {
        this.#waitsFor = lane
        return false
      }
      lane.lagFrom = record.position - 1
      this.#lagging.add(lane)
      this.#deps.onLag(lane)
    }
    if (lane.lagFrom === undefined) this.#push(lane, record)
    else lane.skipped++
    return true
  }

  #catchUp(): boolean {
    let from = Number.POSITIVE_INFINITY
    for (const lane of this.#lagging) if (lane.hasRoom) from = Math.min(from, lane.lagFrom ?? from)
    if (from === Number.POSITIVE_INFINITY) return false
    const taking = new Set<PartitionLane>()
    for (const lane of this.#lagging) if (!lane.full && (lane.lagFrom ?? 0) >= from) taking.add(lane)
    let reached = from
    for (const record of this.#deps.log.read(from, readRecordsMax, readBytesMax)) {
      if (record.position > this.#passed || taking.size === 0) break
      const lane = this.#deps.laneOf(record.chargePointId)
      if (taking.has(lane) && record.position > (lane.lagFrom ?? 0)) {
        if (lane.full) {
          lane.lagFrom = record.position - 1
          taking.delete(lane)
        } else {
          this.#push(lane, record)
          lane.skipped--
        }
      }
      reached = record.position
    }
    for (const lane of taking) this.#advance(lane, reached)
    return reached > from
  }

  #advance(lane: PartitionLane, reached: number): void {
    lane.lagFrom = Math.max(lane.lagFrom ?? 0, reached)
    if (lane.lagFrom < this.#passed) return
    lane.lagFrom = undefined
    lane.skipped = 0
    this.#lagging.delete(lane)
    this.#deps.onCaughtUp(lane)
  }

  #push(lane: PartitionLane, record: LogRecord): void {
    const event = pendingOf(record, this.#deps.node, this.#deps.recordBytesMax())
    if (event.isStub) this.#deps.onStub(event)
    lane.push(event)
    this.#deps.onPush(lane)
  }
}
