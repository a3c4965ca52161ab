import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { FakeTopic } from '../support/fake-sink.ts'
import { ForwarderWorld, numberOf, settled } from './forwarder-world.ts'

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
