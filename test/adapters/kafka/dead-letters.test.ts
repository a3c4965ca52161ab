import { rejects } from 'node:assert'
import { test } from 'node:test'
import { createDeadLetters } from '../../../src/adapters/kafka/dead-letters.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const open = () =>
  createDeadLetters({
    connection: { brokers: ['127.0.0.1:1'], clientId: 'test' },
    topic: 'dead',
    compression: 'none',
    clock: new FakeClock(),
    logger: memoryLogger()
  })

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
