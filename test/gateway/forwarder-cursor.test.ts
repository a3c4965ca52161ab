import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { StoreChange } from '../../src/ports/records.ts'
import { count, ForwarderWorld, numberOf, settled } from './forwarder-world.ts'

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
