import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import type { Directory } from '../../src/ports/directory.ts'
import type { ChargePointRecord } from '../../src/ports/records.ts'
import { Connected, FakeWire, GatewayHarness, turn } from '../support/gateway.ts'
import { acceptingAuthority, MemoryStore, memoryDirectory } from '../support/memory-ports.ts'

test('a charge point that is connected is found, seen and listed', async () => {
  const gateway = new GatewayHarness()
  await gateway.connect('CP-1')
  await turn()
  strictEqual(gateway.node.connections, 1)
  const view = await gateway.node.hub.get('CP-1')
  deepStrictEqual([view?.live?.node, view?.live?.epoch, view?.live?.remoteAddress], ['node-a', 1, '10.0.0.1'])
  strictEqual(await gateway.node.hub.get('CP-2'), undefined)
})

// Known failure A4: the new connection was refused while a half-open old one lived.
test('the newest connection wins at once, and the old one is closed as replaced', async () => {
  const gateway = new GatewayHarness()
  const first = await gateway.connect('CP-1')
  const second = await gateway.connect('CP-1')
  deepStrictEqual([first.wire.closes, second.wire.closes], [['replaced'], []])
  strictEqual(gateway.node.hub.find('CP-1')?.session.epoch, 2)
  await turn()
  deepStrictEqual(
    gateway.log.events().map(({ type, epoch }) => [type, epoch]),
    [
      ['charge_point.connected', 1],
      ['charge_point.disconnected', 1],
      ['charge_point.connected', 2]
    ]
  )
})

// Known failure A3: the old socket's close removed the new session.
test("the old socket's close does not touch the new connection", async () => {
  const gateway = new GatewayHarness()
  const first = await gateway.connect('CP-1')
  const second = await gateway.connect('CP-1')
  first.conversation.closed('connection_lost')
  await turn()
  strictEqual(gateway.node.hub.find('CP-1')?.session.epoch, 2)
  strictEqual(gateway.registry.owners.get('CP-1'), 2)
  const id = second.boot()
  await turn()
  ok(second.wire.frames.some(([type, messageId]) => type === 3 && messageId === id))
})

test('a connection that comes while the old one is in the middle of a frame is the one that lives', async () => {
  const gateway = new GatewayHarness()
  const first = await gateway.connect('CP-1')
  const admitted = await gateway.admit('CP-1')
  first.wire.send = () => {
    if (admitted.ok) admitted.open(new FakeWire())
  }
  first.call('Heartbeat', {})
  await turn()
  deepStrictEqual(first.wire.closes, ['replaced'])
  deepStrictEqual([gateway.node.connections, gateway.node.hub.find('CP-1')?.session.epoch], [1, 2])
})

// Known failure A5: two sockets of one id in a race; when one closed, the other could not be reached.
test('of handshakes in parallel the highest epoch lives, in whatever order they open', async () => {
  const gateway = new GatewayHarness()
  const admitted = await Promise.all([1, 2, 3, 4].map(() => gateway.admit('CP-1')))
  const wires = admitted.map(() => new FakeWire())
  for (const index of [2, 0, 3, 1]) {
    const one = admitted[index]
    const wire = wires[index]
    if (one?.ok && wire) one.open(wire)
  }
  await turn()
  deepStrictEqual(
    wires.map(({ closes }) => closes),
    [['replaced'], ['replaced'], ['replaced'], []]
  )
  strictEqual(gateway.node.connections, 1)
  strictEqual(gateway.node.hub.find('CP-1')?.session.epoch, 4)
  strictEqual(gateway.registry.owners.get('CP-1'), 4)
})

test('who came too late hears nothing and does nothing', async () => {
  const gateway = new GatewayHarness()
  const [early, late] = await Promise.all([gateway.admit('CP-1'), gateway.admit('CP-1')])
  if (!early.ok || !late.ok) throw new Error('admitted')
  late.open(new FakeWire())
  const wire = new FakeWire()
  const nobody = early.open(wire)
  nobody.frame('[2,"1","Heartbeat",{}]')
  nobody.closed('connection_lost')
  await turn()
  deepStrictEqual([wire.sent, gateway.node.connections, gateway.registry.owners.get('CP-1')], [[], 1, 2])
})

