import { Producer } from '@platformatic/kafka'
import { createKafkaCommandSource } from '../../src/adapters/kafka/command-source.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { committedOffsets, readTopic, until, withAdmin } from '../support/kafka-records.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { withKafka } from '../support/services.ts'
import { commandSourceContract } from './command-source.ts'

const kafka = withKafka()
let topics = 0

commandSourceContract('Kafka', async () => {
  const brokers = kafka().addresses()
  const topic = `commands-${++topics}`
  const deadLetterTopic = `${topic}-dead`
  const group = `group-${topics}`
  await withAdmin(brokers, (admin) =>
    admin.createTopics({ topics: [topic, deadLetterTopic], partitions: 2, replicas: 1 })
  )
  const producer = new Producer({ clientId: 'backend', bootstrapBrokers: brokers })
  return {
    create: () =>
      createKafkaCommandSource({
        connection: { brokers, clientId: 'contract' },
        topic,
        group,
        deadLetterTopic,
        timing: { sessionTimeoutMs: 6000, heartbeatMs: 300 },
        clock: createSystemClock(),
        logger: memoryLogger()
      }),
    put: async (records) => {
      for (const { partition, key, value } of records) {
        const message = { topic, partition, value: Buffer.from(value) }
        await producer.send({
          messages: [key === undefined ? message : { ...message, key: Buffer.from(key) }],
          acks: -1
        })
      }
    },
    committed: async () => [...(await committedOffsets(brokers, group, topic)).values()].reduce((a, b) => a + b, 0),
    rewind: () =>
      withAdmin(brokers, (admin) =>
        admin.alterConsumerGroupOffsets({
          groupId: group,
          topics: [{ name: topic, partitionOffsets: [0, 1].map((partition) => ({ partition, offset: 0n })) }]
        })
      ),
    deadLetters: async () =>
      (await readTopic(brokers, deadLetterTopic)).map(({ key, value, headers }) => ({ key, value, headers })),
    until,
    dispose: () => producer.close()
  }
})
