import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { StoreChange } from '../../src/ports/records.ts'
import { FakeSink, FakeTopic, recordBytes } from '../support/fake-sink.ts'
import { assertValidEvent } from '../support/valid-event.ts'
import { eventOf, ForwarderWorld, numberOf, settled } from './forwarder-world.ts'

function count(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

test('an event goes out at once, byte for byte, with what consumers filter by in its headers', async () => {
  const world = await new ForwarderWorld(3).start()
  await world.append(1)
  await settled()
  deepStrictEqual(world.topic.partitions[1], [
    {
      key: 'CP-1',
      value: eventOf(1, 1).text,
      headers: {
        'content-type': 'application/cloudevents+json; charset=UTF-8',
        ce_id: '019ab3c4-7c1e-7f00-8a3b-000000000001',
        ce_type: 'data_transfer.received',
        ce_subject: 'CP-1'
      }
    }
  ])
  strictEqual(world.forwarder.backlog, 0)
})

test('an event written by another hand is found its id too', async () => {
  const world = await new ForwarderWorld(1).start()
  for (const text of ['{"id":"a\\"b","specversion":"1.0"}', '{"specversion":"1.0","id":"a\\"b"}']) {
    await world.log.append([{ chargePointId: 'CP-1', type: 'meter.values', text, changes: [] }])
    await settled()
    strictEqual(world.topic.partitions[0]?.at(-1)?.headers.ce_id, 'a"b')
    strictEqual(world.topic.partitions[0]?.at(-1)?.value, text)
  }
})

test('what is answered from disk during an outage says so', async () => {
  const world = await new ForwarderWorld(1).start()
  world.answeredLocally = (position) => position === 2
  world.sink.held = 'all'
  for (let n = 0; n < 3; n++) await world.append(1)
  await settled()
  world.sink.release()
  await settled()
  deepStrictEqual(
    world.topic.partitions[0]?.map(({ headers }) => headers.cpg_delivery),
    [undefined, 'local', undefined]
  )
})

test('while a batch is outstanding its partition waits, and what came meanwhile goes as one', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = new Set([0])
  for (let n = 0; n < 5; n++) {
    await world.append(0)
    await settled()
  }
  deepStrictEqual(world.sink.outstanding, [0])
  strictEqual(world.sink.sends.length, 1)
  world.sink.release()
  await settled()
  deepStrictEqual(
    world.sink.sends.map(({ records }) => records.length),
    [1, 4]
  )
  deepStrictEqual(world.numbers(0), [1, 2, 3, 4, 5])
})

test('a partition that answers slowly is not left behind: its patience begins anew with each answer', async () => {
  const world = await new ForwarderWorld(2, { bytesMax: 10_000, batchRecordsMax: 1 }).start()
  world.sink.held = new Set([1])
  for (let n = 0; n < 40; n++) await world.append(1)
  for (let n = 0; n < 40; n++) {
    await world.pass(600)
    world.sink.land(1)
  }
  await world.pass(1_000)
  strictEqual(world.total, 40)
  deepStrictEqual(
    world.logger.lines.filter(({ level }) => level === 'warn'),
    []
  )
})

test('a batch is bounded by what the topic takes, whatever the setting says', async () => {
  const world = new ForwarderWorld(1, { batchBytesMax: 1_000_000 })
  world.sink.recordBytesMax = 5_000
  await world.start()
  world.sink.held = 'all'
  for (let n = 0; n < 50; n++) await world.append(1)
  await settled()
  world.sink.release()
  await world.pass(1_000)
  strictEqual(world.total, 50)
  for (const { records } of world.sink.sends)
    ok(records.reduce((bytes, record) => bytes + recordBytes(record), 0) <= 5_000)
})

test('a batch is bounded in events, and in bytes below what the topic takes', async () => {
  const world = await new ForwarderWorld(1, { batchRecordsMax: 10, batchBytesMax: 4_000 }).start()
  for (let n = 0; n < 25; n++) await world.append(1)
  await settled()
  for (let n = 0; n < 25; n++) await world.appendPadded(1, 900)
  await world.pass(1_000)
  deepStrictEqual(world.numbers(0), count(1, 50))
  for (const { records } of world.sink.sends) {
    ok(records.length <= 10)
    ok(records.reduce((bytes, record) => bytes + recordBytes(record), 0) <= 4_000)
  }
})

