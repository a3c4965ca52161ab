import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import type { Admin } from '@platformatic/kafka'
import { settingsOf } from '../../../src/adapters/kafka/topic.ts'

// Some services that speak Kafka's protocol tell few settings, or none: a limit that is not a number would bound nothing.
test('a setting that the brokers do not tell is not known, and no number that is none', async () => {
  const admin = { describeConfigs: async () => [{ configs: [{ name: 'retention.ms', value: '5' }] }] }
  deepStrictEqual(await settingsOf(admin as unknown as Admin, 'events'), { retentionMs: 5 })
})
