import { deepStrictEqual, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { ClusterLedger, OverdueCommand } from '../../src/ports/cluster-ledger.ts'
import type { NodeLease } from '../../src/ports/node-lease.ts'
import type { CommandOutcome } from '../../src/ports/records.ts'
import type { SessionRegistry } from '../../src/ports/session-registry.ts'
import { claimedCommand } from '../support/claimed-command.ts'
import { until } from '../support/until.ts'

export interface LedgerNode {
  readonly ledger: ClusterLedger
  readonly registry: SessionRegistry
  readonly lease: NodeLease
  /** Like a crash, seen after the lease has run out. */
  die(): Promise<void>
}
export interface LedgerWorld {
  node(options: { readonly id: string; readonly leaseTtlMs?: number }): Promise<LedgerNode>
  empty(): Promise<void>
  dispose(): Promise<void>
}

const accepted: CommandOutcome = { outcome: 'accepted', status: 'Accepted' }
const cancelled: CommandOutcome = { outcome: 'not_sent', reason: 'cancelled' }
const lost: CommandOutcome = { outcome: 'unknown', reason: 'node_lost' }
const untilTold = () => Promise.reject(new Error('nobody has anything to tell'))
/** When a sweep looks at all that was claimed until now. */
const later = () => Date.now() + 60_000
const muchLater = (n: number) => Date.now() + 60_000 * (n + 1)

/** What a ledger that nodes share does beyond `ledgerContract`. */
export function clusterLedgerContract(name: string, create: () => Promise<LedgerWorld>): void {
  const two = async (t: TestContext) => {
    const world = await create()
    t.after(() => world.dispose())
    const [a, b] = await Promise.all([world.node({ id: 'node-a', leaseTtlMs: 400 }), world.node({ id: 'node-b' })])
    return { world, a, b }
  }
  const why = (found: readonly OverdueCommand[]) =>
    found.map((command) => `${command.record.commandId} ${command.why}`).sort()
  const dead = async (of: LedgerNode, by: LedgerNode) => {
    const { incarnation } = of.lease
    await of.die()
    await until('its lease has run out', async () => {
      const presence = (await by.lease.nodes()).find((node) => node.incarnation === incarnation)
      return presence?.alive !== true
    })
  }

  test(`${name}: claims of two nodes race, and one wins`, async (t) => {
    const { a, b } = await two(t)
    const claims = await Promise.all(
      [a, b].map(({ ledger }, n) => ledger.claim(claimedCommand('c-1', { node: n ? 'node-b' : 'node-a' })))
    )
    deepStrictEqual(claims.map(({ kind }) => kind).sort(), ['claimed', 'exists'])
    strictEqual(claims[0]?.record.node, claims[1]?.record.node)
    const other = await b.ledger.claim(claimedCommand('c-1', { chargePointId: 'CP-2' }))
    strictEqual(other.kind, 'conflict')
    strictEqual(other.record.chargePointId, 'CP-1')
  })

  test(`${name}: only the node whose session owns the charge point writes, and is told why it may not`, async (t) => {
    const { a, b, world } = await two(t)
    const record = claimedCommand('c-1')
    await a.ledger.claim(record)
    strictEqual(await a.ledger.write(record, 1, 5), 'not_owner')
    const { epoch } = await b.registry.claim('CP-1')
    strictEqual(await a.ledger.write(record, epoch, 5), 'not_owner', 'the epoch is of another node')
    strictEqual(await b.ledger.write(record, epoch, 6), 'written')
    strictEqual(await b.ledger.write(record, epoch, 7), 'refused')
    strictEqual((await a.ledger.get('c-1'))?.node, 'node-b')
    await world.empty()
    strictEqual(await b.ledger.write(record, epoch, 8), 'ledger_lost')
    strictEqual(await b.ledger.markWritten('c-1', epoch, 8), 'ledger_lost')
  })

  test(`${name}: what was written before a loss is told as written by its node, whoever owns the charge point or claimed it`, async (t) => {
    const { a, b, world } = await two(t)
    const record = claimedCommand('c-1')
    await a.ledger.claim(record)
    const { epoch } = await a.registry.claim('CP-1')
    await a.ledger.write(record, epoch, 6)
    await world.empty()
    await b.ledger.claim(record)
    const moved = await b.registry.claim('CP-1', epoch + 1)
    await a.ledger.tell({ ...record, node: 'node-a', state: 'written', epoch, writtenAtMs: 6 })
    const told = await b.ledger.get('c-1')
    deepStrictEqual([told?.state, told?.node, told?.epoch, told?.writtenAtMs], ['written', 'node-a', epoch, 6])
    strictEqual(await b.ledger.write(record, moved.epoch, 7), 'refused')
    strictEqual(await b.ledger.settle('c-1', cancelled, 8), undefined, 'nobody else can say that it was not sent')
    strictEqual((await a.ledger.settle('c-1', accepted, 9))?.settlement?.outcome, 'accepted')
    await b.ledger.tell({ ...record, node: 'node-b', state: 'written', epoch: moved.epoch, writtenAtMs: 10 })
    strictEqual((await a.ledger.get('c-1'))?.state, 'settled')
  })

  test(`${name}: a command that was written is settled as not sent by nobody but who wrote it, and keeps it`, async (t) => {
    const { a, b } = await two(t)
    const record = claimedCommand('c-1')
    await a.ledger.claim(record)
    const { epoch } = await b.registry.claim('CP-1')
    await b.ledger.write(record, epoch, 6)
    strictEqual(await a.ledger.settle('c-1', cancelled, 7), undefined)
    // A sweep that found it claimed by another node, before this one took it over and wrote it.
    strictEqual(await b.ledger.settle('c-1', cancelled, 7), undefined)
    strictEqual(await b.ledger.settleKept({ ...record, node: 'node-a' }, cancelled, 7), undefined)
    const ended = await b.ledger.settle('c-1', cancelled, 8, { isOwn: true, untilTold })
    deepStrictEqual([ended?.settlement?.reason, ended?.writtenAtMs], ['cancelled', undefined], 'it was not written')
  })

  test(`${name}: many settle, one wins, and all read the same outcome`, async (t) => {
    const { a, b } = await two(t)
    await a.ledger.claim(claimedCommand('c-1'))
    const settled = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (n % 2 ? a : b).ledger.settle('c-1', n % 3 ? lost : accepted, n))
    )
    const won = settled.filter((record) => record !== undefined)
    strictEqual(won.length, 1)
    deepStrictEqual(await a.ledger.get('c-1'), won[0])
    deepStrictEqual(await b.ledger.get('c-1'), won[0])
  })

  test(`${name}: what a living node looks after is not overdue; each overdue command goes to one caller`, async (t) => {
    const { a, b, world } = await two(t)
    const c = await world.node({ id: 'node-c' })
    for (const id of ['c-1', 'c-2', 'c-3', 'c-4']) await a.ledger.claim(claimedCommand(id))
    const { epoch } = await a.registry.claim('CP-1')
    strictEqual(await a.ledger.write(claimedCommand('c-2'), epoch, 6), 'written')
    strictEqual(await a.ledger.handOver('c-3', 'node-b', b.lease.incarnation), true)
    await b.ledger.received(claimedCommand('c-3'))
    deepStrictEqual(await b.ledger.overdue(Date.now(), 100), [], 'it is not time')
    deepStrictEqual(await b.ledger.overdue(later(), 100), [])
    await dead(a, b)
    const found = await Promise.all([b.ledger.overdue(muchLater(1), 100), c.ledger.overdue(muchLater(1), 100)])
    deepStrictEqual(why(found.flat()), ['c-1 unclaimed', 'c-2 unanswered', 'c-4 unclaimed'])
    deepStrictEqual(await c.ledger.overdue(muchLater(1), 100), [])
    deepStrictEqual(why(await c.ledger.overdue(muchLater(2), 100)), [
      'c-1 unclaimed',
      'c-2 unanswered',
      'c-4 unclaimed'
    ])
  })

  test(`${name}: a command that was handed to a node that died is abandoned, and never claimed again`, async (t) => {
    const { a, b } = await two(t)
    const record = claimedCommand('c-1')
    await b.ledger.claim(record)
    strictEqual(await b.ledger.handOver('c-1', 'node-a', a.lease.incarnation), true)
    strictEqual(await a.ledger.handOver('c-1', 'node-b', b.lease.incarnation), false, 'only the claimant hands over')
    strictEqual(await b.ledger.handOver('c-1', 'node-a', a.lease.incarnation), true, 'the one re-route')
    await dead(a, b)
    strictEqual(await b.ledger.reclaim(record), undefined)
    deepStrictEqual(await b.ledger.overdue(Date.now() + 7_000, 100), [], 'who handed it over may find another owner')
    deepStrictEqual(why(await b.ledger.overdue(later(), 100)), ['c-1 abandoned'])
  })

  test(`${name}: a command whose message never came to the living node that has it is abandoned`, async (t) => {
    const { a, b } = await two(t)
    for (const id of ['c-1', 'c-2', 'c-3']) {
      await a.ledger.claim(claimedCommand(id))
      strictEqual(await a.ledger.handOver(id, 'node-b', b.lease.incarnation), true)
    }
    await a.ledger.received(claimedCommand('c-1'))
    await b.ledger.received(claimedCommand('c-2'))
    await b.ledger.tell(claimedCommand('c-3', { node: 'node-b' }))
    deepStrictEqual(await b.ledger.overdue(Date.now() + 7_000, 100), [], 'it may be on its way')
    deepStrictEqual(why(await b.ledger.overdue(later(), 100)), ['c-1 abandoned'])
  })

  test(`${name}: after a loss whoever ends a command waits for what others may tell of it, and that stands`, async (t) => {
    const { a, b, world } = await two(t)
    const ids = ['told', 'ended', 'anew', 'new']
    for (const id of ids) await a.ledger.claim(claimedCommand(id))
    await world.empty()
    for (const id of ['told', 'ended']) strictEqual((await a.ledger.tell(claimedCommand(id))).kind, 'claimed')
    for (const id of ['anew', 'new']) await b.ledger.claim(claimedCommand(id))
    const asked: string[] = []
    const settle = ({ ledger }: LedgerNode, id: string, isOwn: boolean) =>
      ledger.settle(id, accepted, 8, {
        isOwn,
        untilTold: async () => {
          asked.push(id)
          if (id === 'ended') await b.ledger.settleKept(claimedCommand(id, { node: 'node-b' }), lost, 7)
        }
      })
    strictEqual((await settle(b, 'told', false))?.settlement?.outcome, 'accepted')
    strictEqual(await settle(a, 'ended', true), undefined)
    strictEqual((await settle(a, 'anew', true))?.settlement?.outcome, 'accepted', 'claimed by another node since')
    strictEqual((await settle(b, 'new', true))?.settlement?.outcome, 'accepted')
    deepStrictEqual(asked, ['told', 'ended', 'anew'], 'once each, and not for what is new')
    deepStrictEqual((await a.ledger.get('ended'))?.settlement, lost)
  })

  test(`${name}: what is told of another node's command stays that node's, which gives it its life when it tells itself`, async (t) => {
    const { a, b } = await two(t)
    const written = { state: 'written', epoch: 7, writtenAtMs: 6 } as const
    const records = [claimedCommand('c-1'), claimedCommand('c-2', written), claimedCommand('c-3')]
    for (const record of records) strictEqual((await b.ledger.tell(record)).record.node, 'node-a')
    deepStrictEqual(await b.ledger.get('c-2'), records[1])
    strictEqual(await b.ledger.handOver('c-1', 'node-b', b.lease.incarnation), false)
    strictEqual(await a.ledger.handOver('c-1', 'node-b', b.lease.incarnation), true)
    for (const record of records.slice(1, 2)) await a.ledger.tell(record)
    await b.ledger.received(claimedCommand('c-1'))
    deepStrictEqual(why(await b.ledger.overdue(later(), 100)), ['c-3 unclaimed'])
  })

  test(`${name}: what an earlier life had claimed or written is looked after by the one that tells of it`, async (t) => {
    const { a, b, world } = await two(t)
    for (const id of ['c-1', 'c-2', 'c-3']) await a.ledger.claim(claimedCommand(id))
    const { epoch } = await a.registry.claim('CP-1')
    strictEqual(await a.ledger.write(claimedCommand('c-2'), epoch, 6), 'written')
    await dead(a, b)
    const again = await world.node({ id: 'node-a' })
    for (const id of ['c-1', 'c-2']) strictEqual((await again.ledger.tell(claimedCommand(id))).kind, 'exists')
    await b.ledger.tell(claimedCommand('c-3'))
    deepStrictEqual(why(await b.ledger.overdue(later(), 100)), ['c-3 unclaimed'])
  })

  test(`${name}: a claim whose claimant is dead goes to one that asks, once`, async (t) => {
    const { a, b, world } = await two(t)
    const c = await world.node({ id: 'node-c' })
    const record = claimedCommand('c-1')
    await a.ledger.claim(record)
    strictEqual(await b.ledger.reclaim(record), undefined, 'its claimant lives')
    await dead(a, b)
    const taken = await Promise.all([b.ledger.reclaim(record), c.ledger.reclaim(record)])
    const won = taken.filter((found) => found !== undefined)
    strictEqual(won.length, 1)
    strictEqual((await b.ledger.get('c-1'))?.node, won[0]?.node)
    deepStrictEqual(await b.ledger.overdue(later(), 100), [])
  })

  test(`${name}: a claim of the bus goes to the node that reads its record in a later generation, until it is confirmed`, async (t) => {
    const { a, b } = await two(t)
    const read = (commandId: string, readIn: number) => claimedCommand(commandId, { readIn })
    const claimed = await a.ledger.claim(read('c-1', 7))
    strictEqual('readIn' in claimed.record, false, 'it is of the claim and not of the command')
    strictEqual(await b.ledger.reclaim(claimedCommand('c-1')), undefined, 'asked by HTTP')
    strictEqual(await b.ledger.reclaim(read('c-1', 6)), undefined, 'by one whose partitions are gone')
    strictEqual(await b.ledger.reclaim(read('c-1', 7)), undefined, 'in the same generation, as another record')
    strictEqual((await b.ledger.reclaim(read('c-1', 8)))?.node, 'node-b')
    deepStrictEqual(await b.ledger.get('c-1'), { ...claimed.record, node: 'node-b' })
    strictEqual(await a.ledger.reclaim(read('c-1', 7)), undefined, 'who lost it does not take it back')
    strictEqual(await a.ledger.confirm(read('c-1', 7)), false)
    strictEqual(await a.ledger.handOver('c-1', 'node-a', a.lease.incarnation), false)
    strictEqual(await b.ledger.confirm(read('c-1', 8)), true)
    strictEqual(await a.ledger.reclaim(read('c-1', 9)), undefined, 'it may be on its way')
    deepStrictEqual(await b.ledger.overdue(later(), 100), [])
  })

  test(`${name}: a claim that did not come from the bus is taken over from nobody alive`, async (t) => {
    const { a, b, world } = await two(t)
    await a.ledger.claim(claimedCommand('c-1'))
    strictEqual(await b.ledger.reclaim(claimedCommand('c-1', { readIn: 9 })), undefined)
    await world.empty()
    strictEqual(await a.ledger.confirm(claimedCommand('c-1')), true, 'that it is gone is found by the write')
  })

  test(`${name}: an outcome that was settled and not published is found until it is`, async (t) => {
    const { a, b } = await two(t)
    for (const id of ['c-1', 'c-2']) {
      await a.ledger.claim(claimedCommand(id))
      await a.ledger.settle(id, accepted, Date.now())
    }
    await a.ledger.published('c-1')
    await dead(a, b)
    const [found, ...others] = await b.ledger.overdue(later(), 100)
    strictEqual(others.length, 0)
    strictEqual(found?.why, 'unpublished')
    deepStrictEqual(found.record.settlement, accepted)
    await b.ledger.published('c-2')
    deepStrictEqual(await b.ledger.overdue(muchLater(3), 100), [])
  })

  test(`${name}: an emptied ledger does as if fresh, and what its node kept still gets its one outcome`, async (t) => {
    const { a, b, world } = await two(t)
    const record = claimedCommand('c-1')
    await a.ledger.claim(record)
    const { epoch } = await a.registry.claim('CP-1')
    await a.ledger.write(record, epoch, 6)
    await world.empty()
    strictEqual(await b.ledger.get('c-1'), undefined)
    deepStrictEqual(await b.ledger.recent('CP-1', 10), [])
    strictEqual(await a.ledger.settle('c-1', accepted, 7), undefined)
    strictEqual(await a.ledger.handOver('c-1', 'node-b', b.lease.incarnation), false)
    strictEqual(await a.ledger.reclaim(record), undefined)
    deepStrictEqual(await b.ledger.overdue(later(), 100), [])
    const kept = { ...record, state: 'written', epoch, writtenAtMs: 6 } as const
    const settled = await a.ledger.settleKept(kept, accepted, 8)
    deepStrictEqual(settled, { ...kept, state: 'settled', settlement: accepted, settledAtMs: 8 })
    strictEqual(await a.ledger.settleKept(kept, lost, 9), undefined)
    deepStrictEqual(await b.ledger.get('c-1'), settled)
    deepStrictEqual(why(await b.ledger.overdue(later(), 100)), ['c-1 unpublished'])
  })

  test(`${name}: what a node marked and did not write is told as not sent, though another one has told of its mark`, async (t) => {
    const { a, b } = await two(t)
    const marked = claimedCommand('c-1', { node: 'node-a', state: 'written', epoch: 7, writtenAtMs: 6 })
    await b.ledger.tell(marked)
    const ended = claimedCommand('c-1', { node: 'node-a', state: 'settled', settlement: cancelled, settledAtMs: 7 })
    strictEqual(await b.ledger.settleKept({ ...ended, node: 'node-b' }, cancelled, 7), undefined)
    strictEqual((await a.ledger.settleKept(ended, cancelled, 7))?.settlement?.reason, 'cancelled')
  })

  test(`${name}: another node's end that is told to an emptied ledger stays that node's, and is looked for`, async (t) => {
    const { a, b } = await two(t)
    const record = claimedCommand('c-1', { node: 'node-b' })
    const ended = { ...record, state: 'settled', settlement: accepted, settledAtMs: 7 } as const
    deepStrictEqual(await a.ledger.settleKept(ended, accepted, 7), ended)
    deepStrictEqual(await b.ledger.get('c-1'), ended)
    deepStrictEqual(why(await b.ledger.overdue(later(), 100)), ['c-1 unpublished'])
  })
}