test('what the displaced session has just learned, its successor knows', async () => {
  const gateway = new GatewayHarness()
  gateway.log.isHeld = true
  const first = await gateway.connect('CP-1')
  const admitted = await gateway.admit('CP-1')
  first.boot()
  if (!admitted.ok) throw new Error('admitted')
  const second = new Connected(new FakeWire(), admitted.open(new FakeWire()))
  const { session } = gateway.node.hub.find('CP-1') ?? {}
  strictEqual(session?.epoch, 2)
  strictEqual(session?.record.registration?.status, 'accepted')
  deepStrictEqual(
    session?.record.connections.map(({ epoch, reason }) => [epoch, reason]),
    [
      [2, undefined],
      [1, 'replaced']
    ]
  )
  ok(second)
})

// A station whose handshakes break off must not take the commands of its living connection away.
test('a handshake that is abandoned gives the ownership back to the connection that lives', async () => {
  const gateway = new GatewayHarness()
  gateway.registry.isShared = false
  const station = await gateway.connect('CP-1')
  station.boot()
  const admitted = await gateway.admit('CP-1')
  ok(admitted.ok)
  admitted.abandon()
  await turn()
  strictEqual(gateway.registry.owners.get('CP-1'), 1)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  station.accept()
  await turn()
  strictEqual(gateway.log.events('command.outcome')[0]?.data.outcome, 'accepted')
})

test('a handshake that is abandoned when nobody lives leaves no owner', async () => {
  const gateway = new GatewayHarness()
  const admitted = await gateway.admit('CP-1')
  ok(admitted.ok)
  admitted.abandon()
  await turn()
  strictEqual(gateway.registry.owners.has('CP-1'), false)
})

test('an abandoned handshake does nothing to a newer one', async () => {
  const gateway = new GatewayHarness()
  const living = await gateway.connect('CP-1')
  const [first, second] = await Promise.all([gateway.admit('CP-1'), gateway.admit('CP-1')])
  if (!first.ok || !second.ok) throw new Error('admitted')
  first.abandon()
  await turn()
  deepStrictEqual([gateway.registry.owners.get('CP-1'), living.wire.closes], [3, []])
  second.open(new FakeWire())
  strictEqual(gateway.node.hub.find('CP-1')?.session.epoch, 3)
})

// It was closed as replaced, with a code that says not to come back, and was listed as connected by the other nodes for ever.
test('a living connection whose ownership cannot be had back ends, so that its charge point comes again', async () => {
  const gateway = new GatewayHarness()
  const living = await gateway.connect('CP-1')
  const admitted = await gateway.admit('CP-1')
  ok(admitted.ok)
  admitted.abandon()
  await turn()
  deepStrictEqual(living.wire.closes, ['replacement_failed'])
  const record = gateway.store.persisted.get('chargePoints/CP-1') as ChargePointRecord
  deepStrictEqual(
    record.connections.map(({ reason }) => reason),
    ['replacement_failed']
  )
})

test('a living connection whose charge point has gone to another node meanwhile was replaced', async () => {
  const gateway = new GatewayHarness()
  const living = await gateway.connect('CP-1')
  const admitted = await gateway.admit('CP-1')
  gateway.registry.adopt = async () => false
  gateway.registry.locate = async () => ({ node: 'node-b', epoch: 3 })
  ok(admitted.ok)
  admitted.abandon()
  await turn()
  deepStrictEqual(living.wire.closes, ['replaced'])
})

