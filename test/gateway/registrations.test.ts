import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { ClusterDirectory } from '../../src/gateway/cluster/directory.ts'
import type { Authority } from '../../src/ports/authority.ts'
import type { ChargePointRecord, StoreChange } from '../../src/ports/records.ts'
import type { SharedState } from '../../src/ports/shared-state.ts'
import { GatewayHarness, turn } from '../support/gateway.ts'
import { away } from '../support/kept-ledger.ts'
import { acceptingAuthority, MemoryRegistry, MemoryStore, memoryDirectory } from '../support/memory-ports.ts'

/** Nodes with one allow-list, one registry, and the records that each has told the others, the higher epoch first. */
function cluster() {
  const registry = new MemoryRegistry()
  const records = new Map<string, ChargePointRecord>()
  const list = { names: true, isAway: false }
  const authority: Authority = {
    ...acceptingAuthority,
    admit: () => (list.names ? { allowed: true } : { allowed: false, detail: 'add it' })
  }
  const project = (changes: readonly StoreChange[]) => {
    for (const { table, key, value } of changes) {
      if (table === 'chargePoints' && value && (records.get(key)?.epoch ?? 0) <= value.epoch) records.set(key, value)
    }
  }
  const shared = {
    load: async (chargePointId: string) => {
      if (list.isAway) throw away
      return { record: records.get(chargePointId), transactions: [] }
    }
  } as unknown as SharedState
  const node = (name: string) => {
    const store = new MemoryStore()
    const directory = new ClusterDirectory(shared, memoryDirectory(store))
    const gateway = new GatewayHarness({ settings: { node: name }, store, directory, registry, authority })
    gateway.node.pipeline.onLanded((entries) => {
      for (const { changes } of entries) project(changes)
    })
    gateway.node.registrations.onForgotten(project)
    return gateway
  }
  return { a: node('node-a'), b: node('node-b'), c: node('node-c'), records, registry, list, project }
}

/** Connected, accepted, and gone again. */
async function visit(gateway: GatewayHarness): Promise<void> {
  const station = await gateway.connect('CP-1')
  station.boot()
  await turn()
  station.conversation.closed('connection_lost')
  await turn()
}

async function isAcceptedAt(gateway: GatewayHarness): Promise<boolean> {
  await gateway.connect('CP-1')
  return gateway.node.hub.find('CP-1')?.session.record.registration?.status === 'accepted'
}

// It was taken out of the allow-list while it was away, refused here, and connected to another node when it was listed again: that
// one had its registration still, and asked for no BootNotification. (D6)
for (const before of ['a', 'b'] as const) {
  test(`who is refused at node a, after a connection to ${before}, is registered on no other node any more`, async () => {
    const { list, ...nodes } = cluster()
    await visit(nodes[before])
    list.names = false
    strictEqual((await nodes.a.admit('CP-1')).ok, false)
    list.names = true
    strictEqual(await isAcceptedAt(nodes.b), false)
  })
}

test('a node that tells what it has on its disk does not bring the registration back', async () => {
  const { a, b, c, list, project } = cluster()
  await visit(b)
  const old = b.store.persisted.get('chargePoints/CP-1') as ChargePointRecord
  list.names = false
  await a.admit('CP-1')
  project([{ table: 'chargePoints', key: 'CP-1', value: old }])
  list.names = true
  strictEqual(await isAcceptedAt(c), false)
})

test('who was not forgotten is accepted on any node without a boot', async () => {
  const { a, b } = cluster()
  await visit(a)
  strictEqual(await isAcceptedAt(b), true)
})

test('a charge point that lives on a node that still lists it is left to that node, which closes it as revoked', async () => {
  const { a, b, list, records } = cluster()
  const living = await b.connect('CP-1')
  living.boot()
  await turn()
  list.names = false
  strictEqual((await a.admit('CP-1')).ok, false)
  deepStrictEqual([living.wire.closes, records.get('CP-1')?.registration?.status], [[], 'accepted'])
  b.node.hub.find('CP-1')?.end('revoked')
  await turn()
  strictEqual(records.get('CP-1')?.registration, undefined)
})

test('a connection that nobody has any more is not left open in what is remembered', async () => {
  const { a, b, list, records, registry } = cluster()
  await b.connect('CP-1').then((station) => station.boot())
  await turn()
  // Its node has died.
  registry.owners.clear()
  list.names = false
  await a.admit('CP-1')
  deepStrictEqual(
    records.get('CP-1')?.connections.map(({ epoch, reason }) => [epoch, reason]),
    [[1, 'revoked']]
  )
})

test('while the registry is away what this node has is forgotten, and who is not allowed is told so', async () => {
  const { a, list, registry } = cluster()
  await visit(a)
  list.names = false
  list.isAway = true
  registry.locate = () => Promise.reject(away)
  deepStrictEqual(await a.admit('CP-1'), { ok: false, refusal: { code: 'unknown_charge_point', detail: 'add it' } })
  const { registration, epoch } = a.store.persisted.get('chargePoints/CP-1') as ChargePointRecord
  deepStrictEqual([registration, epoch], [undefined, 1])
})

test('who was never registered is refused without a claim', async () => {
  const { a, list, registry } = cluster()
  list.names = false
  strictEqual((await a.admit('CP-1')).ok, false)
  deepStrictEqual([registry.owners.size, registry.released], [0, []])
})
