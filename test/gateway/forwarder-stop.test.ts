import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ForwarderWorld, settled } from './forwarder-world.ts'

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
