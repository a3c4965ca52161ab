import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { GatewayEvent } from '../../src/events/envelope.ts'
import type { TransactionRecord } from '../../src/ports/records.ts'
import { seenSeqNosMax, TransactionBook } from '../../src/session/transaction-book.ts'
import { Rig, v16Meter, v16Start, v16Stop, v201Event } from './support.ts'

type Told = GatewayEvent & { readonly data: Readonly<Record<string, unknown>> }

function told(rig: Rig, type: string): Told[] {
  return rig.eventsOf(type) as Told[]
}

/** What the store holds after all changes, as a gateway would load it for the next connection. */
function stored(rig: Rig, before: readonly TransactionRecord[] = []): TransactionRecord[] {
  const rows = new Map(before.map((record) => [record.transactionId, record]))
  for (const change of rig.changes) {
    if (change.table !== 'transactions') continue
    const transactionId = change.key.split('\u0001')[1] ?? ''
    if (change.value) rows.set(transactionId, change.value)
    else rows.delete(transactionId)
  }
  return [...rows.values()]
}

function idOf(answer: unknown[] | undefined): unknown {
  return (answer?.[2] as { readonly transactionId?: unknown } | undefined)?.transactionId
}

// C2: a gateway in Go took Unix seconds as ids: two chargers got the same one, a retry got a new one. Another counted in
// the process and began anew after a restart. The id comes from outside; under a retry it is the one that was given.
test('C2 each new StartTransaction asks for an id and is answered with it', () => {
  const rig = new Rig({ manual: ['identify'] })
  strictEqual(rig.call('1', 'StartTransaction', v16Start), undefined)
  rig.take(rig.session.identified(rig.last('identify').ticket, 77, rig.nowMs))
  strictEqual(idOf(rig.sent[0]), 77)
  strictEqual(told(rig, 'transaction.started')[0]?.data.transactionId, '77')
})

// C3: EVerest stations use a new message id on each retry.
test('C3 the same StartTransaction under a new id gets the same transaction, answer and key; the event tells it', () => {
  const rig = new Rig()
  const first = rig.call('1', 'StartTransaction', v16Start)
  rig.decision = { decidedBy: 'local', authorization: { status: 'blocked' } }
  const second = rig.call('2', 'StartTransaction', { ...v16Start, idTag: 'tag-1' })
  deepStrictEqual(second?.[2], first?.[2])
  strictEqual(rig.all('identify').length, 1)
  strictEqual(rig.all('decide').length, 1)
  const [original, repeat] = told(rig, 'transaction.started')
  strictEqual(repeat?.data.duplicateOf, original?.id)
  strictEqual(repeat?.data.startKey, original?.data.startKey)
  strictEqual(original?.data.duplicateOf, undefined)
  strictEqual(rig.counted('duplicate_event'), 1)
})

test('C3 a retry while the first still waits for its id is the same transaction', () => {
  const rig = new Rig({ manual: ['identify', 'durable'] })
  rig.call('1', 'StartTransaction', v16Start)
  rig.call('2', 'StartTransaction', v16Start)
  rig.take(rig.session.identified(rig.last('identify').ticket, 77, rig.nowMs))
  strictEqual(rig.all('identify').length, 1)
  const [original, repeat] = told(rig, 'transaction.started')
  strictEqual(repeat?.data.duplicateOf, original?.id)
  strictEqual(repeat?.data.transactionId, '77')
})

test('C3 so it does after a reconnect and a restart, from what is stored', () => {
  const first = new Rig()
  const answer = first.call('1', 'StartTransaction', v16Start)
  first.close()
  const later = new Rig({ epoch: 8, transactions: stored(first) })
  deepStrictEqual(later.call('1', 'StartTransaction', v16Start)?.[2], answer?.[2])
  strictEqual(told(later, 'transaction.started')[0]?.data.duplicateOf, told(first, 'transaction.started')[0]?.id)
})

