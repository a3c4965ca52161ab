import { createKafkaEventSink } from '../../src/adapters/kafka/event-sink.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { readTopic, withAdmin } from '../support/kafka-records.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { withKafka } from '../support/services.ts'
import { eventSinkContract } from './event-sink.ts'

const kafka = withKafka()
let topics = 0

for (const compression of ['none', 'zstd'] as const) {
  eventSinkContract(`Kafka, ${compression}`, async ({ partitions, recordBytes }) => {
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
