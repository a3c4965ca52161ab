import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import { Producer } from '@platformatic/kafka'
import { createKafkaCommandSource } from '../../src/adapters/kafka/command-source.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { RecordingHandler } from '../contract/command-source.ts'
import { until } from '../support/kafka-records.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { withKafka } from '../support/services.ts'

const topic = 'commands'
const kafka = withKafka({ topics: { [topic]: { partitions: 1 } } })

/** A backend that gives commands in transactions. */
function backend(name: string) {
  const producer = new Producer({
    clientId: name,
    bootstrapBrokers: kafka().addresses(),
    idempotent: true,
    transactionalId: name,
    // A transaction that is open for longer is rolled back by the broker.
    timeout: 60_000,
    // One begins while the broker still marks the end of the one before.
    retryDelay: 20,
    retries: 100
  })
  return {
    begin: async (...values: readonly string[]) => {
      const transaction = await producer.beginTransaction()
      for (const value of values)
        await transaction.send({
          messages: [{ topic, partition: 0, key: Buffer.from('CP-0'), value: Buffer.from(value) }]
        })
      return transaction
    },
    /** Its mark is all that it leaves in the partition. */
    beginEmpty: async () => {
      const transaction = await producer.beginTransaction()
      const metadata = await producer.metadata({ topics: [topic] })
      await transaction.addPartitions(metadata, [{ topic, partition: 0, value: Buffer.alloc(0) }])
      return transaction
    },
    close: () => producer.close()
  }
}

// The client heeds the last one of a producer alone, and takes what lies between it and the producer's last mark for rolled back.
test('what a backend has rolled back is never handed on, and what it has committed always is', async () => {
  const slow = backend('slow')
  const busy = backend('busy')
  // Nothing behind it is read until it ends: the rest comes in one fetch, or in as many as its size asks for.
  const open = await slow.begin('slow')
  await (await busy.begin('rolled back 1')).abort()
  await (await busy.begin('committed 1')).commit()
  await (await busy.begin('rolled back 2')).abort()
  await (await busy.begin(...Array.from({ length: 3 }, (_, n) => `rolled back 3.${n} ${'x'.repeat(700_000)}`))).abort()
  await (await busy.begin('committed 2')).commit()
  await (await busy.begin('rolled back 4')).abort()
  await (await busy.begin('committed 3')).commit()
  await (await busy.beginEmpty()).abort()
  await open.commit()
  const handler = new RecordingHandler()
  const source = createKafkaCommandSource({
    connection: { brokers: kafka().addresses(), clientId: 'transactions' },
    topic,
    group: 'gateways',
    deadLetterTopic: `${topic}-dead`,
    timing: { sessionTimeoutMs: 6000, heartbeatMs: 500 },
    clock: createSystemClock(),
    logger: memoryLogger()
  })
  await source.start(handler)
  await (await busy.begin('last')).commit()
  await until('the last came', () => handler.values.includes('last'))
  await source.close()
  await Promise.all([slow.close(), busy.close()])
  deepStrictEqual(
    handler.values.map((value) => value.slice(0, 20)),
    ['slow', 'committed 1', 'committed 2', 'committed 3', 'last']
  )
})
