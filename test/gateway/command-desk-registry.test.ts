import { deepStrictEqual, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { CommandRecord } from '../../src/ports/records.ts'
import { GatewayHarness, gatewaySettings, turn } from '../support/gateway.ts'
import { booted, outcomeOf } from './command-desk-world.ts'

// Commands that meet a registry that is away, or a ledger that lost what it knew.

test('what cannot be claimed is told by its cause, and no command exists then', async () => {
  const gateway = new GatewayHarness({ settings: { ...gatewaySettings, commandsOpenMax: 1 } })
  await booted(gateway)
  gateway.ledger.claim = () => Promise.reject(new GatewayError('registry_unavailable', 'Redis', { canRetry: true }))
  deepStrictEqual(await gateway.submit('CP-1', { id: 'c-1' }), { kind: 'registry_unavailable', detail: 'Redis' })
  gateway.ledger.claim = () => Promise.reject(new GatewayError('store_busy', 'disk', { canRetry: true }))
  deepStrictEqual(await gateway.submit('CP-1', { id: 'c-1' }), { kind: 'unavailable', detail: 'disk' })
  strictEqual(await gateway.node.desk.get('c-1'), undefined)
  strictEqual(gateway.node.desk.openCommands, 0)
})

const away = new GatewayError('registry_unavailable', 'Redis', { canRetry: true })

/** A way to other nodes that the registry bars as long as it `isAway`, and what went along it. */
function barredRoute() {
  const state = { isAway: true, tries: 0, delivered: [] as string[] }
  const deliver = async ({ commandId }: CommandRecord) => {
    state.tries++
    if (state.isAway) throw away
    state.delivered.push(commandId)
    return 'handed_over' as const
  }
  return { state, route: { deliver, cancel: async () => false } }
}

/** Lets the clock go on in the steps in which the desk tries again. */
async function passes(gateway: GatewayHarness, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    await turn()
    gateway.clock.advance(500)
  }
  await turn()
}

test('a command that meets a registry that is away exists, and goes on when it is back, before those that came later', async () => {
  const { state, route } = barredRoute()
  const gateway = new GatewayHarness({ route })
  const submitted = await gateway.submit('CP-1', { id: 'c-1' })
  deepStrictEqual([submitted.kind, submitted.kind === 'accepted' && submitted.record.state], ['accepted', 'claimed'])
  await passes(gateway, 1_000)
  strictEqual(state.tries, 3, 'about every half second')
  state.isAway = false
  strictEqual((await gateway.submit('CP-1', { id: 'c-2' })).kind, 'accepted', 'who gives a later one is not held up')
  await gateway.submit('CP-2', { id: 'c-3' })
  deepStrictEqual(state.delivered, ['c-3'], 'another charge point does not wait')
  await passes(gateway, 500)
  deepStrictEqual(state.delivered, ['c-3', 'c-1', 'c-2'])
  strictEqual(gateway.node.desk.openCommands, 0)
})

test('no more commands wait for one charge point elsewhere than for one that is here, and what is too much is told', async () => {
  const { state, route } = barredRoute()
  const gateway = new GatewayHarness({ route, settings: { queueCallsMax: 2 } })
  for (const id of ['c-1', 'c-2', 'c-3', 'c-4']) await gateway.submit('CP-1', { id })
  await gateway.submit('CP-2', { id: 'd-1' })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-4'), 'not_sent/queue_full')
  const [full] = gateway.log.events('command.outcome')
  strictEqual(full?.data.detail, '2 commands wait already (session.queue_calls_max); send it again later')
  strictEqual(gateway.node.desk.openCommands, 4)
  state.isAway = false
  await passes(gateway, 1_000)
  deepStrictEqual(state.delivered, ['c-1', 'd-1', 'c-2', 'c-3'])
  await gateway.submit('CP-1', { id: 'c-5' })
  strictEqual(state.delivered.at(-1), 'c-5')
})

