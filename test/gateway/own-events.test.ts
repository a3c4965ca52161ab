import { deepStrictEqual, match, strictEqual, throws } from 'node:assert'
import { test } from 'node:test'
import { OwnEvents } from '../../src/gateway/own-events.ts'
import { derivedId } from '../../src/lib/derived-id.ts'
import type { CommandRecord } from '../../src/ports/records.ts'
import { FakeClock } from '../support/fake-clock.ts'

const command: CommandRecord = {
  commandId: 'c-1',
  chargePointId: 'CP 1',
  type: 'ocpp.call',
  data: {},
  digest: 'd',
  priority: 'normal',
  timeoutMs: 1,
  expiresAtMs: 1,
  requestedBy: 'backend',
  requestedAtMs: 1_000,
  state: 'settled',
  node: 'node-a',
  writtenAtMs: 2_000,
  settledAtMs: 3_000,
  settlement: { outcome: 'accepted', status: 'Accepted', response: { status: 'Accepted' } },
  forgetAtMs: 1
}

function made(schemaBaseUrl?: string): OwnEvents {
  return new OwnEvents({
    node: 'node-a',
    clock: new FakeClock(),
    newEventId: () => 'e-1',
    ...(schemaBaseUrl === undefined ? {} : { schemaBaseUrl })
  })
}

test('an outcome tells the whole life of its command; the same command gives the same event', () => {
  const event = made().commandOutcome(command)
  deepStrictEqual(event, {
    specversion: '1.0',
    id: event.id,
    source: '/charge-points/CP%201',
    type: 'command.outcome',
    subject: 'CP 1',
    partitionkey: 'CP 1',
    time: '1970-01-01T00:00:03.000Z',
    datacontenttype: 'application/json',
    node: 'node-a',
    correlationid: 'c-1',
    data: {
      commandId: 'c-1',
      type: 'ocpp.call',
      outcome: 'accepted',
      status: 'Accepted',
      response: { status: 'Accepted' },
      requestedBy: 'backend',
      requestedAt: '1970-01-01T00:00:01.000Z',
      writtenAt: '1970-01-01T00:00:02.000Z',
      settledAt: '1970-01-01T00:00:03.000Z'
    }
  })
  deepStrictEqual(made().commandOutcome(command), event)
  strictEqual(event.id, derivedId('command.outcome', 'c-1'))
})

test('a command that is not settled has no outcome: that is a mistake of ours', () => {
  const { settlement: _, ...open } = command
  throws(() => made().commandOutcome(open), TypeError)
})

for (const base of ['https://example.com/schemas', 'https://example.com/schemas/']) {
  test(`an event names its schema below ${base}`, () => {
    strictEqual(made(base).commandOutcome(command).dataschema, 'https://example.com/schemas/command.outcome')
  })
}

test('a lost epoch has its epoch and no sequence', () => {
  const event = made().nodeLost({ chargePointId: 'CP-1', epoch: 7, version: '2.0.1', connectedAtMs: 1_000 })
  deepStrictEqual([event.epoch, event.ocppversion, 'sequence' in event], [7, '2.0.1', false])
  deepStrictEqual([event.data.reason, event.data.connectedAt], ['node_lost', '1970-01-01T00:00:01.000Z'])
})

// One such command in the ledger that nodes share kept the overdue ones behind it from their ends.
test('an outcome can be told whatever times its command came with', () => {
  for (const ms of [-6_795_364_578_871_000_000, 1_790_000_000_000_000_000, Number.NaN]) {
    const { data } = made().commandOutcome({ ...command, requestedAtMs: ms, writtenAtMs: ms })
    for (const time of [data.requestedAt, data.writtenAt])
      match(time ?? '', /^(?:0000-01-01T00:00:00.000|9999-12-31T23:59:59.999)Z$/)
  }
})
