import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { derivedId } from '../../src/lib/derived-id.ts'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { CommandRecord } from '../../src/ports/records.ts'
import { type Connected, GatewayHarness, gatewaySettings, turn } from '../support/gateway.ts'
import { MemoryStore, memoryDirectory } from '../support/memory-ports.ts'

async function booted(gateway: GatewayHarness, id = 'CP-1'): Promise<Connected> {
  const station = await gateway.connect(id)
  station.boot()
  await turn()
  return station
}

/** The one outcome of a command: there must be exactly one event, with the id that anybody would give it. */
function outcomeOf(gateway: GatewayHarness, commandId: string): string {
  const events = gateway.log.events('command.outcome').filter(({ correlationid }) => correlationid === commandId)
  strictEqual(events.length, 1, `one outcome of ${commandId}`)
  strictEqual(events[0]?.id, derivedId('command.outcome', commandId))
  const { outcome, reason } = events[0]?.data ?? {}
  return reason === undefined ? String(outcome) : `${outcome}/${reason}`
}

test('a command goes to its charge point, and its answer is its one outcome', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  const submitted = await gateway.submit('CP-1', { id: 'c-1' })
  deepStrictEqual([submitted.kind, submitted.kind === 'accepted' && submitted.created], ['accepted', true])
  strictEqual(gateway.node.desk.openCommands, 1)
  await turn()
  deepStrictEqual(station.wire.frames.at(-1)?.slice(2), ['Reset', { type: 'Soft' }])
  station.accept()
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'accepted')
  strictEqual(gateway.node.desk.openCommands, 0)
  strictEqual((await gateway.node.desk.get('c-1'))?.state, 'settled')
  strictEqual(gateway.metrics.counts.get('commands_total{accepted,}'), 1)
})

test('the same id and body again is the same command, and reaches the charge point once', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  const again = await gateway.submit('CP-1', { id: 'c-1' })
  ok(again.kind === 'accepted')
  strictEqual(again.created, false)
  await turn()
  station.accept()
  await turn()
  const later = await gateway.submit('CP-1', { id: 'c-1' })
  ok(later.kind === 'accepted')
  strictEqual(later.record.settlement?.outcome, 'accepted')
  strictEqual(station.wire.frames.filter(([type]) => type === 2).length, 1)
  strictEqual(outcomeOf(gateway, 'c-1'), 'accepted')
})

test('an outcome that is not on disk yet is not told to who asks again, because a crash may undo it', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  gateway.log.isHeld = true
  station.accept()
  await turn()
  const again = await gateway.submit('CP-1', { id: 'c-1' })
  strictEqual(again.kind === 'accepted' && again.record.state, 'written')
  gateway.log.land()
  await turn()
  const later = await gateway.submit('CP-1', { id: 'c-1' })
  strictEqual(later.kind === 'accepted' && later.record.state, 'settled')
})

for (const [what, change] of [
  ['another payload', { data: { action: 'Reset', payload: { type: 'Hard' } } }],
  ['another timeout', { timeoutMs: 5 }],
  ['another priority', { priority: 'normal' }],
  ['another charge point', { chargePointId: 'CP-2' }]
] as const) {
  test(`the same id with ${what} is a conflict, and nothing is sent`, async () => {
    const gateway = new GatewayHarness()
    const station = await booted(gateway)
    await gateway.submit('CP-1', { id: 'c-1' })
    const { kind } = await gateway.submit('CP-1', { id: 'c-1', ...change })
    await turn()
    strictEqual(kind, 'conflict')
    strictEqual(station.wire.frames.filter(([type]) => type === 2).length, 1)
  })
}

for (const [what, request, detail] of [
  ['an id with a space', { id: 'c 1' }, /^id:/],
  ['an id that is too long', { id: 'x'.repeat(129) }, /^id:/],
  ['an unknown type', { type: 'coffee.make' }, /ocpp\.call/],
  ['a time that is none', { expiresAt: 'soon' }, /^expiresAt:/]
] as const) {
  test(`${what} is invalid and makes no command`, async () => {
    const gateway = new GatewayHarness()
    const submitted = await gateway.submit('CP-1', request)
    ok(submitted.kind === 'invalid')
    match(submitted.detail, detail)
    strictEqual(gateway.store.list('commands').length, 0)
  })
}

test('what a command does not say is filled in from the settings', async () => {
  const gateway = new GatewayHarness({
    settings: { callTimeoutMs: 7_000, commandAgeMaxMs: 60_000, commandMemoryMs: 3_600_000 }
  })
  const nowMs = gateway.clock.now()
  const submitted = await gateway.submit('CP-1')
  ok(submitted.kind === 'accepted')
  const { commandId, timeoutMs, expiresAtMs, priority, forgetAtMs } = submitted.record
  deepStrictEqual(
    [timeoutMs, expiresAtMs - nowMs, priority, forgetAtMs - nowMs],
    [7_000, 60_000, 'high', 60_000 + 7_000 + 3_600_000]
  )
  ok(commandId.startsWith('id-'))
})

