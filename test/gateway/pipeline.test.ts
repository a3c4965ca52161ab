import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { makeEvent } from '../../src/events/envelope.ts'
import { EventPipeline } from '../../src/gateway/pipeline.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import type { EventEntry } from '../../src/session/effect.ts'
import { turn } from '../support/gateway.ts'
import { MemoryLog, MemoryStore } from '../support/memory-ports.ts'

function entry(id: string): EventEntry {
  const data = { violation: 'empty_frame', detail: 'nothing' } as const
  const facts = { id, chargePointId: 'CP-1', time: '2026-11-23T10:00:00.000Z', node: 'node-a' }
  return { event: makeEvent({ type: 'protocol.violation', data }, facts), changes: [] }
}

function harness(capacity = 1000) {
  const log = new MemoryLog(new MemoryStore())
  const said: unknown[] = []
  const pipeline = new EventPipeline({
    log: log as unknown as EventLog,
    capacity,
    onPressure: (full) => said.push(full),
    onFailure: (error) => said.push(error)
  })
  return { log, pipeline, said, waiter: (name: string) => ({ durable: (n: number) => said.push(`${name}${n}`) }) }
}

test('what one turn publishes is one append, in the order in which it was published (B3, B8)', async () => {
  const { log, pipeline } = harness()
  pipeline.publish([entry('1'), entry('2')])
  pipeline.publish([entry('3')])
  strictEqual(log.appends.length, 0)
  await turn()
  pipeline.publish([entry('4')])
  await turn()
  deepStrictEqual(
    log.appends.map((entries) => entries.map(({ text }) => JSON.parse(text).id)),
    [['1', '2', '3'], ['4']]
  )
})

test('each waiter hears of its ticket once, in order, and only when its events are on disk', async () => {
  const { log, pipeline, said, waiter } = harness()
  log.isHeld = true
  pipeline.publish([entry('1')], waiter('a'), 7)
  pipeline.publish([entry('2')])
  pipeline.publish([entry('3')], waiter('b'), 8)
  await turn()
  pipeline.publish([entry('4')], waiter('a'), 9)
  await turn()
  deepStrictEqual(said, [])
  log.land(1)
  await turn()
  deepStrictEqual(said, ['a7', 'b8'])
  log.land()
  await turn()
  deepStrictEqual(said, ['a7', 'b8', 'a9'])
})

test('a flush appends at once, so that the store shows what was published, and nothing twice', async () => {
  const { log, pipeline } = harness()
  pipeline.publish([entry('1')])
  pipeline.flush()
  strictEqual(log.appends.length, 1)
  pipeline.flush()
  await turn()
  strictEqual(log.appends.length, 1)
})

// Known failure B2: queues of 150,000 / 1,000 / 1,000 in one chain.
test('one capacity bounds what is gathered and what is being appended together', async () => {
  const { log, pipeline, said } = harness(4)
  log.isHeld = true
  pipeline.publish([entry('1'), entry('2'), entry('3')])
  await turn()
  deepStrictEqual(said, [])
  strictEqual(pipeline.full, false)
  pipeline.publish([entry('4')])
  deepStrictEqual(said, [true])
  strictEqual(pipeline.full, true)
  pipeline.publish([entry('5')])
  await turn()
  deepStrictEqual(said, [true], 'pressure is told once')
  strictEqual(pipeline.depth, 5)
  deepStrictEqual(pipeline.stages(), [
    { stage: 'gathered', depth: 0, highWater: 3 },
    { stage: 'appending', depth: 5, highWater: 5 }
  ])
  log.land()
  await turn()
  deepStrictEqual(said, [true, false])
  deepStrictEqual([pipeline.full, pipeline.depth], [false, 0])
})

test('pressure ends when half of the capacity is free, not before', async () => {
  const { log, pipeline, said } = harness(4)
  log.isHeld = true
  for (const id of ['1', '2', '3', '4']) {
    pipeline.publish([entry(id)])
    await turn()
  }
  log.land(1)
  await turn()
  deepStrictEqual(said, [true])
  log.land(1)
  await turn()
  deepStrictEqual(said, [true, false])
})

test('a capacity of one event works', async () => {
  const { pipeline, said } = harness(1)
  pipeline.publish([entry('1')])
  await turn()
  deepStrictEqual([said, pipeline.full], [[true, false], false])
})

test('an append that fails for good is told, wakes nobody, and holds nothing up', async () => {
  const { log, pipeline, said, waiter } = harness(1)
  log.isHeld = true
  pipeline.publish([entry('1')], waiter('a'), 1)
  await turn()
  const closed = new Error('the log is closed')
  log.fail(closed)
  await turn()
  deepStrictEqual(said, [true, closed, false])
  strictEqual(pipeline.depth, 0)
})
