import type { Conversation, HoldName, Wire } from '../../src/gateway/wire.ts'
import type { CloseReason } from '../../src/session/close-reasons.ts'
import type { Actor, Scheduler } from './scheduler.ts'

export interface ConnectionDeps {
  readonly scheduler: Scheduler
  readonly node: string
  readonly nodeActor: Actor
  readonly stationActor: Actor
  readonly chargePointId: string
  readonly onStationFrame: (text: string) => void
  readonly onStationClosed: () => void
  /** What the gateway writes to the socket, at the moment of the write. */
  readonly onWritten: (text: string) => void
}

const frameMsMax = 20
const idleTimeoutMs = 20_000

/** One socket between a charge point and one life of a node. Frames keep their order; a half-open one loses them silently. */
export class SimulatedConnection implements Wire {
  readonly #deps: ConnectionDeps
  #conversation: Conversation | undefined
  readonly #holds = new Set<HoldName>()
  readonly #unread: string[] = []
  readonly #up: string[] = []
  readonly #down: string[] = []
  #lastReadMs: number
  #isNodeClosed = false
  #isStationClosed = false
  #isHalfOpen = false

  constructor(deps: ConnectionDeps) {
    this.#deps = deps
    this.#lastReadMs = deps.scheduler.nowMs
    this.#watchIdle()
  }

  get isOpenAtStation(): boolean {
    return !this.#isStationClosed
  }

  attach(conversation: Conversation): void {
    this.#conversation = conversation
    this.#drain()
  }

  // The gateway's end

  send(text: string): void {
    if (this.#isNodeClosed) return
    const { scheduler, nodeActor, stationActor } = this.#deps
    if (nodeActor.isAlive) this.#deps.onWritten(text)
    if (this.#isHalfOpen) return
    this.#down.push(text)
    scheduler.after(scheduler.random.between(0, frameMsMax), stationActor, () => {
      const next = this.#down.shift()
      if (next !== undefined && !this.#isStationClosed && !this.#isHalfOpen) this.#deps.onStationFrame(next)
    })
  }

  close(reason: CloseReason): void {
    if (this.#isNodeClosed) return
    this.#isNodeClosed = true
    const { scheduler, nodeActor, stationActor } = this.#deps
    scheduler.after(scheduler.random.between(0, 50), nodeActor, () => this.#conversation?.closed(reason))
    if (!this.#isHalfOpen) scheduler.after(scheduler.random.between(0, 50), stationActor, () => this.#stationClosed())
  }

  pause(why: HoldName): void {
    this.#holds.add(why)
  }

  resume(why: HoldName): void {
    this.#holds.delete(why)
    this.#drain()
  }

  totals() {
    return { bytesIn: 0, bytesOut: 0, framesIn: 0, framesOut: 0 }
  }

  // The charge point's end

  say(text: string): void {
    if (this.#isStationClosed || this.#isHalfOpen) return
    const { scheduler, nodeActor } = this.#deps
    this.#up.push(text)
    scheduler.after(scheduler.random.between(0, frameMsMax), nodeActor, () => {
      const next = this.#up.shift()
      if (next === undefined || this.#isNodeClosed) return
      this.#unread.push(next)
      this.#drain()
    })
  }

  /** The charge point goes: the gateway hears of it at once, or by its idle timeout. */
  leave(silently: boolean): void {
    if (this.#isStationClosed) return
    this.#isStationClosed = true
    if (silently) {
      this.#isHalfOpen = true
      return
    }
    const { scheduler, nodeActor } = this.#deps
    scheduler.after(scheduler.random.between(0, 30), nodeActor, () => this.#nodeSideGone('connection_lost'))
  }

  /** The wire is cut and nobody is told. */
  cut(): void {
    this.#isHalfOpen = true
  }

  /** The process at the other end has died. */
  reset(): void {
    const { scheduler, stationActor } = this.#deps
    scheduler.after(scheduler.random.between(0, 50), stationActor, () => this.#stationClosed())
  }

  #stationClosed(): void {
    if (this.#isStationClosed) return
    this.#isStationClosed = true
    this.#deps.onStationClosed()
  }

  #nodeSideGone(reason: CloseReason): void {
    if (this.#isNodeClosed) return
    this.#isNodeClosed = true
    this.#conversation?.closed(reason)
  }

  #drain(): void {
    while (this.#holds.size === 0 && this.#conversation && !this.#isNodeClosed) {
      const text = this.#unread.shift()
      if (text === undefined) return
      this.#lastReadMs = this.#deps.scheduler.nowMs
      this.#conversation.frame(text)
    }
  }

  #watchIdle(): void {
    const { scheduler, nodeActor } = this.#deps
    scheduler.after(5_000, nodeActor, () => {
      if (this.#isNodeClosed) return
      const isIdle = scheduler.nowMs - this.#lastReadMs >= idleTimeoutMs && this.#holds.size === 0
      if (isIdle) this.#nodeSideGone('idle_timeout')
      else this.#watchIdle()
    })
  }
}
