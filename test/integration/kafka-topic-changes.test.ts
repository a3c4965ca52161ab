import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Producer } from '@platformatic/kafka'
import { createPartitionReader } from '../../src/adapters/kafka/partition-reader.ts'
import { until, withAdmin } from '../support/kafka-records.ts'
import { withKafka } from '../support/services.ts'
import { putCommands, source } from './kafka-source-world.ts'

// What an operator does to the topic of commands while gateways read it.

const kafka = withKafka()
const connection = () => ({ brokers: kafka().addresses(), clientId: 'changes' })
const put = (topic: string, ...values: readonly string[]) => putCommands(kafka(), topic, ...values)

test('commands that were trimmed before they were read are warned about, and the rest is consumed', async () => {
  await kafka().createTopic('trimmed', { partitions: 1 })
  const first = source({ connection: connection(), topic: 'trimmed' })
  await first.source.start(first.handler)
  await put('trimmed', 'a')
  await until('it came', () => first.handler.proceeded.length === 1)
  await first.source.close()
  await put('trimmed', 'b', 'c', 'd')
  await withAdmin(kafka().addresses(), (admin) =>
    admin.deleteRecords({ topics: [{ name: 'trimmed', partitions: [{ partition: 0, offset: 3n }] }] })
  )
  const second = source({ connection: connection(), topic: 'trimmed' })
  await second.source.start(second.handler)
  await until('what is left came', () => second.handler.proceeded.length === 1)
  deepStrictEqual(second.handler.values, ['d'])
  ok(second.logger.lines.some(({ message }) => /trimmed unread/.test(message)))
  await second.source.close()
})

test('partitions that are added are consumed', async () => {
  await kafka().createTopic('growing', { partitions: 1 })
  const { source: commands, handler } = source({ connection: connection(), topic: 'growing' })
  await commands.start(handler)
  await put('growing', 'a')
  await until('it came', () => handler.proceeded.length === 1)
  await kafka().tool('org.apache.kafka.tools.TopicCommand', '--alter', '--topic', 'growing', '--partitions', '2')
  const producer = new Producer({ clientId: 'backend', bootstrapBrokers: kafka().addresses() })
  await producer.send({ messages: [{ topic: 'growing', partition: 1, value: Buffer.from('b') }], acks: -1 })
  await producer.close()
  await until('the new one is read', () => handler.proceeded.length === 2, 60_000)
  await commands.close()
})

async function makeAnew(topic: string): Promise<void> {
  await withAdmin(kafka().addresses(), async (admin) => {
    await admin.deleteTopics({ topics: [topic] })
    await until('it is gone', async () => !(await admin.listTopics()).includes(topic))
  })
  await kafka().createTopic(topic, { partitions: 1 })
}

// The new log was read at the old one's offset: what lay before it was skipped without a word.
test('a topic that is deleted and made anew is read from its first command', async () => {
  await kafka().createTopic('anew', { partitions: 1 })
  const { source: commands, handler, logger } = source({ connection: connection(), topic: 'anew' })
  await commands.start(handler)
  await put('anew', 'old 1', 'old 2', 'old 3')
  await until('they came', () => handler.proceeded.length === 3)
  await makeAnew('anew')
  await put('anew', ...Array.from({ length: 5 }, (_, n) => `new ${n + 1}`))
  await until('all that is new came', () => handler.values.includes('new 5'), 60_000)
  deepStrictEqual(handler.values.slice(3), ['new 1', 'new 2', 'new 3', 'new 4', 'new 5'])
  ok(!logger.lines.some(({ message }) => /trimmed unread/.test(message)))
  await commands.close()
})

test('a reader fetches nothing of another topic under the same name', async (t) => {
  await kafka().createTopic('pinned', { partitions: 1 })
  const reader = createPartitionReader(connection(), 'group-of-pinned', 'pinned')
  t.after(() => reader.close())
  await put('pinned', 'old 1', 'old 2')
  const [node = -1] = (await reader.leaders()).byNode.keys()
  strictEqual((await reader.fetch(node, new Map([[0, 1n]]))).get(0)?.records.length, 1)
  await makeAnew('pinned')
  await put('pinned', 'new 1', 'new 2')
  reader.forget()
  ok((await reader.leaders()).isAnother)
  await rejects(reader.fetch(node, new Map([[0, 1n]])))
})
