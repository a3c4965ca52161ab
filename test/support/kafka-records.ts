import { setTimeout as delay } from 'node:timers/promises'
import { Admin, Consumer, ListOffsetTimestamps } from '@platformatic/kafka'
import type { Kafka } from '../../scripts/services/kafka/kafka.ts'

/** A record as a reader with no part in the gateway sees it. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** All of a topic, read by Kafka's own tools and none of our code, in the order of each partition. */
export async function readTopicWithJava(kafka: Kafka, topic: string): Promise<ReadRecord[]> {
  const ends = await kafka.tool('org.apache.kafka.tools.GetOffsetShell', '--topic', topic)
  const starts = await kafka.tool('org.apache.kafka.tools.GetOffsetShell', '--topic', topic, '--time', '-2')
  const count = offsetSum(ends) - offsetSum(starts)
  if (count === 0) return []
  const shown = ['partition', 'offset', 'headers', 'key'].flatMap((what) => [
    '--formatter-property',
    `print.${what}=true`
  ])
  const text = await kafka.tool(
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    ...['--topic', topic, '--from-beginning', '--max-messages', String(count), '--timeout-ms', '30000'],
    ...shown,
    ...['--formatter-property', 'key.separator=\u001f', '--formatter-property', 'line.separator=\u001e']
  )
  return text
    .split('\u001e')
    .filter((line) => line.includes('\u001f'))
    .map((line) => {
      const [partition = '', offset = '', headers = '', key = '', value = ''] = line.split('\u001f')
      const number = (said: string): number => Number(said.slice(said.indexOf(':') + 1))
      return { partition: number(partition), offset: number(offset), headers: headersOf(headers), key, value }
    })
}

function headersOf(text: string): Record<string, string> {
  if (text === 'NO_HEADERS') return {}
  const pairs = text
    .split(',')
    .map((header) => [header.slice(0, header.indexOf(':')), header.slice(header.indexOf(':') + 1)])
  return Object.fromEntries(pairs)
}

let readers = 0

/** All of a topic, read by a client of its own; quicker than Java by the start of two machines. */
export async function readTopic(brokers: readonly string[], topic: string): Promise<ReadRecord[]> {
  const clientId = `reader-${process.pid}-${++readers}`
  const options = { clientId, bootstrapBrokers: [...brokers] }
  const count = await countRecords(brokers, topic)
  const records: ReadRecord[] = []
  const consumer = new Consumer({ ...options, groupId: clientId, autocommit: false, maxWaitTime: 200 })
  try {
    if (count === 0) return []
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
    for await (const { partition, offset, key, value, headers } of stream) {
      const text = [...headers].map(([name, content]) => [name.toString(), content.toString()])
      records.push({
        partition,
        offset: Number(offset),
        key: key?.toString() ?? '',
        value: value?.toString() ?? '',
        headers: Object.fromEntries(text)
      })
      if (records.length === count) break
    }
  } finally {
    await consumer.close(true)
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

/** From the oldest to the end, over all partitions. */
export async function countRecords(brokers: readonly string[], topic: string): Promise<number> {
  return await withAdmin(brokers, async (admin) => {
    const found = (await admin.metadata({ topics: [topic] })).topics.get(topic)
    const sum = async (timestamp: bigint): Promise<number> => {
      const partitions = Array.from({ length: found?.partitionsCount ?? 0 }, (_, partitionIndex) => ({
        partitionIndex,
        timestamp
      }))
      const [answer] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
      return (answer?.partitions ?? []).reduce((all, { offset }) => all + Number(offset), 0)
    }
    return (await sum(ListOffsetTimestamps.LATEST)) - (await sum(ListOffsetTimestamps.EARLIEST))
  })
}

export async function withAdmin<T>(brokers: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'test-admin', bootstrapBrokers: [...brokers] })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

function offsetSum(text: string): number {
  return text
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.split(':')[2] ?? 0), 0)
}

/** Where a group reads on, by partition. */
export async function committedOffsets(
  brokers: readonly string[],
  group: string,
  topic: string
): Promise<Map<number, number>> {
  return await withAdmin(brokers, async (admin) => {
    const [answer] = await admin.listConsumerGroupOffsets({ groups: [group] })
    const partitions = answer?.topics.find(({ name }) => name === topic)?.partitions ?? []
    return new Map(partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]))
  })
}

/** Resolves when `condition` holds. A real broker tells nobody when it is ready, so it is asked again and again. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 30_000
): Promise<void> {
  const endMs = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`)
    await delay(20)
  }
}
