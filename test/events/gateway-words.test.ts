import { deepStrictEqual } from 'node:assert'
import { test } from 'node:test'
import type { EventData } from '../../src/events/model.ts'
import { refusals } from '../../src/gateway/refusals.ts'
import type { CommandOutcome } from '../../src/ports/records.ts'
import { faultNames } from '../../src/protocol/message.ts'
import { closeReasons } from '../../src/session/close-reasons.ts'
import { knownValues } from './support.ts'

// The model may not import the tables of the layers above it, so here is proven that it knows their words.

test('every reason for the end of a connection is a known value of charge_point.disconnected, and no other is', () => {
  const known = knownValues('charge_point.disconnected', 'reason')
  deepStrictEqual([...known].sort(), [...Object.keys(closeReasons), 'node_lost'].sort())
})

test('every refusal is a known value of connection.refused, and no other is', () => {
  deepStrictEqual([...knownValues('connection.refused', 'code')].sort(), Object.keys(refusals).sort())
})

test('every fault of a frame is a known value of protocol.violation', () => {
  const known = knownValues('protocol.violation', 'violation')
  deepStrictEqual(
    faultNames.filter((fault) => !known.includes(fault)),
    []
  )
})

// The compiler is the test: `string` is taken out of the open lists, what is left are the known words.
type Known<Words> = Words extends string ? (string extends Words ? never : Words) : never
type OutcomeData = EventData['command.outcome']
type Missing = Exclude<
  CommandOutcome['outcome'] | CommandOutcome['reason'],
  Known<OutcomeData['outcome'] | OutcomeData['reason']> | undefined
>

test('every outcome and reason of a command is a known value of command.outcome', () => {
  const missing: readonly Missing[] = []
  deepStrictEqual(missing satisfies readonly never[], [])
})