// Rows of several nodes are compared by epoch, then by time: a node whose clock is ahead would keep its row open for ever.
test('a row is of the epoch that changed it last, not of the one that began it', () => {
  const first = new Rig()
  first.call('1', 'StartTransaction', v16Start)
  const later = new Rig({ epoch: 8, transactions: stored(first) })
  later.nowMs = first.nowMs - 300_000
  later.call('2', 'StopTransaction', v16Stop(1000))
  deepStrictEqual(
    [...stored(first), ...stored(later)].map(({ state, epoch }) => [state, epoch]),
    [
      ['open', 7],
      ['ended', 8]
    ]
  )
})

test('another connector, time, tag or meter reading is another transaction', () => {
  const rig = new Rig()
  const ids = [
    v16Start,
    { ...v16Start, connectorId: 2 },
    { ...v16Start, timestamp: '2026-11-23T09:59:59Z' },
    { ...v16Start, idTag: 'TAG-2' },
    { ...v16Start, meterStart: 101 }
  ].map((start, n) => idOf(rig.call(`${n}`, 'StartTransaction', start)))
  strictEqual(new Set(ids).size, 5)
})

test('a StartTransaction without its time cannot be told from another: it is never taken for a retry', () => {
  const { timestamp: _, ...untimed } = v16Start
  const rig = new Rig()
  const ids = ['1', '2'].map((id) => idOf(rig.call(id, 'StartTransaction', untimed)))
  deepStrictEqual(ids, [1000, 1001])
  const [first] = told(rig, 'transaction.started')
  strictEqual(first?.data.startKey, undefined)
})

test('two stops with id 0 and without a time are different transactions', () => {
  const rig = new Rig()
  for (const id of ['1', '2']) rig.call(id, 'StopTransaction', v16Stop(0, { timestamp: undefined }))
  deepStrictEqual(
    told(rig, 'transaction.ended').map(({ data }) => data.duplicateOf),
    [undefined, undefined]
  )
})

test('the content key ends with the transaction: after the stop the same start is a new one', () => {
  const rig = new Rig()
  const first = idOf(rig.call('1', 'StartTransaction', v16Start))
  rig.call('2', 'StopTransaction', v16Stop(Number(first)))
  notStrictEqual(idOf(rig.call('3', 'StartTransaction', v16Start)), first)
})

test('a start that the authority refuses is a transaction all the same, with an id', () => {
  const rig = new Rig({ decision: { decidedBy: 'local', authorization: { status: 'blocked' } } })
  const answer = rig.call('1', 'StartTransaction', v16Start)
  deepStrictEqual(answer?.[2], { idTagInfo: { status: 'Blocked' }, transactionId: 1000 })
})

test('the end of a 1.6 transaction names what its start said, and lists it as enriched', () => {
  const rig = new Rig()
  rig.call('1', 'StartTransaction', v16Start)
  rig.call('2', 'MeterValues', v16Meter(1000))
  rig.call('3', 'StopTransaction', v16Stop(1000))
  const { data } = rig.event('transaction.ended')
  deepStrictEqual(data.evse, { id: 1, connectorId: 1 })
  deepStrictEqual(data.idToken, { value: 'TAG-1' })
  strictEqual((data.startedAt as { readonly raw: string }).raw, v16Start.timestamp)
  deepStrictEqual([data.meterStartWh, data.meterStopWh, data.energyWh], [100, 600, 500])
  deepStrictEqual(data.enriched, ['evse', 'idToken', 'startedAt', 'meterStartWh', 'energyWh'])
  deepStrictEqual(rig.event('transaction.updated').data.flags, undefined)
})

test('the record of an ended transaction keeps what the end told', () => {
  const rig = new Rig()
  rig.call('1', 'StartTransaction', v16Start)
  rig.call('2', 'StopTransaction', v16Stop(1000))
  const [record] = stored(rig)
  strictEqual(record?.state, 'ended')
  strictEqual(record.meterStopWh, 600)
  strictEqual(record.endedEventId, rig.event('transaction.ended').id)
  strictEqual(record.endedAt?.raw, '2026-11-23T10:30:00Z')
})

