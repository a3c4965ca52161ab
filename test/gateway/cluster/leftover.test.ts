import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { type JudgedLeftover, outcomeOfLeftover } from '../../../src/gateway/cluster/leftover.ts'
import { claimedCommand } from '../../support/claimed-command.ts'

const node = 'node-a'
const claimed = claimedCommand('c-1', { node })
const written = claimedCommand('c-1', { node, state: 'written', epoch: 7 })
const elsewhere = (state: 'claimed' | 'written') => claimedCommand('c-1', { node: 'node-b', state })

/** `outcome reason`, or `another's`. */
function judged(why: JudgedLeftover['why'], known: JudgedLeftover['known'], own = claimed): string {
  const given = outcomeOfLeftover({ why, own, known, node })
  return given ? `${given.outcome} ${given.reason}` : "another's"
}
const reasons = ['restarted', 'handed_over', 'late', 'unsure'] as const
const each = (known: JudgedLeftover['known'], own = claimed) => reasons.map((why) => judged(why, known, own))

test('what this node may have written is unknown, whatever the ledger says', () => {
  for (const known of [undefined, claimed, written, elsewhere('claimed')])
    deepStrictEqual(new Set(each(known, written)), new Set(['unknown node_lost']))
  strictEqual(judged('late', written), 'unknown node_lost', 'the mark came, its answer did not')
})

test('what the ledger lost was not sent, unless another node had it', () => {
  deepStrictEqual(each(undefined), [
    'not_sent node_lost',
    'unknown node_lost',
    'not_sent expired',
    'not_sent ledger_lost'
  ])
})

test('what another node has written is ended by that one', () => {
  deepStrictEqual(new Set(each(elsewhere('written'))), new Set(["another's"]))
})

test('what is claimed and nobody wrote was not sent, and says why', () => {
  deepStrictEqual(each(claimed), ['not_sent node_lost', 'not_sent expired', 'not_sent expired', 'not_sent ledger_lost'])
})

test('claimed by another node: its own when this one was away, in doubt when that one had it before the loss', () => {
  deepStrictEqual(each(elsewhere('claimed')), [
    "another's",
    'unknown node_lost',
    'not_sent expired',
    'not_sent ledger_lost'
  ])
})
