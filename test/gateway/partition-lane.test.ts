import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { PendingEvent } from '../../src/gateway/forward-record.ts'
import { PartitionLane } from '../../src/gateway/partition-lane.ts'

const limits = { recordsMax: 100, bytesMax: 10_000 }

function event(position: number, bytes = 100): PendingEvent {
  return {
    position,
    appendedAtMs: 0,
    chargePointId: 'CP-1',
    type: 'meter.values',
    text: '{}',
    bytes,
    isStub: false
  }
}

function laneOf(...positions: readonly number[]): PartitionLane {
  const lane = new PartitionLane(0, 0, 1_000)
  for (const position of positions) lane.push(event(position))
  return lane
}

test('what a lane has not in memory but in the log does not count as acknowledged', () => {
  const lane = laneOf(5)
  strictEqual(lane.ackedUpTo(100), 4)
  lane.lagFrom = 7
  strictEqual(lane.ackedUpTo(100), 4)
  lane.begin(0, limits)
  lane.acknowledge()
  strictEqual(lane.ackedUpTo(100), 7, 'the queue is empty and the rest is still to be read')
  lane.lagFrom = undefined
  strictEqual(lane.ackedUpTo(100), 100)
})

test('the framing of each record counts in a batch', () => {
  const lane = laneOf(1, 2, 3, 4)
  deepStrictEqual(
    lane.begin(0, { recordsMax: 100, bytesMax: 3 * 132 }).events.map(({ position }) => position),
    [1, 2, 3]
  )
  lane.giveBack()
  strictEqual(lane.begin(0, { recordsMax: 100, bytesMax: 3 * 132 - 1 }).events.length, 2)
  lane.giveBack()
  strictEqual(lane.begin(0, { recordsMax: 100, bytesMax: 1 }).events.length, 1, 'one always goes')
})

test('a batch that is too large is halved until one event is left, and grows again after a success', () => {
  const lane = laneOf(1, 2, 3, 4, 5, 6, 7)
  const sizes: number[] = []
  const next = () => sizes.push(lane.begin(0, limits).events.length)
  next()
  strictEqual(lane.split(), true)
  next()
  strictEqual(lane.split(), true)
  next()
  strictEqual(lane.split(), false)
  next()
  lane.acknowledge()
  next()
  lane.acknowledge()
  next()
  deepStrictEqual(sizes, [7, 3, 1, 1, 2, 4])
})

test('how long a lane is tried counts from the first attempt of its head, over repeats', () => {
  const lane = laneOf(1, 2)
  strictEqual(lane.triedAtMs, undefined)
  lane.begin(10, { ...limits, recordsMax: 1 })
  lane.giveBack()
  lane.begin(20, { ...limits, recordsMax: 1 })
  strictEqual(lane.triedAtMs, 10)
  strictEqual(lane.sentAtMs, 20)
  lane.acknowledge()
  strictEqual(lane.triedAtMs, undefined)
  strictEqual(lane.sentAtMs, undefined)
})
