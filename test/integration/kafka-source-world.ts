import { Producer } from '@platformatic/kafka'
import type { Kafka } from '../../scripts/services/kafka/kafka.ts'
import { createKafkaCommandSource, type KafkaCommandSourceOptions } from '../../src/adapters/kafka/command-source.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { RecordingHandler } from '../contract/command-source.ts'
import { memoryLogger } from '../support/memory-logger.ts'

/** A source of commands with quick deadlines, and what it says to its handler and its log. */
export function source(
  changed: Partial<KafkaCommandSourceOptions> & Pick<KafkaCommandSourceOptions, 'connection' | 'topic'>
) {
  const logger = memoryLogger()
  const handler = new RecordingHandler()
  const made = createKafkaCommandSource({
    group: `group-of-${changed.topic}`,
    deadLetterTopic: `${changed.topic}-dead`,
    timing: { sessionTimeoutMs: 6000, heartbeatMs: 500 },
    clock: createSystemClock(),
    logger,
    ...changed
  })
  return { source: made, handler, logger }
}

/** What a backend puts into the first partition, in one batch. */
export async function putCommands(kafka: Kafka, topic: string, ...values: readonly string[]): Promise<void> {
  const producer = new Producer({ clientId: 'backend', bootstrapBrokers: kafka.addresses() })
  await producer.send({
    messages: values.map((value) => ({ topic, partition: 0, value: Buffer.from(value) })),
    acks: -1
  })
  await producer.close()
}
