import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { KeepAlive, type KeepAliveEntry } from '../../src/server/keep-alive.ts'
import { FakeClock } from '../support/fake-clock.ts'

const pingIntervalMs = 50_000
const idleTimeoutMs = 125_000

class Peer implements KeepAliveEntry {
  previous: KeepAliveEntry['previous'] = undefined
  next: KeepAliveEntry['next'] = undefined
  heardTick = 0
  heldSinceTick = -1
  readonly pingsAtMs: number[] = []
  idleAtMs: number | undefined = undefined
  onPing: () => void = () => {}
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  ping(): void {
    this.pingsAtMs.push(this.#clock.now())
    this.onPing()
  }

  idle(): void {
    this.idleAtMs = this.#clock.now()
  }
}

function start(count: number, settings = { pingIntervalMs, idleTimeoutMs }) {
  const clock = new FakeClock(0)
  const wheel = new KeepAlive(clock, settings)
  const peers = Array.from({ length: count }, () => new Peer(clock))
  for (const peer of peers) wheel.add(peer)
  return { clock, wheel, peers, peer: peers[0] as Peer }
}

function hear(wheel: KeepAlive, peer: Peer): void {
  peer.heardTick = wheel.tick
}

test('10,000 connections of the same moment are not pinged in one burst (known failure A7)', () => {
  const { clock, wheel, peers } = start(10_000)
  for (const peer of peers) peer.onPing = () => hear(wheel, peer)
  clock.advance(4 * pingIntervalMs)
  const perTick = new Map<number, number>()
  for (const peer of peers) for (const atMs of peer.pingsAtMs) perTick.set(atMs, (perTick.get(atMs) ?? 0) + 1)
  // An even spread would be 20 per tick of 100 ms.
  ok(Math.max(...perTick.values()) <= 40)
  for (const peer of peers) {
    const gaps = peer.pingsAtMs.map((atMs, index) => atMs - (peer.pingsAtMs[index - 1] ?? 0))
    ok(gaps.every((gap) => gap >= pingIntervalMs && gap <= 1.5 * pingIntervalMs + wheel.tickMs))
    ok(peer.pingsAtMs.length >= 2)
    strictEqual(peer.idleAtMs, undefined)
  }
})

test('any traffic defers the ping: who talks within the interval is never pinged', () => {
  const { clock, wheel, peers } = start(10_000)
  for (let round = 0; round < 10; round++) {
    clock.advance(pingIntervalMs - 5 * wheel.tickMs)
    for (const peer of peers) hear(wheel, peer)
  }
  strictEqual(peers.filter(({ pingsAtMs }) => pingsAtMs.length > 0).length, 0)
})

test('who speaks while it waits for its ping is not pinged', () => {
  const { clock, wheel, peers } = start(10_000)
  clock.advance(pingIntervalMs)
  const pinged = peers.filter(({ pingsAtMs }) => pingsAtMs.length > 0).length
  ok(pinged < 100)
  for (const peer of peers) hear(wheel, peer)
  clock.advance(pingIntervalMs - wheel.tickMs)
  strictEqual(peers.filter(({ pingsAtMs }) => pingsAtMs.length > 0).length, pinged)
})

test('who says nothing is idle after the timeout, not before, and is not looked at again', () => {
  const { clock, wheel, peers } = start(10_000)
  clock.advance(idleTimeoutMs - wheel.tickMs)
  strictEqual(peers.filter(({ idleAtMs }) => idleAtMs !== undefined).length, 0)
  clock.advance(wheel.tickMs)
  deepStrictEqual(new Set(peers.map(({ idleAtMs }) => idleAtMs)), new Set([idleTimeoutMs]))
  strictEqual(wheel.size, 0)
  const pings = peers.map(({ pingsAtMs }) => pingsAtMs.length)
  clock.advance(idleTimeoutMs)
  deepStrictEqual(
    peers.map(({ pingsAtMs }) => pingsAtMs.length),
    pings
  )
})

test('a station that never pongs but talks every two minutes stays (known failure A6)', () => {
  const { clock, wheel, peer } = start(1)
  for (let round = 0; round < 20; round++) {
    clock.advance(120_000)
    hear(wheel, peer)
  }
  strictEqual(peer.idleAtMs, undefined)
  ok(peer.pingsAtMs.length >= 20)
})

test('removal during a tick takes nobody else along', () => {
  const { clock, wheel, peers } = start(10_000)
  peers.forEach((peer, index) => {
    const neighbour = peers[index ^ 1] as Peer
    if (index % 2 === 0)
      peer.onPing = () => {
        wheel.remove(neighbour)
        wheel.remove(peer)
        wheel.remove(peer)
      }
    else peer.onPing = () => hear(wheel, peer)
  })
  clock.advance(3 * idleTimeoutMs)
  // Either the even one took its odd neighbour along before that was pinged, or never.
  strictEqual(wheel.size, 0)
  ok(peers.every((peer, index) => index % 2 === 1 || peer.pingsAtMs.length === 1))
  strictEqual(peers.filter(({ idleAtMs }) => idleAtMs !== undefined).length, 0)
})

test('while reading is paused the idle clock stands, pings go on', () => {
  const { clock, wheel, peer } = start(1)
  clock.advance(100_000)
  wheel.hold(peer)
  const before = peer.pingsAtMs.length
  clock.advance(10 * idleTimeoutMs)
  strictEqual(peer.idleAtMs, undefined)
  ok(peer.pingsAtMs.length >= before + 20)
  wheel.release(peer)
  const resumedAtMs = clock.now()
  clock.advance(idleTimeoutMs)
  // 100 of the 125 seconds had passed before.
  ok(Math.abs((peer.idleAtMs ?? 0) - resumedAtMs - 25_000) <= 2 * wheel.tickMs)
})

test('a process that was held up, or a clock that jumped, makes nobody idle', () => {
  let nowMs = 0
  let due: (() => void) | undefined
  const clock = {
    now: () => nowMs,
    after: (_: number, callback: () => void) => {
      due = callback
      return () => {}
    }
  }
  const wheel = new KeepAlive(clock, { pingIntervalMs, idleTimeoutMs })
  const peer = new Peer(new FakeClock(0))
  wheel.add(peer)
  nowMs += 10 * idleTimeoutMs
  due?.()
  strictEqual(peer.idleAtMs, undefined)
  strictEqual(wheel.size, 1)
})

test('timers that come late do not slow the wheel down', () => {
  let nowMs = 0
  let due: (() => void) | undefined
  const clock = {
    now: () => nowMs,
    after: (_: number, callback: () => void) => {
      due = callback
      return () => {}
    }
  }
  const wheel = new KeepAlive(clock, { pingIntervalMs, idleTimeoutMs })
  const peer = new Peer(new FakeClock(0))
  wheel.add(peer)
  while (nowMs < idleTimeoutMs && peer.idleAtMs === undefined) {
    nowMs += 130
    due?.()
  }
  ok(nowMs >= idleTimeoutMs && peer.idleAtMs !== undefined)
})

test('one timer runs for all, none for nobody', () => {
  const clock = new FakeClock(0)
  let running = 0
  const counted = {
    now: () => clock.now(),
    after(delayMs: number, callback: () => void) {
      running++
      const cancel = clock.after(delayMs, () => {
        running--
        callback()
      })
      return () => {
        running--
        cancel()
      }
    }
  }
  const wheel = new KeepAlive(counted, { pingIntervalMs, idleTimeoutMs })
  const [first, second] = [new Peer(clock), new Peer(clock)]
  strictEqual(running, 0)
  wheel.add(first)
  wheel.add(second)
  first.onPing = () => {
    wheel.remove(first)
    wheel.remove(second)
    wheel.add(second)
  }
  clock.advance(pingIntervalMs + wheel.tickMs)
  strictEqual(running, 1)
  wheel.remove(second)
  strictEqual(running, 0)
})

test('without pings the idle timeout still holds', () => {
  const { clock, wheel, peer } = start(1, { pingIntervalMs: 0, idleTimeoutMs })
  clock.advance(idleTimeoutMs / 2)
  hear(wheel, peer)
  clock.advance(idleTimeoutMs - wheel.tickMs)
  strictEqual(peer.idleAtMs, undefined)
  clock.advance(2 * wheel.tickMs)
  ok(peer.idleAtMs !== undefined)
  deepStrictEqual(peer.pingsAtMs, [])
})
