import { inspectKafka as inspect, type KafkaFacts } from '../adapters/kafka/inspect.ts'
import type { Config } from '../config/schema.ts'
import { createTopics, kafkaConnection } from './outside-settings.ts'

export type { BrokerFacts, KafkaFacts } from '../adapters/kafka/inspect.ts'
export type { TopicFacts } from '../adapters/kafka/topic.ts'

/** What the brokers, the topics and the rights of the configured user are, from this machine, now. */
export async function inspectKafka(config: Config): Promise<KafkaFacts> {
  const { eventsTopic, commandsTopic, deadLetterTopic, consumerGroup } = config.kafka
  return await inspect({
    connection: kafkaConnection(config),
    topics: [eventsTopic, commandsTopic, deadLetterTopic],
    group: consumerGroup,
    ...createTopics(config)
  })
}