test('a repeated stop under a new id is a duplicate of the first, also on the next connection', () => {
  const first = new Rig()
  first.call('1', 'StartTransaction', v16Start)
  first.call('2', 'StopTransaction', v16Stop(1000))
  deepStrictEqual(first.call('3', 'StopTransaction', v16Stop(1000)), [3, '3', {}])
  const [ended, repeat] = told(first, 'transaction.ended')
  strictEqual(repeat?.data.duplicateOf, ended?.id)
  const later = new Rig({ epoch: 8, transactions: stored(first) })
  later.call('1', 'StopTransaction', v16Stop(1000))
  strictEqual(later.event('transaction.ended').data.duplicateOf, ended?.id)
  strictEqual(later.event('transaction.ended').data.energyWh, 500)
})

// C4: a StopTransaction with id 0, -1 or an unknown one that is answered with an error comes back for ever.
test('C4 a stop for an unknown transaction is accepted, published and flagged orphaned', () => {
  const rig = new Rig()
  for (const id of [0, -1, 99_999]) deepStrictEqual(rig.call(`${id}`, 'StopTransaction', v16Stop(id)), [3, `${id}`, {}])
  for (const { data } of told(rig, 'transaction.ended')) {
    deepStrictEqual(data.flags, ['orphaned'])
    strictEqual(data.energyWh, undefined)
    strictEqual(data.duplicateOf, undefined)
  }
})

// Quirk 30: a station that never got an id stops every transaction as 0. They are different transactions, different money.
test('C4 two stops with id 0 are duplicates only when they tell the same end', () => {
  const rig = new Rig()
  rig.call('1', 'StopTransaction', v16Stop(0))
  rig.call('2', 'StopTransaction', v16Stop(0, { timestamp: '2026-11-23T11:00:00Z' }))
  rig.call('3', 'StopTransaction', v16Stop(0, { timestamp: '2026-11-23T11:00:00Z' }))
  const [first, second, third] = told(rig, 'transaction.ended')
  strictEqual(first?.data.duplicateOf, undefined)
  strictEqual(second?.data.duplicateOf, undefined)
  strictEqual(third?.data.duplicateOf, second?.id)
})

test('MeterValues of an unknown transaction are published as orphaned and remembered nowhere', () => {
  const rig = new Rig()
  rig.call('1', 'MeterValues', v16Meter(5))
  deepStrictEqual(rig.event('transaction.updated').data.flags, ['orphaned'])
  deepStrictEqual(stored(rig), [])
})

test('a MeterValues of a known transaction changes nothing in the store', () => {
  const rig = new Rig()
  rig.call('1', 'StartTransaction', v16Start)
  const before = rig.changes.length
  rig.call('2', 'MeterValues', v16Meter(1000))
  strictEqual(rig.changes.length, before)
})

test('what a transaction changes is committed with its event', () => {
  const rig = new Rig()
  rig.call('1', 'StartTransaction', v16Start)
  const entry = rig.last('publish').entries[0]
  strictEqual(entry?.event.type, 'transaction.started')
  strictEqual(entry.changes[0]?.table, 'transactions')
})

test('a 2.x transaction is known from its first event to its last, and its end is enriched', () => {
  const rig = new Rig({ version: '2.0.1' })
  const idToken = { idToken: 'T', type: 'ISO14443' }
  rig.call('1', 'TransactionEvent', v201Event('Started', 0))
  rig.call('2', 'TransactionEvent', v201Event('Updated', 1, { idToken, evse: { id: 2 } }))
  rig.call('3', 'TransactionEvent', v201Event('Updated', 2, { evse: { id: 2, connectorId: 1 } }))
  rig.call('4', 'TransactionEvent', v201Event('Ended', 3))
  const { data } = rig.event('transaction.ended')
  deepStrictEqual(data.evse, { id: 2, connectorId: 1 })
  deepStrictEqual(data.idToken, { value: 'T', type: 'ISO14443' })
  deepStrictEqual(data.flags, undefined)
  strictEqual(stored(rig)[0]?.state, 'ended')
})

test('a repeated (transaction, seqNo) is a duplicate of its first event, of every kind', () => {
  const rig = new Rig({ version: '2.1' })
  for (const [seqNo, eventType] of ['Started', 'Updated', 'Ended'].entries()) {
    rig.call(`a${seqNo}`, 'TransactionEvent', v201Event(eventType, seqNo))
    rig.call(`b${seqNo}`, 'TransactionEvent', v201Event(eventType, seqNo))
    const [first, repeat] = told(rig, `transaction.${eventType.toLowerCase()}`)
    strictEqual(first?.data.duplicateOf, undefined)
    strictEqual(repeat?.data.duplicateOf, first?.id)
  }
})

