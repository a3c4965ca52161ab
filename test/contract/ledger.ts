import { deepStrictEqual, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { EventLog } from '../../src/ports/event-log.ts'
import type { Ledger } from '../../src/ports/ledger.ts'
import { type CommandOutcome, type CommandRecord, keyOf } from '../../src/ports/records.ts'
import type { SessionRegistry } from '../../src/ports/session-registry.ts'
import type { FakeClock } from '../support/fake-clock.ts'

export interface OpenedLedger {
  readonly ledger: Ledger
  readonly registry: SessionRegistry
  readonly log: EventLog
  readonly clock: FakeClock
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
  const command = (commandId: string, changed: Partial<CommandRecord> = {}): CommandRecord => ({
    commandId,
    chargePointId: 'CP-1',
    type: 'ocpp.call',
    data: { action: 'Reset', payload: { type: 'Soft' } },
    digest: 'digest-of-reset',
    priority: 'high',
    timeoutMs: 30_000,
    expiresAtMs: 9e12,
    requestedBy: 'api',
    requestedAtMs: Date.UTC(2026, 10, 23, 10),
    state: 'claimed',
    node: 'node-a',
    forgetAtMs: Date.UTC(2026, 10, 24, 10),
    ...changed
  })
  /** What the desk does with a settled record: it is a change of the outcome's event. */
  const publish = async (log: EventLog, record: CommandRecord | undefined) => {
    if (!record) throw new Error('there is nothing to publish')
    await log.append([
      {
        chargePointId: record.chargePointId,
        type: 'command.outcome',
        text: '{}',
        changes: [{ table: 'commands', key: keyOf.command(record.commandId), value: record }]
      }
    ])
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
    strictEqual(await ledger.markWritten('c-1', old, 5), false, 'a displaced session writes nothing')
    deepStrictEqual(await Promise.all([ledger.markWritten('c-1', epoch, 6), ledger.markWritten('c-1', epoch, 7)]), [
      true,
      false
    ])
    strictEqual(await ledger.markWritten('c-1', epoch, 8), false)
    strictEqual(await ledger.markWritten('c-unknown', epoch, 8), false)
    const record = await ledger.get('c-1')
    strictEqual(record?.state, 'written')
    strictEqual(record.epoch, epoch)
    strictEqual(record.writtenAtMs, 6)
  })

  test(`${name}: what was settled, or displaced, while it was being marked is not written`, async (t) => {
    const { ledger, registry } = await open(t)
    const { epoch } = await registry.claim('CP-1')
    await ledger.claim(command('c-1'))
    await ledger.claim(command('c-2'))
    const first = ledger.markWritten('c-1', epoch, 6)
    await ledger.settle('c-1', { outcome: 'not_sent', reason: 'cancelled' }, 7)
    strictEqual(await first, false)
    const second = ledger.markWritten('c-2', epoch, 6)
    await registry.claim('CP-1')
    strictEqual(await second, false)
  })

  test(`${name}: a command is settled once, by whoever comes first`, async (t) => {
    const { ledger, registry, log, reopen } = await open(t)
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
    strictEqual(await ledger.markWritten('c-1', epoch, 9), false)
    deepStrictEqual(await ledger.claim(command('c-1')), { kind: 'exists', record: won })
    await publish(log, won)
    deepStrictEqual(await ledger.get('c-1'), won)
    const again = (await reopen()).ledger
    deepStrictEqual(await again.get('c-1'), won)
    strictEqual(await again.settle('c-1', lost, 9), undefined)
    deepStrictEqual(await again.unsettled(), [])
  })

  test(`${name}: after a restart the unsettled are found, and say whether they may have been written`, async (t) => {
    const { ledger, registry, log, reopen } = await open(t)
    const { epoch } = await registry.claim('CP-1')
    for (const id of ['c-1', 'c-2', 'c-3', 'c-4']) await ledger.claim(command(id))
    deepStrictEqual(await ledger.unsettled(), [], 'those of this life are the desk’s own')
    await ledger.markWritten('c-2', epoch, 6)
    await publish(log, await ledger.settle('c-3', accepted, 7))
    await ledger.settle('c-4', accepted, 7)
    const again = await reopen()
    const states = (await again.ledger.unsettled()).map(({ commandId, state }) => [commandId, state])
    deepStrictEqual(
      states.sort(),
      [
        ['c-1', 'claimed'],
        ['c-2', 'written'],
        ['c-4', 'claimed']
      ],
      'one whose outcome was never published is to be settled again'
    )
    strictEqual(await again.ledger.markWritten('c-2', epoch, 8), false, 'never a second write')
    const settled = await again.ledger.settle('c-2', lost, 9)
    strictEqual(settled?.settlement?.reason, 'node_lost')
    await publish(again.log, settled)
    deepStrictEqual((await again.ledger.unsettled()).map(({ commandId }) => commandId).sort(), ['c-1', 'c-4'])
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

  test(`${name}: settled commands are forgotten when their time has come, unsettled ones never`, async (t) => {
    const { ledger, log, clock } = await open(t)
    const forgetAtMs = clock.now() + 60_000
    await ledger.claim(command('c-open', { forgetAtMs }))
    await Promise.all(
      Array.from({ length: 450 }, async (_, index) => {
        const id = `c-${index + 1}`
        await ledger.claim(command(id, { forgetAtMs: index === 449 ? forgetAtMs + 3_600_000 : forgetAtMs }))
        await publish(log, await ledger.settle(id, accepted, clock.now()))
      })
    )
    clock.advance(120_000)
    for (let step = 0; step < 10; step++) {
      await log.trim(0)
      clock.advance(11_000)
    }
    await log.trim(0)
    deepStrictEqual(
      (await ledger.recent('CP-1', 1_000)).map(({ commandId }) => commandId),
      ['c-open', 'c-450']
    )
    strictEqual(await ledger.get('c-1'), undefined)
    strictEqual((await ledger.claim(command('c-1'))).kind, 'claimed')
  })
}
