import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { recordBytes } from '../support/fake-sink.ts'
import { assertValidEvent } from '../support/valid-event.ts'
import { count, eventOf, ForwarderWorld, numberOf, settled } from './forwarder-world.ts'

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

// A topic whose `max.message.bytes` was lowered made 800 lines in 20 s of 60 charge points.
test('however many stubs there are, one line a minute says so with their number, and the state until a minute after', async () => {
  const world = await new ForwarderWorld(1).start()
  strictEqual(world.forwarder.state().makesStubs, false)
  world.sink.recordBytesMax = 2_000
  const tooLarge = async (events: number) => {
    for (let n = 0; n < events; n++) await world.appendPadded(1, 5_000)
    await settled()
  }
  await tooLarge(30)
  await world.pass(59_000, 1_000)
  await tooLarge(1)
  await world.pass(1_000)
  await tooLarge(1)
  await world.pass(59_000, 1_000)
  const told = () => world.logger.lines.filter(({ message }) => /too large for the topic/.test(message))
  deepStrictEqual(
    told().map(({ fields }) => fields.stubs),
    [1, 31]
  )
  strictEqual(world.metrics.counts.get('forward_stubs_total'), 32)
  strictEqual(world.forwarder.state().makesStubs, true)
  await world.pass(1_000)
  strictEqual(world.forwarder.state().makesStubs, false)
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
