import { after, before } from 'node:test'
import { type Kafka, type KafkaOptions, startKafka } from '../../scripts/services/kafka/kafka.ts'
import { type Redis, type RedisOptions, startRedis } from '../../scripts/services/redis.ts'
import { type RedisCluster, type RedisClusterOptions, startRedisCluster } from '../../scripts/services/redis-cluster.ts'
import type { Service } from '../../scripts/services/service.ts'

// Real services for the tests of one file, or of one `describe`: started before the first, ended after the last. Each gives
// a function, because there is nothing before the first test runs. A service that cannot be had fails the tests.

const startTimeoutMs = 10 * 60_000

/** One Redis server: `const redis = withRedis()`, then `redis().url` within a test. */
export function withRedis(options: RedisOptions = {}): () => Redis {
  return shared(() => startRedis(options))
}

/** A Redis Cluster of three masters. */
export function withRedisCluster(options: RedisClusterOptions = {}): () => RedisCluster {
  return shared(() => startRedisCluster(options))
}

/** One Kafka broker or three: `withKafka({ brokers: 3, topics: { 'ocpp-events-up': { partitions: 6 } } })`. */
export function withKafka(options: KafkaOptions = {}): () => Kafka {
  return shared(() => startKafka(options))
}

function shared<Started extends Service>(start: () => Promise<Started>): () => Started {
  let service: Started | undefined
  // The first time of a machine downloads packages.
  before(
    async () => {
      service = await start()
    },
    { timeout: startTimeoutMs }
  )
  after(() => service?.close())
  return () => {
    if (!service) throw new Error('the service is there only while tests run')
    return service
  }
}