test('a living connection is left to the handshake that has come while another one was given up', async () => {
  const gateway = new GatewayHarness()
  const living = await gateway.connect('CP-1')
  const first = await gateway.admit('CP-1')
  const second = Promise.withResolvers<void>()
  const { registry } = gateway
  const adopt = registry.adopt.bind(registry)
  registry.adopt = async (chargePointId, epoch) => {
    await second.promise
    return adopt(chargePointId, epoch)
  }
  ok(first.ok)
  first.abandon()
  await turn()
  const newer = await gateway.admit('CP-1')
  second.resolve()
  await turn()
  deepStrictEqual(living.wire.closes, [])
  ok(newer.ok)
  newer.open(new FakeWire())
  deepStrictEqual(living.wire.closes, ['replaced'])
})

test('a charge point that cannot be loaded is refused, and its ownership given back', async () => {
  const store = new MemoryStore()
  const directory: Directory = { ...memoryDirectory(store), load: () => Promise.reject(new Error('disk')) }
  const gateway = new GatewayHarness({ store, directory })
  deepStrictEqual(await gateway.admit('CP-1'), { ok: false, refusal: { code: 'not_available' } })
  await turn()
  strictEqual(gateway.registry.owners.has('CP-1'), false)
  match(gateway.lines[0]?.message ?? '', /could not be admitted/)
})

test('a registry that does not answer refuses, and a release that fails is logged', async () => {
  const gateway = new GatewayHarness()
  const station = await gateway.connect('CP-1')
  gateway.registry.claim = () => Promise.reject(new Error('away'))
  gateway.registry.release = () => Promise.reject(new Error('away'))
  const admitted = await gateway.admit('CP-2')
  strictEqual(!admitted.ok && admitted.refusal.code, 'not_available')
  station.conversation.closed('connection_lost')
  await turn()
  match(gateway.lines.at(-1)?.message ?? '', /ownership could not be given back/)
  strictEqual(gateway.node.connections, 0)
})

test('who is not allowed is refused with what to do', async () => {
  const authority = { ...acceptingAuthority, admit: () => ({ allowed: false, detail: 'add it' }) as const }
  const gateway = new GatewayHarness({ authority })
  const refusal = { code: 'unknown_charge_point', detail: 'add it' }
  deepStrictEqual(await gateway.admit('CP-1'), { ok: false, refusal })
})

test('who loses the permission is closed as revoked, nobody else', async () => {
  let revoke: (isRevoked: (id: string) => boolean) => void = () => undefined
  const authority = {
    ...acceptingAuthority,
    onRevoked: (listener: typeof revoke) => {
      revoke = listener
      return () => undefined
    }
  }
  const gateway = new GatewayHarness({ authority })
  const [one, two] = [await gateway.connect('CP-1'), await gateway.connect('CP-2')]
  revoke((id) => id === 'CP-1')
  deepStrictEqual([one.wire.closes, two.wire.closes], [['revoked'], []])
})

test('an operator closes a connection; where there is none he is told so', async () => {
  const gateway = new GatewayHarness()
  const station = await gateway.connect('CP-1')
  strictEqual(await gateway.node.hub.disconnect('CP-1'), true)
  deepStrictEqual(station.wire.closes, ['disconnected_by_operator'])
  strictEqual(await gateway.node.hub.disconnect('CP-1'), false)
})

const ids = (views: readonly { readonly record: { readonly chargePointId: string } }[]) =>
  views.map(({ record }) => record.chargePointId)

/** CP-0 to CP-9; the even ones are still connected. */
async function ten(): Promise<GatewayHarness> {
  const gateway = new GatewayHarness()
  for (const n of [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]) {
    const station = await gateway.connect(`CP-${n}`)
    if (n % 2 === 1) station.conversation.closed('connection_lost')
  }
  await turn()
  return gateway
}

for (const [connected, expected] of [
  [undefined, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [true, [0, 2, 4, 6, 8]],
  [false, [1, 3, 5, 7, 9]]
] as const) {
  test(`pages with connected=${connected} hold every charge point once, in the order of the ids`, async () => {
    const { hub } = (await ten()).node
    for (const limit of [1, 2, 3, 10, 100]) {
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = ids(
          await hub.list({
            limit,
            ...(connected === undefined ? {} : { connected }),
            ...(after === undefined ? {} : { after })
          })
        )
        ok(page.length <= limit)
        seen.push(...page)
        after = page.at(-1)
        if (after === undefined) break
      }
      deepStrictEqual(
        seen,
        expected.map((n) => `CP-${n}`)
      )
    }
  })
}

