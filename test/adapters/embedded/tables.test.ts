import { ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type CommandRecord, keyOf } from '../../../src/ports/records.ts'
import { openTemporaryEmbedded } from '../../support/embedded.ts'

const command = (commandId: string, chargePointId: string): CommandRecord => ({
  commandId,
  chargePointId,
  type: 'ocpp.call',
  data: {},
  digest: 'd',
  priority: 'normal',
  timeoutMs: 1,
  expiresAtMs: 1,
  requestedBy: 'test',
  requestedAtMs: 1,
  state: 'claimed',
  node: 'node-a',
  forgetAtMs: 1
})

test('a key that LMDB would refuse is refused before it can hold up the log', async (t) => {
  const { ledger, store, log, dispose } = await openTemporaryEmbedded()
  t.after(dispose)
  await rejects(ledger.claim(command('c'.repeat(1_025), 'CP-1')), /too long/)
  await rejects(ledger.claim(command('c'.repeat(600), 'é'.repeat(300))), /too long/)
  await rejects(ledger.claim(command('', 'CP-1')), /empty or too long/)
  strictEqual((await ledger.claim(command('c'.repeat(700), 'C'.repeat(300)))).kind, 'claimed')
  await store.commit([])
  strictEqual(log.state().failing, undefined)
})

test('thousands of events with thousands of changes are one transaction', async (t) => {
  const { log, store, dispose } = await openTemporaryEmbedded()
  t.after(dispose)
  const position = await log.append(
    Array.from({ length: 5_000 }, (_, n) => ({
      chargePointId: `CP-${n}`,
      type: 'charge_point.connected',
      text: `{"n":${n}}`,
      changes: [
        {
          table: 'openEpochs' as const,
          key: keyOf.openEpoch(`CP-${n}`, 1),
          value: { chargePointId: `CP-${n}`, epoch: 1, version: '2.1' as const, connectedAtMs: n }
        }
      ]
    }))
  )
  strictEqual(position, 5_000)
  strictEqual(log.read(0, 10_000, 1e9).length, 5_000)
  strictEqual(store.list('openEpochs', { limit: 10_000 }).length, 5_000)
  ok(log.state().bytes > 100_000)
})