test('a stuck partition holds up no other, costs bounded memory, and catches up in order', async () => {
  const world = await new ForwarderWorld(4, { bytesMax: 80_000 }).start()
  world.sink.held = new Set([2])
  for (let round = 0; round < 100; round++) {
    await world.append(0, 1, 2, 3, 0, 1, 2, 3)
    await world.pass(100)
    ok(world.forwarder.bytesInMemory <= 80_000 + 4_000, `${world.forwarder.bytesInMemory} bytes`)
  }
  strictEqual(world.total, 600)
  strictEqual(world.forwarder.backlog, 200)
  deepStrictEqual(world.forwarder.state().lagging, [2])
  strictEqual(world.log.consumer('$forwarder')?.position, 2, 'it holds the log for what the bus does not have')
  world.sink.release()
  await world.append(2)
  await world.pass(1_000)
  deepStrictEqual(
    world.numbers(2),
    [...count(0, 199).map((n) => 4 * n + 3), 801],
    'everything, in order, nothing twice'
  )
  deepStrictEqual(world.forwarder.state().lagging, [])
  strictEqual(world.forwarder.backlog, 0)
  strictEqual(world.log.consumer('$forwarder')?.position, 801)
})

test('when the bus is away nothing is skipped and little is read; afterwards everything goes in order', async () => {
  const world = await new ForwarderWorld(4, { bytesMax: 20_000 }).start()
  world.sink.held = 'all'
  world.sink.become('down', world.clock.now())
  for (let round = 0; round < 200; round++) await world.append(0, 1, 2, 3)
  await world.pass(60_000, 1_000)
  ok(world.forwarder.bytesInMemory <= 24_000)
  deepStrictEqual(world.forwarder.state().lagging, [])
  const reads = world.log.reads
  await world.pass(60_000, 1_000)
  strictEqual(world.log.reads, reads, 'waiting costs no reading')
  world.sink.become('up', world.clock.now())
  world.sink.release()
  await world.pass(5_000)
  for (const partition of [0, 1, 2, 3])
    deepStrictEqual(
      world.numbers(partition),
      count(0, 199).map((n) => 4 * n + partition + 1)
    )
})

test('a partition that hangs alone is left behind even when the bus calls itself down', async () => {
  const world = await new ForwarderWorld(4, { bytesMax: 20_000 }).start()
  world.sink.held = new Set([2])
  world.sink.become('down', world.clock.now())
  for (let round = 0; round < 100; round++) {
    await world.append(0, 1, 2, 3)
    await world.pass(100)
  }
  strictEqual(world.total, 300)
})

test('all partitions that hang together catch up together: the log is not read once for each', async () => {
  const world = await new ForwarderWorld(20, { bytesMax: 1_200_000, sendsPerS: 10_000, sendsBurst: 1_000 }).start()
  world.sink.held = 'all'
  const all = count(0, 19)
  for (let round = 0; round < 300; round++) await world.append(...all)
  await world.pass(5_000, 1_000)
  await world.append(...all)
  await world.pass(5_000, 1_000)
  strictEqual(world.forwarder.state().lagging.length, 20)
  const read = world.log.recordsRead
  world.sink.release()
  await world.pass(20_000)
  strictEqual(world.forwarder.backlog, 0)
  for (const partition of all)
    deepStrictEqual(
      world.numbers(partition),
      count(0, 300).map((n) => 20 * n + partition + 1)
    )
  ok(world.log.recordsRead - read < 5 * 6_020, `${world.log.recordsRead - read} records were read`)
})

test('lanes that lag from different places each get their own events once', async () => {
  const world = await new ForwarderWorld(4, { bytesMax: 24_000, sendsPerS: 10_000, sendsBurst: 1_000 }).start()
  world.sink.held = 'all'
  // Runs of one charge point, so that a lane falls behind in the middle of its own events.
  for (let n = 0; n < 400; n++) await world.appendPadded(Math.floor(n / 5) % 4, (n * 37) % 600)
  await world.pass(3_000, 1_000)
  strictEqual(world.forwarder.state().lagging.length, 4)
  for (let turn = 0; turn < 60; turn++) {
    world.sink.land(turn % 3)
    await world.append(turn % 4, turn % 4)
    await settled()
  }
  world.sink.release()
  await world.pass(10_000)
  strictEqual(world.forwarder.backlog, 0)
  strictEqual(world.total, 520, 'nothing missing and nothing twice')
})