// A limit that holds the topic would let the mute charge points of one backend hold all others. [D3]
test('commands of the topic are not held up by limits.commands_open_max, those by HTTP are refused at it', async () => {
  const gateway = new GatewayHarness({ settings: { commandsOpenMax: 1 } })
  await booted(gateway, 'CP-1')
  await booted(gateway, 'CP-2')
  const data = { action: 'Reset', payload: { type: 'Soft' } }
  for (const [id, chargePointId] of [['c-1', 'CP-1'] as const, ['c-2', 'CP-2'] as const]) {
    const request = { id, chargePointId, type: 'ocpp.call', data, requestedBy: 'kafka' }
    const taken = await gateway.node.desk.accept(request, gateway.clock.now())
    strictEqual(taken.kind, 'claimed')
    if (taken.kind === 'claimed') gateway.node.desk.dispatch(taken.record)
  }
  await turn()
  strictEqual(gateway.node.desk.openCommands, 2)
  strictEqual((await gateway.submit('CP-2', { id: 'c-3' })).kind, 'unavailable')
})

test('a command that waits for the registry goes to a session that came here meanwhile, before a later one', async () => {
  const { route } = barredRoute()
  const gateway = new GatewayHarness({ route })
  await gateway.submit('CP-1', { id: 'c-1', data: { action: 'ClearCache', payload: {} } })
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-2' })
  await passes(gateway, 500)
  const calls = () => station.wire.frames.filter(([type]) => type === 2).map(([, , action]) => action)
  deepStrictEqual(calls(), ['ClearCache'])
  station.accept()
  await turn()
  deepStrictEqual(calls(), ['ClearCache', 'Reset'])
})

test('a registry that stays away leaves a command to its deadline, and any other fault does so at once', async () => {
  const { state, route } = barredRoute()
  const gateway = new GatewayHarness({ route })
  const expiresAt = new Date(gateway.clock.now() + 1_000).toISOString()
  await gateway.submit('CP-1', { id: 'c-1', expiresAt })
  await passes(gateway, 3_000)
  strictEqual(state.tries, 3)
  const isLeft = ({ message }: { message: string }) => message.includes('its deadline settles it')
  strictEqual(gateway.lines.filter(isLeft).length, 1)
  const broken = new GatewayHarness({ route: { ...route, deliver: () => Promise.reject(new Error('broken')) } })
  strictEqual((await broken.submit('CP-1', { id: 'c-1' })).kind, 'accepted')
  strictEqual(broken.lines.filter(isLeft).length, 1)
})

test('a command that is cancelled while it waits for the registry is not tried again', async () => {
  const { state, route } = barredRoute()
  const gateway = new GatewayHarness({ route })
  await gateway.submit('CP-1', { id: 'c-1' })
  strictEqual((await gateway.node.desk.cancel('c-1')).kind, 'cancelled')
  state.isAway = false
  await passes(gateway, 1_000)
  deepStrictEqual([state.tries, state.delivered, gateway.node.desk.openCommands], [1, [], 0])
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/cancelled')
})

test('a stop ends a command that waits for the registry', async () => {
  const { route } = barredRoute()
  const gateway = new GatewayHarness({ route })
  await gateway.submit('CP-1', { id: 'c-1' })
  gateway.node.desk.stop()
  await passes(gateway, 500)
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/shutting_down')
})

test('a command that may have been written before the ledger lost its data is not written, and ends as unknown', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  const claim = gateway.ledger.claim.bind(gateway.ledger)
  const since: (number | undefined)[] = []
  gateway.ledger.claim = async (record) => {
    since.push(record.givenSinceMs)
    await claim(record)
    return { kind: 'in_doubt', record }
  }
  const submitted = await gateway.submit('CP-1', { id: 'c-1' })
  deepStrictEqual([submitted.kind, submitted.kind === 'accepted' && submitted.created], ['accepted', true])
  const request = { id: 'c-2', chargePointId: 'CP-1', type: 'ocpp.call', requestedBy: 'kafka' }
  const data = { action: 'Reset', payload: { type: 'Soft' } }
  deepStrictEqual(await gateway.node.desk.accept({ ...request, data }, gateway.clock.now()), { kind: 'known' })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'unknown/ledger_lost')
  strictEqual(outcomeOf(gateway, 'c-2'), 'unknown/ledger_lost')
  strictEqual(station.wire.frames.filter(([type]) => type === 2).length, 0)
  strictEqual(gateway.node.desk.openCommands, 0)
  deepStrictEqual(
    since,
    [gateway.clock.now() - gatewaySettings.commandAgeMaxMs, undefined],
    'who names an id by HTTP may have asked before; a record of the bus has its time'
  )
})