test('a list without a filter has those who live already although the disk does not keep up', async () => {
  const gateway = await ten()
  gateway.log.isHeld = true
  await gateway.connect('CP-45')
  await gateway.connect('CP-95')
  await turn()
  const all = ids(await gateway.node.hub.list({ limit: 100 }))
  deepStrictEqual(
    all.filter((id) => id.length > 4),
    ['CP-45', 'CP-95']
  )
  strictEqual(all.length, 12)
  const pages: string[] = []
  for (let after = ''; ; ) {
    const page = ids(await gateway.node.hub.list({ limit: 5, after }))
    if (page.length === 0) break
    pages.push(...page)
    after = page.at(-1) ?? ''
  }
  deepStrictEqual(pages, all)
})

// Known failure A12: under a load that stays too high everybody gets his turn.
test('sockets that wait for the log are let go longest first, no more at a time than there is room', async () => {
  const gateway = new GatewayHarness({ settings: { eventsInMemoryMax: 4 } })
  const stations: Connected[] = []
  for (let n = 1; n <= 6; n++) {
    stations.push(await gateway.connect(`CP-${n}`))
    await turn()
  }
  const speak = (station: Connected) =>
    station.call('StatusNotification', { connectorId: 0, errorCode: 'NoError', status: 'Available' })
  const held = () => stations.map(({ wire }) => wire.holds.has('log'))
  gateway.log.isHeld = true
  for (let n = 0; n < 4; n++) speak(stations[0] as Connected)
  for (const station of stations) speak(station)
  await turn()
  deepStrictEqual(held(), [true, true, true, true, true, true])
  strictEqual(gateway.node.pipeline.depth, 4, 'what came while it was full waits as text')
  gateway.log.land()
  await turn()
  deepStrictEqual(held(), [false, false, false, false, true, true], 'four were let go, the fourth filled it again')
  strictEqual(gateway.node.pipeline.depth, 4)
  gateway.log.isHeld = false
  gateway.log.land()
  await turn()
  await turn()
  deepStrictEqual(held(), [false, false, false, false, false, false])
})

test('while the log does not keep up nobody new is admitted: a connection is two events more', async () => {
  const gateway = new GatewayHarness({ settings: { eventsInMemoryMax: 2 } })
  const station = await gateway.connect('CP-1')
  await turn()
  gateway.log.isHeld = true
  for (let n = 0; n < 3; n++)
    station.call('StatusNotification', { connectorId: 0, errorCode: 'NoError', status: 'Available' })
  await turn()
  const { depth } = gateway.node.pipeline
  const admitted = await gateway.admit('CP-2')
  strictEqual(admitted.ok || admitted.refusal.code, 'not_available')
  strictEqual(gateway.node.pipeline.depth, depth)
  gateway.log.isHeld = false
  gateway.log.land()
  await turn()
  strictEqual((await gateway.admit('CP-2')).ok, true)
})

test('a stopping gateway admits nobody, also who was admitted before and opens now', async () => {
  const gateway = new GatewayHarness()
  const admitted = await gateway.admit('CP-1')
  gateway.node.hub.refuseNew()
  ok(admitted.ok)
  const wire = new FakeWire()
  admitted.open(wire)
  await turn()
  deepStrictEqual([wire.closes, gateway.registry.owners.has('CP-1')], [['shutting_down'], false])
  await rejects(gateway.connect('CP-2'), /shutting_down/)
})

test('a refusal is counted by its code and published', async () => {
  const gateway = new GatewayHarness()
  gateway.node.hub.refused({ code: 'no_subprotocol' }, { chargePointId: 'CP-1', remoteAddress: '10.0.0.1' })
  await turn()
  strictEqual(gateway.metrics.counts.get('connections_refused_total{no_subprotocol}'), 1)
  strictEqual(gateway.log.events('connection.refused').length, 1)
})
