import { deepStrictEqual, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { Ledger } from '../../src/ports/ledger.ts'
import type { CommandOutcome, CommandRecord } from '../../src/ports/records.ts'
import type { SessionRegistry } from '../../src/ports/session-registry.ts'
import { claimedCommand as command } from '../support/claimed-command.ts'

export interface OpenedLedger {
  readonly ledger: Ledger
  readonly registry: SessionRegistry
  /** What the desk does with a settled record: the event of its outcome is durable. */
  publish(record: CommandRecord): Promise<void>
  /** How a settlement counts that nobody has published when the node dies: with a shared ledger it stands. */
  readonly unpublishedIs: 'claimed' | 'settled'
  reopen(): Promise<OpenedLedger>
  dispose(): Promise<void>
}

const accepted: CommandOutcome = { outcome: 'accepted', status: 'Accepted', response: { status: 'Accepted' } }
const lost: CommandOutcome = { outcome: 'unknown', reason: 'node_lost' }

/** What every ledger does, whatever it is kept in. */
export function ledgerContract(name: string, create: () => Promise<OpenedLedger>): void {
  const open = async (t: TestContext) => {
    let now = await create()
    t.after(() => now.dispose())
    return {
      ...now,
      reopen: async () => {
        now = await now.reopen()
        return now
      }
    }
  }
  const publish = async (opened: Pick<OpenedLedger, 'publish'>, record: CommandRecord | undefined) => {
    if (!record) throw new Error('there is nothing to publish')
    await opened.publish(record)
  }

  test(`${name}: a command is claimed once; the same again is the one that exists, another with its id is a conflict`, async (t) => {
    const { ledger, reopen } = await open(t)
    const record = command('c-1')
    const [first, second] = await Promise.all([ledger.claim(record), ledger.claim(command('c-1', { node: 'node-b' }))])
    deepStrictEqual(first, { kind: 'claimed', record })
    deepStrictEqual(second, { kind: 'exists', record })
    const again = (await reopen()).ledger
    deepStrictEqual(await again.claim(record), { kind: 'exists', record })
    deepStrictEqual(await again.claim(command('c-1', { digest: 'of-something-else' })), { kind: 'conflict', record })
    deepStrictEqual(await again.claim(command('c-1', { chargePointId: 'CP-2' })), { kind: 'conflict', record })
  })

  test(`${name}: a claimed command is on disk when the promise resolves`, async (t) => {
    const { ledger, reopen } = await open(t)
    await ledger.claim(command('c-1'))
    deepStrictEqual(await ledger.get('c-1'), command('c-1'))
    strictEqual(await ledger.get('c-2'), undefined)
    deepStrictEqual(await (await reopen()).ledger.get('c-1'), command('c-1'))
  })

  test(`${name}: a command is marked as written once, and only for the epoch that owns`, async (t) => {
    const { ledger, registry } = await open(t)
    const { epoch: old } = await registry.claim('CP-1')
    const { epoch } = await registry.claim('CP-1')
    await ledger.claim(command('c-1'))
    strictEqual(await ledger.markWritten('c-1', old, 5), 'not_owner', 'a displaced session writes nothing')
    deepStrictEqual(await Promise.all([ledger.markWritten('c-1', epoch, 6), ledger.markWritten('c-1', epoch, 7)]), [
      'written',
      'refused'
    ])
    strictEqual(await ledger.markWritten('c-1', epoch, 8), 'refused')
    strictEqual(await ledger.markWritten('c-unknown', epoch, 8), 'ledger_lost')
    const record = await ledger.get('c-1')
    strictEqual(record?.state, 'written')
    strictEqual(record.epoch, epoch)
    strictEqual(record.writtenAtMs, 6)
  })

  test(`${name}: a command is settled once, by whoever comes first`, async (t) => {
    const opened = await open(t)
    const { ledger, registry, reopen } = opened
    const { epoch } = await registry.claim('CP-1')
    await ledger.claim(command('c-1'))
    await ledger.markWritten('c-1', epoch, 6)
    const [won, second] = await Promise.all([ledger.settle('c-1', accepted, 7), ledger.settle('c-1', lost, 8)])
    deepStrictEqual(won, {
      ...command('c-1'),
      state: 'settled',
      epoch,
      writtenAtMs: 6,
      settledAtMs: 7,
      settlement: accepted
    })
    strictEqual(second, undefined)
    strictEqual(await ledger.settle('c-unknown', lost, 8), undefined)
    strictEqual(await ledger.markWritten('c-1', epoch, 9), 'refused')
    deepStrictEqual(await ledger.claim(command('c-1')), { kind: 'exists', record: won })
    await publish(opened, won)
    deepStrictEqual(await ledger.get('c-1'), won)
    const again = (await reopen()).ledger
    deepStrictEqual(await again.get('c-1'), won)
    strictEqual(await again.settle('c-1', lost, 9), undefined)
    deepStrictEqual(await again.unsettled(), [])
  })

  test(`${name}: after a restart the unsettled are found, and say whether they may have been written`, async (t) => {
    const opened = await open(t)
    const { ledger, registry, reopen } = opened
    const { epoch } = await registry.claim('CP-1')
    for (const id of ['c-1', 'c-2', 'c-3', 'c-4']) await ledger.claim(command(id))
    deepStrictEqual(await ledger.unsettled(), [], 'those of this life are the desk’s own')
    await ledger.markWritten('c-2', epoch, 6)
    await publish(opened, await ledger.settle('c-3', accepted, 7))
    await ledger.settle('c-4', accepted, 7)
    const again = await reopen()
    const states = (await again.ledger.unsettled()).map(({ commandId, state }) => [commandId, state])
    const unpublished = opened.unpublishedIs === 'claimed' ? [['c-4', 'claimed']] : []
    deepStrictEqual(
      states.sort(),
      [['c-1', 'claimed'], ['c-2', 'written'], ...unpublished],
      'one whose outcome was never published is to be settled again, unless its settlement stands'
    )
    strictEqual(await again.ledger.markWritten('c-2', epoch, 8), 'refused', 'never a second write')
    const settled = await again.ledger.settle('c-2', lost, 9)
    strictEqual(settled?.settlement?.reason, 'node_lost')
    await publish(again, settled)
    deepStrictEqual((await again.ledger.unsettled()).map(({ commandId }) => commandId).sort(), [
      'c-1',
      ...unpublished.map(([id]) => id)
    ])
  })

  test(`${name}: recent commands of a charge point come newest first`, async (t) => {
    const { ledger } = await open(t)
    for (let n = 1; n <= 5; n++) await ledger.claim(command(`c-${n}`, { requestedAtMs: 1_000_000 * n }))
    await ledger.claim(command('c-other', { chargePointId: 'CP-10', requestedAtMs: 9_000_000 }))
    const ids = async (id: string, limit: number) => (await ledger.recent(id, limit)).map(({ commandId }) => commandId)
    deepStrictEqual(await ids('CP-1', 3), ['c-5', 'c-4', 'c-3'])
    deepStrictEqual(await ids('CP-1', 100), ['c-5', 'c-4', 'c-3', 'c-2', 'c-1'])
    deepStrictEqual(await ids('CP-10', 100), ['c-other'])
    deepStrictEqual(await ids('CP-2', 100), [])
  })
}
