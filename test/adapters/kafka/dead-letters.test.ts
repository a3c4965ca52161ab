import { rejects } from 'node:assert'
import { test } from 'node:test'
import { createDeadLetters } from '../../../src/adapters/kafka/dead-letters.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

test('a record whose timestamp is no time is put aside all the same', async () => {
  const letters = createDeadLetters({
    connection: { brokers: ['127.0.0.1:1'], clientId: 'test' },
    topic: 'dead',
    compression: 'none',
    clock: new FakeClock(),
    logger: memoryLogger()
  })
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
