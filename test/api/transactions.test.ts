import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { TransactionRecord } from '../../src/ports/records.ts'
import { Harness, nowMs } from './support/harness.ts'

function transaction(chargePointId: string, transactionId: string, state: 'open' | 'ended'): TransactionRecord {
  return { chargePointId, transactionId, version: '1.6', epoch: 7, state, seen: [[1, 'e']], updatedAtMs: nowMs }
}

function withFour(): Harness {
  const harness = new Harness()
  harness.transactions = [
    transaction('CP-1', '1', 'ended'),
    transaction('CP-1', '2', 'open'),
    transaction('CP-2', '3', 'open'),
    transaction('CP-3', '4', 'ended')
  ]
  return harness
}

function idsOf(body: { transactions: { transactionId: string }[] }): string[] {
  return body.transactions.map(({ transactionId }) => transactionId)
}

test('transactions are listed in pages', async () => {
  const harness = withFour()
  const first = (await harness.call('/v1/transactions?limit=3')).json()
  deepStrictEqual(idsOf(first), ['1', '2', '3'])
  const second = (await harness.call(`/v1/transactions?limit=3&after=${first.next}`)).json()
  deepStrictEqual([idsOf(second), second.next], [['4'], undefined])
})

test('transactions are filtered by charge point and state, and hide what is internal', async () => {
  const harness = withFour()
  deepStrictEqual(idsOf((await harness.call('/v1/transactions?open=true')).json()), ['2', '3'])
  const body = (await harness.call('/v1/transactions?open=true&chargePointId=CP-1')).json()
  deepStrictEqual(body.transactions, [
    {
      chargePointId: 'CP-1',
      transactionId: '2',
      version: '1.6',
      epoch: 7,
      state: 'open',
      updatedAt: '2026-11-23T10:00:00.000Z'
    }
  ])
})

test('a place that is none is refused', async () => {
  strictEqual((await withFour().call('/v1/transactions?after=x')).json().code, 'cursor_unreadable')
})