test('a lane that catches up does not run ahead of the main pass', async () => {
  const world = await new ForwarderWorld(2, { bytesMax: 10_000, batchRecordsMax: 1 }).start()
  world.sink.held = 'all'
  await world.append(...count(1, 30).map(() => 0))
  await world.pass(2_000)
  deepStrictEqual(world.forwarder.state().lagging, [0])
  // The other lane fills up so quickly that the main pass waits for it, in front of more of the first one's events.
  await world.append(...count(1, 30).map(() => 1))
  await world.append(0, 0, 0)
  await settled()
  for (let n = 0; n < 28; n++) {
    world.sink.land(0)
    await settled()
  }
  for (let n = 0; n < 30; n++) {
    world.sink.land(1)
    await settled()
  }
  world.sink.release()
  await world.pass(2_000)
  strictEqual(world.total, 63)
  strictEqual(world.forwarder.backlog, 0)
})

test('2,000 events a second over 64 partitions make no more requests than the budget allows', async () => {
  const world = await new ForwarderWorld(64, { sendsPerS: 400, sendsBurst: 64 }).start()
  const seconds = 2
  for (let ms = 0; ms < seconds * 1_000; ms += 5) {
    await world.append(...count(1, 10).map((n) => (ms * 2 + n * 13) % 64))
    await world.pass(5, 5)
  }
  ok(world.sink.sends.length <= 400 * seconds + 64, `${world.sink.sends.length} requests`)
  ok(world.forwarder.oldestAgeMs() <= 400, `${world.forwarder.oldestAgeMs()} ms`)
  await world.pass(500, 5)
  strictEqual(world.total, 400 * 10)
  const sizes = world.sink.sends.map(({ records }) => records.length)
  ok(Math.max(...sizes) >= 4, 'they travel in company')
})

test('who waits longest for the budget goes first', async () => {
  const world = await new ForwarderWorld(8, { sendsPerS: 10, sendsBurst: 1 }).start()
  await world.append(7)
  await settled()
  await world.append(5, 3, 6, 1, 5, 1)
  await world.pass(1_000, 10)
  deepStrictEqual(
    world.sink.sends.map(({ partition }) => partition),
    [7, 5, 3, 6, 1]
  )
})

test('a restart repeats what was not acknowledged and nothing else, though a stuck partition holds the cursor', async () => {
  const world = await new ForwarderWorld(3).start()
  world.sink.held = new Set([1])
  for (let round = 0; round < 10; round++) await world.append(0, 1, 2)
  await world.pass(1_000)
  world.sink.land(1, 'is_lost')
  await world.pass(1_000)
  const first = world.sink.sends.find(({ partition }) => partition === 1)
  await world.crash()
  await world.pass(1_000)
  deepStrictEqual(
    world.sink.sends.map(({ partition, records }) => [partition, records.map(numberOf)]),
    [[1, count(0, 9).map((n) => 3 * n + 2)]]
  )
  const again = world.sink.sends[0]?.records.slice(0, first?.records.length)
  deepStrictEqual(again, first?.records, 'a repeat is the same byte for byte')
})

test('a clean stop and start repeats nothing', async () => {
  const world = await new ForwarderWorld(3).start()
  await world.append(0, 1, 2, 1)
  await settled()
  deepStrictEqual(await world.forwarder.stop(1_000), { remaining: 0 })
  await world.crash()
  await world.append(1)
  await world.pass(1_000)
  strictEqual(world.total, 5)
  strictEqual(world.log.consumer('$forwarder')?.position, 5)
})

test('positions that a full log held up are written once it has room', async () => {
  const world = new ForwarderWorld(2)
  const { commit } = world.store
  const held = Promise.withResolvers<void>()
  world.store.commit = (changes) => held.promise.then(() => commit.call(world.store, changes))
  await world.start()
  world.sink.held = new Set([1])
  await world.append(1, 0)
  await world.pass(1_000)
  await world.append(0, 0)
  await world.pass(1_000)
  held.resolve()
  await world.pass(1_000)
  await world.crash()
  await world.pass(1_000)
  deepStrictEqual(
    world.sink.sends.map(({ records }) => records.map(numberOf)),
    [[1]]
  )
})

