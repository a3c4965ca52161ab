import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { createKafkaCommandSource } from '../../../src/adapters/kafka/command-source.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'
import { silentBroker } from '../../support/silent-broker.ts'

// A stop waited for every request that a broker which hangs leaves without an answer.
test('a close waits for no broker that hangs, neither with the topic nor with a dead letter, and says no fault', {
  timeout: 5_000
}, async (t) => {
  const { address, asked } = await silentBroker(t)
  const logger = memoryLogger()
  const source = createKafkaCommandSource({
    connection: { brokers: [address], clientId: 'test', requestTimeoutMs: 60_000 },
    topic: 'commands',
    group: 'g',
    deadLetterTopic: 'dead',
    clock: new FakeClock(),
    logger
  })
  await source.start({ accept: async () => undefined, proceed: () => undefined })
  const put = source.deadLetter({ value: '{', timestampMs: 0, where: 'commands/0@0', generation: 1 }, 'no command')
  const refused = put.then(
    () => 'written',
    (error: { code: string }) => error.code
  )
  await asked
  await source.close()
  strictEqual(await refused, 'sink_closed')
  deepStrictEqual(
    logger.lines.filter(({ level }) => level !== 'debug'),
    []
  )
})
