import { deepStrictEqual, match } from 'node:assert'
import { test } from 'node:test'
import { Audit } from './audit.ts'
import type { IssuedCommand } from './command-stream.ts'
import type { Writes } from './fleet.ts'

// What the chaos run counts by must itself be able to see each fault.

let ids = 0

function record(event: object): Parameters<Audit['take']>[0] {
  const whole = { id: `e-${++ids}`, type: 'meter.values', subject: 'CP-1', node: 'gw-a', data: {}, ...event }
  return { partition: 0, offset: 0, key: whole.subject, eventId: whole.id, value: JSON.stringify(whole) }
}

const sequenced = (n: number, event: object = {}) =>
  record({ epoch: 5, sequence: `0000000005-${String(n).padStart(10, '0')}`, ...event })

function commandFault(command: Partial<IssuedCommand>, outcomes: readonly object[], writes?: Writes): string {
  const audit = new Audit()
  for (const data of outcomes) audit.take(record({ type: 'command.outcome', correlationid: 'c-1', data }))
  const issued: IssuedCommand = {
    id: 'c-1',
    chargePointId: 'CP-1',
    reply: 'accept',
    via: 'api',
    existence: 'certain',
    givenAtMs: 0,
    ...command
  }
  audit.checkCommands(new Map([['c-1', issued]]), new Map(writes ? [['c-1', writes]] : []))
  return audit.violations.join('; ')
}

test('a missing outcome says whether Kafka still has the command', () => {
  const fault = (standing: ReadonlyMap<string, string>) => {
    const audit = new Audit()
    const command = { id: 'c-1', chargePointId: 'CP-1', reply: 'accept', via: 'topic', existence: 'certain' } as const
    audit.checkCommands(new Map([['c-1', { ...command, givenAtMs: 0 }]]), new Map(), standing)
    return audit.violations.join('; ')
  }
  match(fault(new Map([['c-1', 'partition 3, offset 7']])), /MISSING OUTCOME.*stands at partition 3, offset 7/)
  match(fault(new Map()), /MISSING OUTCOME.*Kafka has no record of it/)
})

const seen = (...stationIds: string[]): Writes => ({ reply: 'accept', stationIds })

test('an answered message that is not in the topic is lost', () => {
  const audit = new Audit()
  audit.take(record({ ocppmessageid: 'm-1', data: { transactionId: '7' } }))
  audit.checkAnswers([{ stationId: 'CP-1', messageId: 'm-1', action: 'StartTransaction', transactionId: '7' }])
  deepStrictEqual(audit.violations, [])
  audit.checkAnswers([{ stationId: 'CP-1', messageId: 'm-1', action: 'StartTransaction', transactionId: '8' }])
  audit.checkAnswers([{ stationId: 'CP-2', messageId: 'm-1', action: 'StatusNotification' }])
  match(audit.violations[0] ?? '', /transaction 8, the topic says 7/)
  match(audit.violations[1] ?? '', /^LOST/)
})

test('a transaction id that two charge points were given is told', () => {
  const audit = new Audit()
  const start = (stationId: string, messageId: string) => {
    audit.take(record({ subject: stationId, ocppmessageid: messageId, data: { transactionId: '7' } }))
    audit.checkAnswers([{ stationId, messageId, action: 'StartTransaction', transactionId: '7' }])
    return audit.violations.join('; ')
  }
  deepStrictEqual([start('CP-1', 'm-1'), start('CP-1', 'm-2')], ['', ''])
  match(start('CP-2', 'm-1'), /transaction 7 was given to CP-1 and to CP-2/)
})

test('a reply that nothing kept from its backend is told', () => {
  const audit = new Audit()
  audit.take(record({ type: 'command.outcome', correlationid: 'c-1', data: { outcome: 'unknown', reason: 'timeout' } }))
  const command = { id: 'c-1', chargePointId: 'CP-1', reply: 'accept', via: 'api', existence: 'certain' } as const
  audit.checkReplies([{ ...command, givenAtMs: 1 }], 1)
  audit.checkReplies([{ ...command, reply: 'mute', givenAtMs: 2 }], 1)
  deepStrictEqual(audit.violations, [])
  audit.checkReplies([{ ...command, givenAtMs: 2 }], 1)
  match(audit.violations[0] ?? '', /c-1 .* timed out/)
})

test('a number left out, or out of its order, is a gap; a repeat is none', () => {
  const audit = new Audit()
  const second = sequenced(2)
  for (const one of [sequenced(1), second, sequenced(3), second, sequenced(1, { node: 'gw-b' })]) audit.take(one)
  deepStrictEqual([audit.violations.length, audit.events, audit.repeats], [0, 4, 1])
  audit.take(sequenced(5))
  match(audit.violations[0] ?? '', /^GAP/)
})

test('one id with two contents, or with another key, is no repeat', () => {
  const audit = new Audit()
  audit.take(record({ id: 'same', data: { transactionId: '1' } }))
  audit.take(record({ id: 'same', data: { transactionId: '2' } }))
  audit.take({ ...record({}), key: 'CP-9' })
  deepStrictEqual(audit.violations.length, 2)
})

