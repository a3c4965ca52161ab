import { deepStrictEqual, match } from 'node:assert'
import { test } from 'node:test'
import { unclaimed } from './cases.ts'

const whole = { lost: 'none', reasons: ['shutting_down'] } as const

test('a reason that a case does not bring about is told, an ordinary one is not', () => {
  deepStrictEqual(
    unclaimed(whole, { lost: 0, reasons: Object.entries({ 'c-1': 'timeout', 'c-2': 'shutting_down' }) }),
    []
  )
  match(
    unclaimed(whole, { lost: 0, reasons: Object.entries({ 'c-1': 'timeout', 'c-2': 'ledger_lost' }) }).join(),
    /^the outcome of c-2 .* ledger_lost/
  )
})

test('connections are told as lost when a gateway is away, and only then', () => {
  match(unclaimed(whole, { lost: 1, reasons: [] }).join(), /no gateway was away/)
  match(unclaimed({ ...whole, lost: 'some' }, { lost: 0, reasons: [] }).join(), /no connection was told/)
  deepStrictEqual(unclaimed({ ...whole, lost: 'some' }, { lost: 3, reasons: [] }), [])
})