test('a repeated start of 2.x is answered as the first, and nobody is asked twice', () => {
  const rig = new Rig({ version: '2.0.1', decision: { decidedBy: 'http', authorization: { status: 'no_credit' } } })
  const started = v201Event('Started', 0, { idToken: { idToken: 'T', type: 'ISO14443' } })
  const first = rig.call('1', 'TransactionEvent', started)
  deepStrictEqual(rig.call('2', 'TransactionEvent', started)?.[2], first?.[2])
  strictEqual(rig.all('decide').length, 1)
})

test('events of a 2.x transaction whose start was never seen are orphaned, and their repeats are known', () => {
  const rig = new Rig({ version: '2.0.1' })
  rig.call('1', 'TransactionEvent', v201Event('Updated', 4))
  rig.call('2', 'TransactionEvent', v201Event('Updated', 4))
  rig.call('3', 'TransactionEvent', v201Event('Ended', 5))
  const [first, repeat] = told(rig, 'transaction.updated')
  deepStrictEqual([first?.data.flags, repeat?.data.duplicateOf], [['orphaned'], first?.id])
  deepStrictEqual(rig.event('transaction.ended').data.flags, ['orphaned'])
})

// Some stations count their transactions from 1 again after a reboot.
test('a start at another time under an id that was used before is another transaction', () => {
  const rig = new Rig({ version: '2.0.1' })
  rig.call('1', 'TransactionEvent', v201Event('Started', 0))
  rig.call('2', 'TransactionEvent', v201Event('Ended', 1))
  rig.call('3', 'TransactionEvent', v201Event('Started', 0, { timestamp: '2026-11-23T12:00:00Z' }))
  rig.call('4', 'TransactionEvent', v201Event('Ended', 1, { timestamp: '2026-11-23T12:30:00Z' }))
  const events = [...told(rig, 'transaction.started'), ...told(rig, 'transaction.ended')]
  deepStrictEqual(
    events.map(({ data }) => data.duplicateOf),
    [undefined, undefined, undefined, undefined]
  )
})

test('the sequence numbers that are remembered are bounded', () => {
  const rig = new Rig({ version: '2.0.1' })
  for (let seqNo = 0; seqNo < 40; seqNo += 1) {
    rig.call(`${seqNo}`, 'TransactionEvent', v201Event(seqNo === 0 ? 'Started' : 'Updated', seqNo))
  }
  strictEqual(stored(rig)[0]?.seen.length, seenSeqNosMax)
})

test('open transactions are bounded: the oldest is forgotten, counted, and the event that caused it says so', () => {
  const rig = new Rig({ settings: { openTransactionsMax: 2 } })
  for (let n = 0; n < 3; n += 1) rig.call(`${n}`, 'StartTransaction', { ...v16Start, connectorId: n + 1 })
  deepStrictEqual(
    stored(rig).map(({ transactionId }) => transactionId),
    ['1001', '1002']
  )
  strictEqual(rig.counted('transaction_forgotten'), 1)
  deepStrictEqual(
    told(rig, 'transaction.started').map(({ data }) => data.flags),
    [undefined, undefined, ['transactions.oldestForgotten']]
  )
  rig.call('9', 'StopTransaction', v16Stop(1000))
  deepStrictEqual(rig.event('transaction.ended').data.flags, ['orphaned'])
})

test('a 2.x transaction whose start was never seen takes its place among the open ones, and says so', () => {
  const rig = new Rig({ version: '2.1', settings: { openTransactionsMax: 1 } })
  rig.call('1', 'TransactionEvent', v201Event('Started', 0))
  const other = { transactionInfo: { transactionId: 'TX-2' } }
  rig.call('2', 'TransactionEvent', v201Event('Updated', 5, other))
  deepStrictEqual(rig.event('transaction.updated').data.flags, ['transactions.oldestForgotten', 'orphaned'])
  deepStrictEqual(
    stored(rig).map(({ transactionId }) => transactionId),
    ['TX-2']
  )
})

