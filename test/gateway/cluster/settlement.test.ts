import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { Settlement } from '../../../src/gateway/cluster/settlement.ts'
import type { OverdueCommand } from '../../../src/ports/cluster-ledger.ts'
import { claimedCommand } from '../../support/claimed-command.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

function settlementOf(found: readonly OverdueCommand[]) {
  const clock = new FakeClock()
  const said: string[] = []
  const is = { othersDead: true, ownAlive: '', doubted: '', away: false }
  let asked = 0
  const settlement = new Settlement({
    clock,
    ledger: {
      overdue: async () => {
        asked++
        if (is.away) throw new Error('away')
        return found
      }
    },
    missingIsDead: () => is.othersDead,
    isInDoubt: async ({ commandId }) => commandId === is.doubted,
    own: {
      due: async () => [{ commandId: 'own', outcome: { outcome: 'not_sent', reason: 'expired' } }],
      looksAfter: (commandId) => commandId === is.ownAlive
    },
    settle: async (commandId, { outcome, reason }) => {
      said.push(`${commandId} ${outcome} ${reason}`)
    },
    publish: ({ commandId }) => {
      said.push(`${commandId} is published`)
    },
    logger: memoryLogger()
  })
  return {
    clock,
    settlement,
    is,
    asked: () => asked,
    ended: () => said,
    said: () => said.splice(0).filter((line) => !line.startsWith('own '))
  }
}
const overdue = (commandId: string, why: OverdueCommand['why']) => ({ record: claimedCommand(commandId), why })

test('a command of a dead node ends as what may have become of it, and a settled one is published as it is', async () => {
  const whys = ['unclaimed', 'abandoned', 'unanswered', 'unpublished'] as const
  const { settlement, said } = settlementOf(whys.map((why) => overdue(why, why)))
  strictEqual(await settlement.sweep(), 5)
  deepStrictEqual(said(), [
    'unclaimed not_sent node_lost',
    'abandoned not_sent node_lost',
    'unanswered unknown node_lost',
    'unpublished is published'
  ])
})

test('after a loss a claim that may have been written before is not told as never sent', async () => {
  const { settlement, is, said } = settlementOf([overdue('c-1', 'unclaimed'), overdue('c-2', 'unclaimed')])
  is.doubted = 'c-1'
  await settlement.sweep()
  deepStrictEqual(said(), ['c-1 unknown ledger_lost', 'c-2 not_sent node_lost'])
})

test('what a session of this node looks after is left to it, though its lease was lost', async () => {
  const { settlement, is, said } = settlementOf([overdue('c-1', 'unanswered'), overdue('c-2', 'unanswered')])
  is.ownAlive = 'c-2'
  await settlement.sweep()
  deepStrictEqual(said(), ['c-1 unknown node_lost'])
})

test('others are not judged before a missing lease says that they are dead; what is its own is ended all the same', async () => {
  const { settlement, is, asked, said } = settlementOf([overdue('c-1', 'unanswered')])
  is.othersDead = false
  strictEqual(await settlement.sweep(), 1)
  deepStrictEqual([asked(), said()], [0, []])
})

test('what is its own is ended every second, also while the registry cannot be asked for what dead nodes left', async () => {
  const { clock, settlement, is, ended } = settlementOf([])
  is.away = true
  settlement.start()
  for (let second = 0; second < 2; second++) {
    clock.advance(1_000)
    await turns()
  }
  settlement.stop()
  deepStrictEqual(ended(), ['own not_sent expired', 'own not_sent expired'])
})

test('it looks every second, also after the registry was away, and no more after its end', async () => {
  const { clock, settlement, is, asked } = settlementOf([])
  const second = async () => {
    clock.advance(1_000)
    await turns()
  }
  settlement.start()
  is.away = true
  await second()
  is.away = false
  await second()
  strictEqual(asked(), 2)
  clock.advance(1_000)
  settlement.stop()
  await turns()
  await second()
  strictEqual(asked(), 3, 'the one that was on its way')
  const idle = settlementOf([])
  idle.settlement.start()
  idle.settlement.stop()
  idle.clock.advance(1_000)
  await turns()
  strictEqual(idle.asked(), 0)
})
