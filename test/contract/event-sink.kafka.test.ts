import { strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createKafkaEventSink } from '../../src/adapters/kafka/event-sink.ts'
import { type Compression, compressions } from '../../src/adapters/kafka/producer.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { readTopic, withAdmin } from '../support/kafka-records.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { withKafka } from '../support/services.ts'
import { eventSinkContract, type SinkSettings } from './event-sink.ts'

const kafka = withKafka()
let topics = 0

async function openTopic(compression: Compression, { partitions, recordBytes }: SinkSettings) {
  const topic = `events-${++topics}`
  await withAdmin(kafka().addresses(), (admin) =>
    admin.createTopics({
      topics: [topic],
      partitions,
      replicas: 1,
      configs: recordBytes === undefined ? [] : [{ name: 'max.message.bytes', value: String(recordBytes) }]
    })
  )
  const sink = createKafkaEventSink({
    connection: { brokers: kafka().addresses(), clientId: 'contract' },
    topic,
    compression,
    clock: createSystemClock(),
    logger: memoryLogger()
  })
  return { sink, topic }
}

for (const compression of compressions) {
  eventSinkContract(`Kafka, ${compression}`, async (settings) => {
    const { sink, topic } = await openTopic(compression, settings)
    return {
      sink,
      read: async () =>
        (await readTopic(kafka().addresses(), topic)).map(({ partition, key, value, headers }) => ({
          partition,
          key,
          value,
          headers
        })),
      dispose: () => sink.close()
    }
  })
}

/** The two bytes of attributes of a batch, whose lowest three bits name its compression. [Kafka record batch, magic 2] */
const attributesAt = 21
const codecs: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

for (const compression of compressions) {
  test(`a batch lies on the broker's disk compressed with ${compression}, as the setting says`, async (t) => {
    const { sink, topic } = await openTopic(compression, { partitions: 1 })
    t.after(() => sink.close())
    await sink.open()
    await sink.send(0, [{ key: 'CP-1', value: 'x'.repeat(1_000), headers: {} }])
    const segment = readFileSync(join(kafka().folder, 'kafka-0', `${topic}-0`, '00000000000000000000.log'))
    strictEqual(codecs[segment.readInt16BE(attributesAt) & 7], compression)
  })
}