test('with another number of partitions everything above the low-water mark is sent again', async () => {
  const world = await new ForwarderWorld(2).start()
  await world.append(0)
  await world.pass(1_000)
  world.sink.held = new Set([1])
  await world.append(5, 2, 3, 4)
  await world.pass(1_000)
  await world.crash(5)
  await world.pass(1_000)
  deepStrictEqual(
    world.topic.partitions.map((records) => records.map(numberOf)),
    [[2], [], [3], [4], [5]]
  )
})

test('another topic begins where the low-water mark was', async () => {
  const world = await new ForwarderWorld(2).start()
  await world.append(0)
  await world.pass(1_000)
  world.sink.held = new Set([1])
  await world.append(1, 0)
  await world.pass(1_000)
  Object.assign(world.settings, { topic: 'another' })
  await world.crash()
  await world.pass(1_000)
  deepStrictEqual(
    world.sink.sends.map(({ records }) => records.map(numberOf)),
    [[2], [3]]
  )
})

test('a full log holds the positions per partition up, never the cursor that lets it be trimmed', async () => {
  const world = new ForwarderWorld(2)
  const commits: (readonly StoreChange[])[] = []
  world.store.commit = (changes) => {
    commits.push(changes)
    return new Promise(() => undefined)
  }
  await world.start()
  world.sink.held = new Set([1])
  await world.append(0, 1, 0)
  await world.pass(1_000)
  await world.append(0)
  await world.pass(1_000)
  strictEqual(commits.length, 1, 'one at a time')
  world.sink.release()
  await world.append(0, 1)
  await world.pass(1_000)
  strictEqual(world.log.consumer('$forwarder')?.position, 6)
  strictEqual(commits.length, 1)
  await world.forwarder.stop(1_000)
})

test('at 5 commits a second the cursor follows', async () => {
  const world = await new ForwarderWorld(1).start()
  let puts = 0
  const { putConsumer } = world.log
  world.log.putConsumer = (...args) => {
    puts++
    return putConsumer.apply(world.log, args)
  }
  for (let n = 0; n < 200; n++) {
    await world.append(1)
    await world.pass(10, 10)
  }
  ok(puts >= 8 && puts <= 11, `${puts} commits in 2 s`)
})

test('a slow cursor catches up by itself, and a stop writes where it ended', async () => {
  const world = await new ForwarderWorld(1).start()
  const { putConsumer } = world.log
  let disk = Promise.withResolvers<void>()
  world.log.putConsumer = (...args) => disk.promise.then(() => putConsumer.apply(world.log, args))
  await world.append(1)
  await world.pass(1_000)
  await world.append(1)
  await world.pass(1_000)
  strictEqual(world.log.consumer('$forwarder')?.position, 0)
  disk.resolve()
  await world.pass(1_000)
  strictEqual(world.log.consumer('$forwarder')?.position, 2)
  disk = Promise.withResolvers<void>()
  await world.append(1)
  await world.pass(1_000)
  await world.append(1)
  await world.pass(1_000)
  const stopped = world.forwarder.stop(1_000)
  disk.resolve()
  deepStrictEqual(await stopped, { remaining: 0 })
  strictEqual(world.log.consumer('$forwarder')?.position, 4)
})

test('a cursor that cannot be written is told, and the next acknowledgement tries again', async () => {
  const world = await new ForwarderWorld(1).start()
  const { putConsumer } = world.log
  world.log.putConsumer = () => Promise.reject(new Error('no space'))
  world.store.commit = () => Promise.reject(new Error('no space'))
  await world.append(1)
  await world.pass(1_000)
  strictEqual(world.logger.lines.filter(({ level }) => level === 'error').length, 1)
  world.log.putConsumer = putConsumer
  await world.append(1)
  await world.pass(1_000)
  strictEqual(world.log.consumer('$forwarder')?.position, 2)
})

test('events that the log lost before they were forwarded are missed aloud, and the rest goes', async () => {
  const world = new ForwarderWorld(1)
  await world.append(1, 1, 1)
  await world.log.putConsumer('$forwarder', 3)
  await world.log.trim()
  await world.append(1)
  world.log.consumer = () => ({ name: '$forwarder', position: 1, required: true, updatedAtMs: 0 })
  await world.start()
  await world.pass(1_000)
  deepStrictEqual(world.numbers(0), [4])
  deepStrictEqual(
    world.logger.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields),
    [{ from: 2, to: 3 }]
  )
})

