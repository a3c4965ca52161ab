import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Forwarder } from '../../src/gateway/forwarder.ts'
import { type OpenedEmbedded, openTemporaryEmbedded } from '../support/embedded.ts'
import { FakeSink, FakeTopic } from '../support/fake-sink.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { noMetrics } from '../support/no-metrics.ts'
import { eventOf, numberOf, settings } from './forwarder-world.ts'

// The forwarder over the log that it will meet: LMDB, its own disk space, its own way to be full.

const requiredConsumers = ['$forwarder']

function forwarderOf({ log, store, clock }: OpenedEmbedded, sink: FakeSink): Forwarder {
  return new Forwarder({ settings, log, store, sink, clock, logger: memoryLogger(), metrics: noMetrics })
}

async function until(condition: () => boolean, { clock }: OpenedEmbedded): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    ok(turn < 100_000, 'it never comes to be')
    clock.advance(1)
    await setImmediate()
  }
}

test('a log that is full because the bus is away has room again as soon as it takes events, and none is missing', async (t) => {
  const embedded = await openTemporaryEmbedded({ bytesMax: 1024 * 1024, requiredConsumers })
  t.after(() => embedded.dispose())
  const { log } = embedded
  const topic = new FakeTopic(2)
  const sink = new FakeSink(topic)
  const forwarder = forwarderOf(embedded, sink)
  await forwarder.start()
  sink.held = 'all'
  sink.become('down', 0)
  const total = 2_000
  const appends: Promise<number>[] = []
  for (let n = 1; n <= total; n += 20)
    appends.push(log.append(Array.from({ length: 20 }, (_, k) => eventOf(n + k, n + k, 800))))
  await until(() => log.state().full, embedded)
  deepStrictEqual(log.state().heldBy, requiredConsumers)
  sink.become('up', embedded.clock.now())
  sink.release()
  await until(() => log.range().durable === total && forwarder.backlog === 0, embedded)
  await Promise.all(appends)
  for (const [partition, records] of topic.partitions.entries())
    deepStrictEqual(
      records.map(numberOf),
      Array.from({ length: total / 2 }, (_, k) => 2 * k + (partition === 0 ? 2 : 1))
    )
  strictEqual(log.state().full, false)
})

test('after a restart on the same data a partition goes on where its acknowledgements ended', async (t) => {
  const embedded = await openTemporaryEmbedded({ requiredConsumers })
  let newest = embedded
  t.after(() => newest.dispose())
  const topic = new FakeTopic(2)
  const sink = new FakeSink(topic)
  const forwarder = forwarderOf(embedded, sink)
  await forwarder.start()
  sink.held = new Set([1])
  await embedded.log.append([0, 1, 0, 1, 0].map((chargePoint, index) => eventOf(chargePoint, index + 1)))
  const rows = () => embedded.store.list('forwarded')
  await until(() => rows().length === 1 && embedded.log.consumer('$forwarder')?.position === 1, embedded)
  deepStrictEqual(rows(), [{ topic: 'ocpp-events-up', partition: 0, partitions: 2, position: 5 }])
  sink.isDead = true
  // On disk, so that what follows is what a restart finds.
  await embedded.store.commit([])
  const again = await embedded.reopen()
  newest = again
  const next = new FakeSink(topic)
  const second = forwarderOf(again, next)
  await second.start()
  await until(() => second.backlog === 0, again)
  deepStrictEqual(
    next.sends.map(({ partition, records }) => [partition, records.map(numberOf)]),
    [[1, [2, 4]]]
  )
})