test('a charge point that was never seen and one that is away are told apart', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  station.conversation.closed('connection_lost')
  await turn()
  await gateway.submit('CP-1', { id: 'c-1' })
  await gateway.submit('CP-9', { id: 'c-2' })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/offline')
  strictEqual(outcomeOf(gateway, 'c-2'), 'not_sent/unknown_charge_point')
})

test('a directory that does not answer leaves no command open', async () => {
  const store = new MemoryStore()
  const directory = { ...memoryDirectory(store), chargePoint: () => Promise.reject(new Error('away')) }
  const gateway = new GatewayHarness({ store, directory })
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/offline')
})

test('what the version does not have, or its schema forbids, is not sent', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1', data: { action: 'GetReport', payload: {} } })
  await gateway.submit('CP-1', { id: 'c-2', data: { action: 'Reset', payload: { type: 'Medium' } } })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/unsupported')
  strictEqual(outcomeOf(gateway, 'c-2'), 'not_sent/invalid')
  strictEqual(station.wire.frames.filter(([type]) => type === 2).length, 0)
})

test('an answer that never comes is unknown/timeout after its own time', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1', timeoutMs: 2_000 })
  await turn()
  gateway.clock.advance(1_999)
  await turn()
  strictEqual(gateway.log.events('command.outcome').length, 0)
  gateway.clock.advance(1)
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'unknown/timeout')
})

test('a connection that ends settles all its commands: what was written is unknown, the rest was not sent', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  await gateway.submit('CP-1', { id: 'c-2' })
  station.conversation.closed('connection_lost')
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'unknown/disconnected')
  strictEqual(outcomeOf(gateway, 'c-2'), 'not_sent/offline')
})

test('a command of a displaced session is not written by anybody', async () => {
  const gateway = new GatewayHarness()
  const first = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await gateway.submit('CP-1', { id: 'c-2' })
  const second = await gateway.connect('CP-1')
  await turn()
  strictEqual(outcomeOf(gateway, 'c-2'), 'not_sent/offline')
  match(outcomeOf(gateway, 'c-1'), /^(unknown\/disconnected|not_sent\/offline)$/)
  const calls = [first, second].flatMap(({ wire }) => wire.frames.filter(([type]) => type === 2))
  ok(calls.length <= 1)
})

test('who waits gets the outcome as soon as it is on disk, and everybody who waits', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  gateway.log.isHeld = true
  const got: (string | undefined)[] = []
  for (const _ of [1, 2])
    gateway.node.desk.settled('c-1', 10_000).then((record) => got.push(record?.settlement?.outcome))
  station.accept()
  await turn()
  deepStrictEqual(got, [])
  gateway.log.land()
  await turn()
  deepStrictEqual(got, ['accepted', 'accepted'])
  strictEqual((await gateway.node.desk.settled('c-1', 10_000))?.state, 'settled')
})

test('who waits hears nothing of an outcome that a ledger elsewhere has and this disk has not', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  gateway.log.isHeld = true
  station.accept()
  await turn()
  gateway.ledger.get = async () => gateway.ledger.won[0]
  let got: string | undefined
  gateway.node.desk.settled('c-1', 10_000).then((record) => {
    got = record?.settlement?.outcome
  })
  await turn()
  strictEqual(got, undefined)
  gateway.log.land()
  await turn()
  strictEqual(got, 'accepted')
})

test('who waits in vain gets the command as it stands; an unknown id is nobody', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  const waiting = gateway.node.desk.settled('c-1', 5_000)
  await turn()
  gateway.clock.advance(5_000)
  strictEqual((await waiting)?.state, 'written')
  strictEqual(await gateway.node.desk.settled('c-9', 5_000), undefined)
})

test('a queued command is cancelled; one that was written is too late; one that nobody knows is unknown', async () => {
  const gateway = new GatewayHarness()
  const station = await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  await gateway.submit('CP-1', { id: 'c-2' })
  const cancelled = await gateway.node.desk.cancel('c-2')
  strictEqual(cancelled.kind, 'cancelled')
  strictEqual(outcomeOf(gateway, 'c-2'), 'not_sent/cancelled')
  strictEqual((await gateway.node.desk.cancel('c-1')).kind, 'too_late')
  strictEqual((await gateway.node.desk.cancel('c-2')).kind, 'too_late')
  strictEqual((await gateway.node.desk.cancel('c-9')).kind, 'unknown')
  station.accept()
  await turn()
  strictEqual(station.wire.frames.filter(([type]) => type === 2).length, 1)
})