test('a command has one outcome, was written at most once, and the outcome is true', () => {
  deepStrictEqual(commandFault({}, [{ outcome: 'accepted' }], seen('CP-1')), '')
  deepStrictEqual(commandFault({}, [{ outcome: 'unknown', reason: 'timeout' }]), '')
  deepStrictEqual(commandFault({ existence: 'refused' }, []), '')
  deepStrictEqual(commandFault({ existence: 'refused' }, [{ outcome: 'not_sent', reason: 'ledger_lost' }]), '')
  match(commandFault({}, []), /MISSING OUTCOME/)
  match(commandFault({ existence: 'uncertain' }, [], seen('CP-1')), /MISSING OUTCOME/)
  match(commandFault({}, [{ outcome: 'accepted' }, { outcome: 'accepted' }], seen('CP-1')), /a second outcome/)
  match(commandFault({}, [{ outcome: 'accepted' }], seen('CP-1', 'CP-1')), /DOUBLE WRITE/)
  match(commandFault({}, [{ outcome: 'accepted' }]), /nobody saw it/)
  match(commandFault({}, [{ outcome: 'rejected' }], seen('CP-1')), /reply was accept/)
  match(commandFault({}, [{ outcome: 'not_sent', reason: 'offline' }], seen('CP-1')), /and seen/)
  match(commandFault({ existence: 'refused' }, [{ outcome: 'accepted' }]), /was refused/)
  match(commandFault({ existence: 'refused' }, [{ outcome: 'unknown', reason: 'timeout' }]), /was refused/)
  match(commandFault({ existence: 'refused' }, [], seen('CP-1')), /was refused/)
  match(commandFault({ existence: 'refused' }, [{ outcome: 'not_sent' }], seen('CP-1')), /and seen/)
})

const lost = (event: object = {}) =>
  record({ type: 'charge_point.disconnected', epoch: 5, data: { reason: 'node_lost' }, ...event })

test('what several nodes tell of a lost one under one id is the same but for the teller, and no other end has that id', () => {
  const audit = new Audit()
  for (const node of ['gw-a', 'gw-b']) audit.take(lost({ id: 'same', node, time: node }))
  audit.take(sequenced(1, { type: 'charge_point.disconnected' }))
  deepStrictEqual([audit.violations, audit.repeats], [[], 1])
  audit.take(sequenced(2, { id: 'same', type: 'charge_point.disconnected', data: { reason: 'shutting_down' } }))
  match(audit.violations[0] ?? '', /came again as another one/)
})

test('a charge point is gone when its newest connection has ended, told by its node or as lost', () => {
  const audit = new Audit()
  const gone = () => audit.gone(['CP-1', 'CP-2'])
  audit.take(sequenced(1, { type: 'charge_point.connected' }))
  deepStrictEqual(gone(), [])
  audit.take(lost())
  deepStrictEqual(gone(), ['CP-1'])
  audit.take(record({ type: 'charge_point.connected', epoch: 6, sequence: '0000000006-0000000001' }))
  deepStrictEqual(gone(), [])
  audit.take(
    record({ type: 'charge_point.disconnected', epoch: 6, sequence: '0000000006-0000000002', data: { reason: 'x' } })
  )
  deepStrictEqual(gone(), ['CP-1'])
})

test('a command that was not sent was written at no time', () => {
  const audit = new Audit()
  const data = { outcome: 'not_sent', reason: 'offline' }
  audit.take(record({ type: 'command.outcome', correlationid: 'c-1', data }))
  deepStrictEqual(audit.violations, [])
  audit.take(
    record({
      id: 'e-2',
      type: 'command.outcome',
      correlationid: 'c-2',
      data: { ...data, writtenAt: '2026-11-23T10:00:00Z' }
    })
  )
  match(String(audit.violations), /c-2 was not sent, and yet written/)
})

test('a command that expired had something in its way all its life, or is told', () => {
  const audit = new Audit()
  audit.take(
    record({ type: 'command.outcome', correlationid: 'c-1', data: { outcome: 'not_sent', reason: 'expired' } })
  )
  const command = { id: 'c-1', chargePointId: 'CP-1', reply: 'accept', via: 'topic', existence: 'certain' } as const
  audit.checkExpiries([{ ...command, givenAtMs: 0 }], 50_000, 60_000)
  audit.checkExpiries([{ ...command, givenAtMs: 0 }], Number.POSITIVE_INFINITY, 60_000)
  deepStrictEqual(audit.violations, [])
  audit.checkExpiries([{ ...command, givenAtMs: 0 }], 30_000, 60_000)
  match(audit.violations[0] ?? '', /expired/)
})

test('an epoch that ends twice is told', () => {
  const audit = new Audit()
  for (const n of [1, 2]) audit.take(sequenced(n, { type: 'charge_point.disconnected' }))
  match(audit.violations[0] ?? '', /ended twice/)
})
