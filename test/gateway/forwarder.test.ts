import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { FakeSink, recordBytes } from '../support/fake-sink.ts'
import { count, eventOf, ForwarderWorld, settled } from './forwarder-world.ts'

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
  const heldAtMs = world.clock.now()
  for (let round = 0; round < 100; round++) {
    await world.append(0, 1, 2, 3, 0, 1, 2, 3)
    await world.pass(100)
    ok(world.forwarder.bytesInMemory <= 80_000 + 4_000, `${world.forwarder.bytesInMemory} bytes`)
  }
  strictEqual(world.total, 600)
  strictEqual(world.forwarder.backlog, 200)
  const { lagging, laggingSinceMs = 0 } = world.forwarder.state()
  deepStrictEqual(lagging, [2])
  ok(laggingSinceMs > heldAtMs && laggingSinceMs < heldAtMs + 5_000, 'since it was left behind')
  strictEqual(world.log.consumer('$forwarder')?.position, 2, 'it holds the log for what the bus does not have')
  world.sink.release()
  await world.append(2)
  await world.pass(1_000)
  deepStrictEqual(
    world.numbers(2),
    [...count(0, 199).map((n) => 4 * n + 3), 801],
    'everything, in order, nothing twice'
  )
  deepStrictEqual([world.forwarder.state().lagging, world.forwarder.state().laggingSinceMs], [[], undefined])
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

test('the metrics tell what was acknowledged and what is not', async () => {
  const world = await new ForwarderWorld(2).start()
  world.sink.held = new Set([1])
  await world.append(0, 1, 0, 1)
  await settled()
  strictEqual(world.metrics.counts.get('forwarded_events_total'), 2)
  strictEqual(world.metrics.gauges.get('forward_backlog_events')?.(), 2)
  ok(world.sink instanceof FakeSink)
})