test('a forwarder that does not hold the log does not start', async () => {
  const world = new ForwarderWorld(1)
  world.log.putConsumer = async (name, position) => ({ name, position, required: false, updatedAtMs: 0 })
  await rejects(world.forwarder.start(), /required consumer/)
})

test('until the bus can be reached the log is held and the backlog told', async () => {
  const world = new ForwarderWorld(2)
  const { promise, resolve } = Promise.withResolvers<void>()
  world.sink.opens = promise
  const started = world.forwarder.start()
  await world.append(0, 1, 0)
  await world.pass(60_000, 1_000)
  strictEqual(world.forwarder.backlog, 3)
  strictEqual(world.forwarder.isOpen, false)
  strictEqual(world.forwarder.oldestAgeMs(), Number.POSITIVE_INFINITY)
  strictEqual(await world.log.trim(), 0)
  resolve()
  await started
  await settled()
  strictEqual(world.total, 3)
})

test('an event known to be too large goes as a stub without a try', async () => {
  const world = new ForwarderWorld(1)
  world.sink.recordBytesMax = 2_000
  world.sink.batchBytesMax = 2_000
  await world.start()
  await world.append(1)
  await world.appendPadded(1, 5_000)
  await world.append(1)
  await world.pass(1_000)
  deepStrictEqual(world.numbers(0), [1, 2, 3])
  const stub = world.topic.partitions[0]?.[1]
  const { data, ...envelope } = JSON.parse(stub?.value ?? '')
  const whole = JSON.parse(eventOf(1, 2, 5_000).text)
  assertValidEvent({ ...envelope, data })
  deepStrictEqual(envelope, (({ data: _, ...rest }) => ({ ...rest, type: 'event.too_large' }))(whole))
  deepStrictEqual(data, {
    type: 'data_transfer.received',
    bytes: Buffer.byteLength(eventOf(1, 2, 5_000).text),
    node: 'gw-0',
    keptAt: 'GET /v1/events of node gw-0, until its event_log.retention or event_log.bytes_max lets it go'
  })
  strictEqual(stub?.headers.ce_type, 'event.too_large')
  strictEqual(world.metrics.counts.get('forward_stubs_total'), 1)
  ok(world.sink.sends.every(({ records }) => records.every((record) => recordBytes(record) <= 2_000)))
})

test('an event is whole up to the last byte that the topic takes', async () => {
  const world = new ForwarderWorld(1)
  await world.start()
  await world.appendPadded(1, 300)
  await settled()
  // The header of an outage is counted in advance.
  const bytes = recordBytes(world.topic.partitions[0]?.[0] ?? { key: '', value: '', headers: {} }) + 17
  for (const [recordBytesMax, type] of [
    [bytes, 'data_transfer.received'],
    [bytes - 1, 'event.too_large']
  ] as const) {
    world.sink.recordBytesMax = recordBytesMax
    await world.appendPadded(1, 300)
    await settled()
    strictEqual(world.topic.partitions[0]?.at(-1)?.headers.ce_type, type)
  }
})

test('a schema named by the event is the one of the stub', async () => {
  const world = new ForwarderWorld(1)
  world.sink.recordBytesMax = 2_000
  await world.start()
  const { text, ...rest } = eventOf(1, 1, 3_000)
  const dataschema = 'https://schemas.example/v1/data_transfer.received'
  await world.log.append([{ ...rest, text: JSON.stringify({ ...JSON.parse(text), dataschema }) }])
  await settled()
  strictEqual(
    JSON.parse(world.topic.partitions[0]?.[0]?.value ?? '').dataschema,
    'https://schemas.example/v1/event.too_large'
  )
})

test('when the topic refuses a batch as too large only the offender becomes a stub', async () => {
  const world = new ForwarderWorld(1, { sendsPerS: 10_000, sendsBurst: 1_000 })
  await world.start()
  world.sink.held = 'all'
  world.sink.batchBytesMax = 3_000
  await world.append(1)
  for (let n = 0; n < 40; n++) await (n === 17 ? world.appendPadded(1, 5_000) : world.append(1))
  await settled()
  world.sink.release()
  await world.pass(2_000)
  deepStrictEqual(world.numbers(0), count(1, 41))
  deepStrictEqual(
    world.topic.partitions[0]?.filter(({ headers }) => headers.ce_type === 'event.too_large').map(numberOf),
    [19]
  )
})