test('a cancel that the disk does not keep up with is told as the cancel that it is', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await turn()
  await gateway.submit('CP-1', { id: 'c-2' })
  gateway.log.isHeld = true
  const cancelling = gateway.node.desk.cancel('c-2')
  await turn()
  gateway.clock.advance(1_000)
  strictEqual((await cancelling).kind, 'cancelled')
})

/** A command that is claimed, as an earlier session left it. */
function claimed(state: CommandRecord['state'], commandId: string): CommandRecord {
  return {
    commandId,
    chargePointId: 'CP-1',
    type: 'ocpp.call',
    data: {},
    digest: 'd',
    priority: 'normal',
    timeoutMs: 1,
    expiresAtMs: 1e15,
    requestedBy: 'test',
    requestedAtMs: 0,
    state,
    node: 'node-a',
    forgetAtMs: 1e15,
    ...(state === 'written' ? { writtenAtMs: 1, epoch: 1 } : {})
  }
}

test('a queued command whose session is gone can be cancelled, and ends once', async () => {
  const gateway = new GatewayHarness()
  await gateway.ledger.claim(claimed('claimed', 'c-1'))
  strictEqual((await gateway.node.desk.cancel('c-1')).kind, 'cancelled')
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/cancelled')
})

test('a command is settled once, whoever comes second', async () => {
  const gateway = new GatewayHarness()
  await gateway.ledger.claim(claimed('claimed', 'c-1'))
  gateway.node.desk.settle('c-1', { outcome: 'not_sent', reason: 'expired' })
  gateway.node.desk.settle('c-1', { outcome: 'accepted' })
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/expired')
})

test('a ledger that cannot settle is logged, and the desk is idle again', async () => {
  const gateway = new GatewayHarness()
  await gateway.ledger.claim(claimed('claimed', 'c-1'))
  gateway.ledger.failure = new Error('away')
  gateway.node.desk.settle('c-1', { outcome: 'not_sent', reason: 'expired' })
  strictEqual(gateway.node.desk.idle, false)
  await turn()
  strictEqual(gateway.node.desk.idle, true)
  match(gateway.lines.at(-1)?.message ?? '', /could not be settled/)
})

test('a stopping desk ends every new command, and is not idle while one is on its way', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  gateway.node.desk.stop()
  const submitting = gateway.submit('CP-1', { id: 'c-1' })
  strictEqual(gateway.node.desk.idle, false)
  await submitting
  await turn()
  strictEqual(gateway.node.desk.idle, true)
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/shutting_down')
})

test('after a crash what was written is unknown and what was not is not sent, both once (D2)', async () => {
  const store = new MemoryStore()
  for (const record of [claimed('claimed', 'c-1'), claimed('written', 'c-2')])
    await store.commit([{ table: 'commands', key: record.commandId, value: record }])
  const gateway = new GatewayHarness({ store })
  await gateway.node.recover()
  strictEqual(gateway.log.appends.length, 1, 'published before anybody can come')
  await turn()
  strictEqual(outcomeOf(gateway, 'c-1'), 'not_sent/node_lost')
  strictEqual(outcomeOf(gateway, 'c-2'), 'unknown/node_lost')
  strictEqual(gateway.node.desk.openCommands, 0)
  const next = new GatewayHarness({ store })
  await next.node.recover()
  await turn()
  strictEqual(next.log.events().length, 0)
})

test('a recovery whose outcomes did not reach the disk gives them the same ids the next time', async () => {
  const store = new MemoryStore()
  await store.commit([{ table: 'commands', key: 'c-1', value: claimed('written', 'c-1') }])
  const first = new GatewayHarness({ store })
  first.log.isHeld = true
  await first.node.recover()
  const second = new GatewayHarness({ store })
  await second.node.recover()
  await turn()
  strictEqual(JSON.parse(first.log.appends[0]?.[0]?.text ?? '{}').id, second.log.events()[0]?.id)
})

test('the end of a command that another node had, or that somebody else has ended, counts for none of this one', async () => {
  const gateway = new GatewayHarness()
  await booted(gateway)
  await gateway.submit('CP-1', { id: 'c-1' })
  await gateway.ledger.claim(claimed('claimed', 'c-2'))
  await gateway.node.desk.settle('c-2', { outcome: 'unknown', reason: 'node_lost' })
  strictEqual(gateway.node.desk.openCommands, 1)
  gateway.ledger.settle = async () => undefined
  await gateway.node.desk.settle('c-1', { outcome: 'not_sent', reason: 'expired' })
  strictEqual(gateway.node.desk.openCommands, 0)
})

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
  strictEqual(await gateway.node.desk.accept({ ...request, data }, gateway.clock.now()), undefined)
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
