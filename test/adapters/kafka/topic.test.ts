import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import type { Admin } from '@platformatic/kafka'
import { createTopic, settingsOf } from '../../../src/adapters/kafka/topic.ts'

// Some services that speak Kafka's protocol tell few settings, or none: a limit that is not a number would bound nothing.
test('a setting that the brokers do not tell is not known, and no number that is none', async () => {
  const told = [
    { name: 'retention.ms', value: '5' },
    { name: 'segment.ms', value: null },
    { name: 'cleanup.policy', value: null }
  ]
  const admin = { describeConfigs: async () => [{ configs: told }] }
  deepStrictEqual(await settingsOf(admin as unknown as Admin, 'events'), { retentionMs: 5 })
})

test('a topic that the gateway makes has its records on two brokers before they count, where there are three', async () => {
  const asked: unknown[] = []
  const admin = { createTopics: async ({ configs }: { configs: unknown }) => asked.push(configs) } as unknown as Admin
  await createTopic(admin, 'events', { partitions: 12, replicationFactor: 3 })
  await createTopic(admin, 'commands', { partitions: 12, replicationFactor: 3, retentionMs: 5, segmentMs: 6 })
  await createTopic(admin, 'alone', { partitions: 1, replicationFactor: 1, recordBytesMax: 7 })
  const onTwo = { name: 'min.insync.replicas', value: '2' }
  deepStrictEqual(asked, [
    [onTwo],
    [onTwo, { name: 'retention.ms', value: '5' }, { name: 'segment.ms', value: '6' }],
    [{ name: 'max.message.bytes', value: '7' }]
  ])
})