test('a stub that is refused too is told and tried again, and holds up no other partition', async () => {
  const world = new ForwarderWorld(2)
  world.sink.batchBytesMax = 100
  await world.start()
  await world.append(0)
  await world.pass(3_000)
  const errors = world.logger.lines.filter(({ level }) => level === 'error')
  ok(errors.length >= 2 && errors.length <= 4, `${errors.length} lines`)
  ok(errors.every(({ message }) => message.includes('max.message.bytes')))
  world.sink.batchBytesMax = 10_000
  await world.pass(2_000)
  deepStrictEqual(world.numbers(0), [1])
})

test('a batch that fails for an unknown reason is told and sent again', async () => {
  const world = await new ForwarderWorld(1).start()
  world.sink.held = 'all'
  await world.append(1, 1)
  await settled()
  world.sink.fail(0, 'surprise')
  world.sink.release()
  await world.append(1)
  await settled()
  strictEqual(world.total, 0, 'not at once')
  await world.pass(2_000)
  deepStrictEqual(world.numbers(0), [1, 2, 3])
  strictEqual(world.logger.lines.filter(({ level }) => level === 'error').length, 1)
})

for (const rejects of [true, false])
  test(`a client that acknowledges nothing is made anew, whether it rejects what was outstanding or not (${rejects})`, async () => {
    const world = await new ForwarderWorld(2).start()
    world.sink.rejectsAtRestart = rejects
    world.sink.held = new Set([1])
    await world.append(0, 1, 0, 1)
    await settled()
    world.sink.land(1, 'is_lost')
    await world.pass(89_000, 1_000)
    strictEqual(world.sink.restarts, 0)
    world.sink.held = new Set()
    await world.append(1)
    await world.pass(3_000, 1_000)
    strictEqual(world.sink.restarts, 1)
    strictEqual(world.metrics.counts.get('forward_restarts_total'), 1)
    deepStrictEqual(world.numbers(1), [2, 4, 2, 4, 5], 'again from the acknowledged position')
    deepStrictEqual(world.numbers(0), [1, 3])
    await world.pass(200_000, 1_000)
    strictEqual(world.sink.restarts, 1)
  })

test('the watchdog leaves a client alone while the bus is away, and gives it time after it came back', async () => {
  const world = await new ForwarderWorld(1).start()
  world.sink.held = 'all'
  await world.append(1)
  await settled()
  world.sink.become('down', world.clock.now())
  await world.pass(300_000, 1_000)
  strictEqual(world.sink.restarts, 0)
  world.sink.become('up', world.clock.now())
  await world.pass(88_000, 1_000)
  strictEqual(world.sink.restarts, 0)
  await world.pass(4_000, 1_000)
  strictEqual(world.sink.restarts, 1)
})

test('a client that hangs on one partition alone is made anew even when it calls the bus down', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = new Set([1])
  world.sink.become('down', world.clock.now())
  await world.append(1)
  await world.pass(1_000)
  await world.append(0)
  await world.pass(86_000, 1_000)
  strictEqual(world.sink.restarts, 0)
  await world.pass(5_000, 1_000)
  strictEqual(world.sink.restarts, 1)
})

test('a client that calls the bus away for ever is not believed for ever', async () => {
  const world = await new ForwarderWorld(1).start()
  world.sink.held = 'all'
  world.sink.become('down', world.clock.now())
  await world.append(1)
  await world.pass(898_000, 2_000)
  strictEqual(world.sink.restarts, 0)
  await world.pass(4_000, 1_000)
  strictEqual(world.sink.restarts, 1)
})

test('while the client is made anew nobody asks for partitions; if they changed, all above the low-water mark goes again', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = new Set([1])
  await world.append(0, 5, 2, 3)
  await world.pass(88_000, 1_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  world.sink.onRestart = () => promise
  await world.pass(4_000, 1_000)
  strictEqual(world.sink.restarts, 1)
  strictEqual(world.forwarder.isOpen, false)
  await world.append(8, 1)
  await world.pass(200_000, 1_000)
  strictEqual(world.sink.restarts, 1, 'one at a time')
  world.topic = new FakeTopic(5)
  Object.assign(world.sink, { topic: world.topic, held: new Set() })
  world.sink.recordsAgain()
  resolve()
  await world.pass(2_000)
  deepStrictEqual(
    world.topic.partitions.map((records) => records.map(numberOf)),
    [[2], [6], [3], [4, 5], []]
  )
  strictEqual(world.forwarder.backlog, 0)
  strictEqual(world.log.consumer('$forwarder')?.position, 6)
})

