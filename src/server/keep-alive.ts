import type { Clock } from '../ports/clock.ts'

/** A link of the intrusive lists that the wheel is made of: no object per connection besides the connection. */
interface Link {
  previous: Link | undefined
  next: Link | undefined
}

/** A connection, as the wheel sees it. The wheel owns the two links and `heldSinceTick`. */
export interface KeepAliveEntry {
  previous: Link | undefined
  next: Link | undefined
  /** The wheel's tick in which something was heard last; the connection writes it on every inbound frame. */
  heardTick: number
  /** The tick in which reading was paused, -1 while it is not. */
  heldSinceTick: number
  ping(): void
  idle(): void
}

const ticksPerIntervalTarget = 500
const tickMsMin = 10
const tickMsMax = 1000
/**
 * A callback that is late by more than this share of the interval means that the process was held up or the wall clock
 * jumped. The frames of that time are still unread, so no connection may be called idle for it.
 */
const lateShareMax = 1 / 25

/**
 * One timer for all connections. A connection is pinged when nothing was heard of it for the interval, and idle when
 * nothing was heard for the timeout. Traffic costs one store (`heardTick`); the wheel looks a connection up at most
 * once an interval. Pings that fall due together are spread: at most twice the even share leaves per tick, so that
 * the last of a herd is pinged half an interval late. (Known failures A6, A7.)
 */
export class KeepAlive {
  readonly tickMs: number
  /** Counts up by one per slot; connections copy it into `heardTick`. */
  tick = 0
  size = 0
  readonly #clock: Clock
  readonly #slots: Link[]
  readonly #due: Link = emptyList()
  readonly #pings: boolean
  readonly #pingTicks: number
  readonly #idleTicks: number
  readonly #catchUpTicksMax: number
  #lastMs = 0
  #cancel: (() => void) | undefined
  #turning = false

  constructor(clock: Clock, settings: { readonly pingIntervalMs: number; readonly idleTimeoutMs: number }) {
    const { pingIntervalMs, idleTimeoutMs } = settings
    this.#pings = pingIntervalMs > 0
    const intervalMs = this.#pings ? pingIntervalMs : idleTimeoutMs
    this.tickMs = Math.min(tickMsMax, Math.max(tickMsMin, Math.ceil(intervalMs / ticksPerIntervalTarget)))
    this.#clock = clock
    this.#idleTicks = Math.ceil(idleTimeoutMs / this.tickMs)
    this.#pingTicks = Math.ceil(intervalMs / this.tickMs)
    this.#catchUpTicksMax = Math.max(1, Math.floor(this.#pingTicks * lateShareMax))
    this.#slots = Array.from({ length: Math.max(this.#idleTicks, this.#pingTicks) + 2 }, emptyList)
  }

  add(entry: KeepAliveEntry): void {
    entry.heardTick = this.tick
    entry.heldSinceTick = -1
    this.#schedule(entry, this.tick + this.#pingTicks)
    this.size++
    if (this.#cancel !== undefined || this.#turning) return
    this.#lastMs = this.#clock.now()
    this.#arm()
  }

  /** Safe at any time, also from `ping` and `idle`, and for an entry that is not there. */
  remove(entry: KeepAliveEntry): void {
    if (entry.next === undefined) return
    unlink(entry)
    this.size--
    if (this.size > 0) return
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Reading has stopped: the idle clock stands until `release`. Pings go on, so that the charge point stays. */
  hold(entry: KeepAliveEntry): void {
    if (entry.heldSinceTick < 0) entry.heldSinceTick = this.tick
  }

  release(entry: KeepAliveEntry): void {
    if (entry.heldSinceTick < 0) return
    entry.heardTick = Math.min(this.tick, entry.heardTick + this.tick - entry.heldSinceTick)
    entry.heldSinceTick = -1
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.tickMs, () => this.#onTimer())
  }

  #onTimer(): void {
    this.#cancel = undefined
    const elapsedTicks = Math.floor((this.#clock.now() - this.#lastMs) / this.tickMs)
    const late = elapsedTicks > this.#catchUpTicksMax
    const steps = late ? this.#catchUpTicksMax : Math.max(elapsedTicks, 1)
    this.#lastMs = late ? this.#clock.now() : this.#lastMs + steps * this.tickMs
    this.#turning = true
    for (let step = 0; step < steps; step++) this.#turn()
    this.#turning = false
    if (this.size > 0) this.#arm()
  }

  #turn(): void {
    this.tick++
    // What is scheduled meanwhile goes to other slots, so this one runs empty.
    const slot = this.#slots[this.tick % this.#slots.length] as Link
    while (slot.next !== slot) this.#look(slot.next as KeepAliveEntry)
    const share = Math.ceil(this.size / this.#pingTicks) * 2
    for (let sent = 0; sent < share && this.#due.next !== this.#due; sent++)
      this.#ping(this.#due.next as KeepAliveEntry)
  }

  #look(entry: KeepAliveEntry): void {
    unlink(entry)
    const silentTicks = this.tick - entry.heardTick
    if (entry.heldSinceTick >= 0) append(this.#due, entry)
    else if (silentTicks < this.#pingTicks) this.#schedule(entry, entry.heardTick + this.#pingTicks)
    else if (silentTicks < this.#idleTicks) append(this.#due, entry)
    else {
      this.size--
      entry.idle()
    }
  }

  #ping(entry: KeepAliveEntry): void {
    unlink(entry)
    const again = this.tick + this.#pingTicks
    const held = entry.heldSinceTick >= 0
    // It may have spoken while it waited for its turn.
    if (!held && this.tick - entry.heardTick < this.#pingTicks) {
      this.#schedule(entry, entry.heardTick + this.#pingTicks)
      return
    }
    this.#schedule(entry, held ? again : Math.min(again, entry.heardTick + this.#idleTicks))
    if (this.#pings) entry.ping()
  }

  #schedule(entry: KeepAliveEntry, atTick: number): void {
    append(this.#slots[Math.max(atTick, this.tick + 1) % this.#slots.length] as Link, entry)
  }
}

function emptyList(): Link {
  const list: Link = { previous: undefined, next: undefined }
  list.previous = list
  list.next = list
  return list
}

function append(list: Link, link: Link): void {
  const last = list.previous as Link
  link.previous = last
  link.next = list
  last.next = link
  list.previous = link
}

function unlink(link: Link): void {
  if (link.previous !== undefined) link.previous.next = link.next
  if (link.next !== undefined) link.next.previous = link.previous
  link.previous = undefined
  link.next = undefined
}
