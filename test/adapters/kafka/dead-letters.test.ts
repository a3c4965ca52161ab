import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { createDeadLetters, type DeadLetterSink } from '../../../src/adapters/kafka/dead-letters.ts'
import { recordBytes, type WireRecord } from '../../../src/adapters/kafka/record-batches.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const open = (sink?: DeadLetterSink) =>
  createDeadLetters(
    {
      connection: { brokers: ['127.0.0.1:1'], clientId: 'test' },
      topic: 'dead',
      compression: 'none',
      clock: new FakeClock(),
      logger: memoryLogger()
    },
    sink
  )

/** A sink that may not ask for the limit of its topic, and learns it from refusals only. */
function sinkOf(brokerBytesMax: number) {
  const written: WireRecord[] = []
  let refusedBytes = 1_037_080
  let sends = 0
  const sink: DeadLetterSink = {
    open: async () => undefined,
    close: async () => undefined,
    partitionOf: () => 0,
    get recordBytesMax() {
      return refusedBytes - 1
    },
    async send(_partition, [record]) {
      ok(record && ++sends < 100, 'it is tried without end')
      if (recordBytes(record) > brokerBytesMax) {
        refusedBytes = Math.min(recordBytes(record), refusedBytes)
        throw new GatewayError('record_too_large', 'refused')
      }
      written.push(record)
    }
  }
  return { sink, written }
}

test('the first dead letter that comes during the stop waits for no topic', { timeout: 5_000 }, async () => {
  const letters = open()
  await letters.close()
  const record = { value: '{}', timestampMs: 0, where: 'commands-down/0@0', generation: 1 }
  await rejects(letters.put(record, undefined, 'no command'), { code: 'sink_closed' })
})

test('a record whose timestamp is no time is put aside all the same', async () => {
  const letters = open()
  // In nanoseconds: it was refused before it came to the topic, at each redelivery, and its partition stood.
  const put = letters.put(
    { value: '{}', timestampMs: 1_790_000_000_000_000_000, where: 'commands-down/0@0', generation: 1 },
    undefined,
    'no command'
  )
  const isClosed = rejects(put, { code: 'sink_closed' })
  await new Promise((resolve) => setImmediate(resolve))
  await letters.close()
  await isClosed
})

const where = 'commands-down/0@0'
const large = { key: 'CP-0', value: 'x'.repeat(1_000_000), timestampMs: 0, where, generation: 1 }

// It was given back with a limit of one byte less at each redelivery, and its partition stood for ever.
test('a record that is larger than a topic whose limit is unknown is cut until it fits, its start and a header say so', async () => {
  const bytesMax = 65_536
  const { sink, written } = sinkOf(bytesMax)
  await open(sink).put(large, undefined, 'no command')
  const [letter] = written
  ok(letter && recordBytes(letter) <= bytesMax && recordBytes(letter) > bytesMax / 4, 'no more was cut than had to be')
  ok(large.value.startsWith(String(letter.value)))
  deepStrictEqual(letter.headers, {
    dead_letter_reason: 'no command',
    dead_letter_where: where,
    dead_letter_timestamp: '1970-01-01T00:00:00.000Z',
    dead_letter_cut_from_bytes: '1000000'
  })
})

test('of a record without a value the headers that it came with are left out when they are too large', async () => {
  const { sink, written } = sinkOf(1000)
  const headers = [[Buffer.from('trace'), Buffer.alloc(5000)]] as const
  const original = { partition: 0, offset: 0n, timestampMs: 0, key: null, value: null, headers }
  await open(sink).put({ value: '', timestampMs: 0, where, generation: 1 }, original, 'no command')
  strictEqual(written[0]?.headers.trace, undefined)
  strictEqual(written.length, 1)
})

test('a topic that does not even take the reason refuses the dead letter, after a few tries', async () => {
  const { sink } = sinkOf(10)
  await rejects(open(sink).put(large, undefined, 'no command'), { code: 'record_too_large' })
})