test('a topic that was made anew with fewer partitions is found out', async () => {
  const world = await new ForwarderWorld(3).start()
  await world.append(0, 1, 2)
  await world.pass(1_000)
  world.topic = new FakeTopic(2)
  world.sink.topic = world.topic
  await world.pass(2_000)
  strictEqual(world.sink.restarts, 1)
  await world.append(0, 1, 2)
  await world.pass(1_000)
  deepStrictEqual(
    world.topic.partitions.map((records) => records.map(numberOf)),
    [[4, 6], [5]]
  )
})

test('a client that cannot be made anew is tried again', async () => {
  const world = await new ForwarderWorld(1).start()
  world.sink.held = 'all'
  await world.append(1)
  let failures = 2
  world.sink.onRestart = () => (failures-- > 0 ? Promise.reject(new Error('no')) : Promise.resolve())
  await world.pass(95_000, 1_000)
  world.sink.release()
  await world.pass(1_000)
  strictEqual(world.sink.restarts, 3)
  deepStrictEqual(world.numbers(0), [1])
})

test('what an abandoned client says late means nothing', async () => {
  const world = await new ForwarderWorld(1).start()
  const answers: PromiseWithResolvers<void>[] = []
  world.sink.send = () => {
    const answer = Promise.withResolvers<void>()
    answers.push(answer)
    return answer.promise
  }
  await world.append(1, 1)
  await world.pass(92_000, 1_000)
  strictEqual(answers.length, 2)
  answers[0]?.resolve()
  await world.append(1)
  await settled()
  strictEqual(world.forwarder.backlog, 3)
  strictEqual(answers.length, 2)
  answers[1]?.resolve()
  await settled()
  strictEqual(world.forwarder.backlog, 1)
})

test('a stop sends what can be sent, and waits for its acknowledgement', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = 'all'
  await world.append(0, 1, 1)
  const stopped = world.forwarder.stop(10_000)
  await world.pass(500)
  world.sink.release()
  await world.pass(500)
  deepStrictEqual(await stopped, { remaining: 0 })
  strictEqual(world.total, 3)
  strictEqual(world.log.consumer('$forwarder')?.position, 3)
})

test('a stop with a backlog says how many events remain, and they go first after the next start', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = new Set([1])
  await world.append(0, 1, 1)
  const stopped = world.forwarder.stop(5_000)
  await world.pass(6_000)
  deepStrictEqual(await stopped, { remaining: 2 })
  const line = world.logger.lines.at(-1)
  strictEqual(line?.level, 'warn')
  strictEqual(line?.fields.remaining, 2)
  await world.crash()
  await world.append(1)
  await world.pass(1_000)
  deepStrictEqual(world.numbers(1), [2, 3, 4])
})

test('a stop does not wait for a bus that is away', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = 'all'
  await world.append(0, 1, 1)
  await settled()
  world.sink.become('down', world.clock.now())
  deepStrictEqual(await world.forwarder.stop(5_000), { remaining: 3 })
  const other = await new ForwarderWorld(1).start()
  other.sink.held = 'all'
  await other.append(0)
  const stopped = other.forwarder.stop(600_000)
  await other.pass(2_000)
  other.sink.become('down', other.clock.now())
  await other.pass(2_000)
  deepStrictEqual(await stopped, { remaining: 1 })
  const early = new ForwarderWorld(1)
  const opening = Promise.withResolvers<void>()
  early.sink.opens = opening.promise
  const started = early.forwarder.start()
  await early.append(0)
  await settled()
  deepStrictEqual(await early.forwarder.stop(5_000), { remaining: 1 })
  opening.reject(new Error('closed'))
  await started
})

test('the metrics tell what was acknowledged and what is not', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = new Set([1])
  await world.append(0, 1, 0, 1)
  await settled()
  strictEqual(world.metrics.counts.get('forwarded_events_total'), 2)
  strictEqual(world.metrics.gauges.get('forward_backlog_events')?.(), 2)
  ok(world.sink instanceof FakeSink)
})
