import { rejects } from 'node:assert'
import { test } from 'node:test'
import { joinGroup } from '../../../src/adapters/kafka/group-member.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { silentBroker } from '../../support/silent-broker.ts'

test('a join that a broker never answers is left behind when the source is closed', { timeout: 5_000 }, async (t) => {
  const { address, asked } = await silentBroker(t)
  const closing = new AbortController()
  const joining = joinGroup({
    connection: { brokers: [address], clientId: 'test' },
    group: 'g',
    topic: 'commands',
    sessionTimeoutMs: 15_000,
    heartbeatMs: 3000,
    clock: new FakeClock(),
    closing: closing.signal,
    onGeneration: () => undefined,
    onLost: () => undefined
  })
  await asked
  closing.abort()
  await rejects(joining, { name: 'AbortError' })
})