test('an id that is used again while its transaction is open costs no other its place', () => {
  const rig = new Rig({ version: '2.1', settings: { openTransactionsMax: 2 } })
  const other = { transactionInfo: { transactionId: 'TX-2' } }
  rig.call('1', 'TransactionEvent', v201Event('Started', 0, other))
  rig.call('2', 'TransactionEvent', v201Event('Started', 0))
  rig.call('3', 'TransactionEvent', v201Event('Started', 0, { timestamp: '2026-11-23T12:00:00Z' }))
  strictEqual(stored(rig).length, 2)
  strictEqual(rig.counted('transaction_forgotten'), 0)
})

test('ended transactions are bounded, in the store too', () => {
  const rig = new Rig({ settings: { endedTransactionsMax: 2 } })
  for (let n = 0; n < 5; n += 1) {
    rig.call(`a${n}`, 'StartTransaction', { ...v16Start, meterStart: n })
    rig.call(`b${n}`, 'StopTransaction', v16Stop(1000 + n))
  }
  deepStrictEqual(
    stored(rig).map(({ transactionId }) => transactionId),
    ['1003', '1004']
  )
})

test('the oldest is what was changed longest ago, in whichever order the store gave the rows', () => {
  const first = new Rig()
  for (let n = 0; n < 3; n += 1) {
    first.nowMs += 1
    first.call(`${n}`, 'StartTransaction', { ...v16Start, meterStart: n })
  }
  const later = new Rig({ epoch: 8, transactions: stored(first).toReversed(), settings: { openTransactionsMax: 3 } })
  later.nextTransactionId = 2000
  later.call('1', 'StartTransaction', { ...v16Start, meterStart: 9 })
  deepStrictEqual(
    later.changes.filter(({ table, value }) => table === 'transactions' && value === null).map(({ key }) => key),
    ['CP-1\u00011000']
  )
})

test('of the ended transactions the one that ended first is forgotten, not the one that began first', () => {
  const rig = new Rig({ settings: { endedTransactionsMax: 1 } })
  rig.call('1', 'StartTransaction', v16Start)
  rig.call('2', 'StartTransaction', { ...v16Start, connectorId: 2 })
  rig.call('3', 'StopTransaction', v16Stop(1001))
  rig.call('4', 'StopTransaction', v16Stop(1000))
  deepStrictEqual(
    stored(rig).map(({ transactionId }) => transactionId),
    ['1000']
  )
})

test('the same content at another charge point is another transaction', () => {
  const about = { version: '1.6', epoch: 1, openTransactionsMax: 1, endedTransactionsMax: 1, transactions: [] } as const
  const keys = ['CP-1', 'CP-2'].map((chargePointId) =>
    new TransactionBook({ ...about, chargePointId }).startKeyOf('content')
  )
  notStrictEqual(keys[0], keys[1])
})

test('a TransactionEvent without an id token asks nothing', () => {
  const rig = new Rig({ version: '2.1' })
  rig.call('1', 'TransactionEvent', v201Event('Started', 0))
  strictEqual(rig.all('decide').length, 0)
})

test('another transaction under an id that was used before is decided anew', () => {
  const rig = new Rig({ version: '2.0.1' })
  const idToken = { idToken: 'T', type: 'ISO14443' }
  rig.call('1', 'TransactionEvent', v201Event('Started', 0, { idToken }))
  rig.call('2', 'TransactionEvent', v201Event('Started', 0, { idToken, timestamp: '2026-11-23T12:00:00Z' }))
  strictEqual(rig.all('decide').length, 2)
})

test('D13 the question about a transaction says when it was begun offline', () => {
  const rig = new Rig({ version: '2.0.1' })
  const idToken = { idToken: 'T', type: 'ISO14443' }
  rig.call('1', 'TransactionEvent', v201Event('Started', 0, { idToken, offline: true }))
  const { request } = rig.last('decide')
  strictEqual(request.kind === 'transaction' && request.offline, true)
})

test('nobody is asked about the token of a StopTransaction', () => {
  const rig = new Rig()
  rig.call('1', 'StopTransaction', v16Stop(5, { idTag: 'T' }))
  strictEqual(rig.all('decide').length, 0)
})
