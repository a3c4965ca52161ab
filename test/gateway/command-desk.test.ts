import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayHarness, turn } from '../support/gateway.ts'
import { MemoryStore, memoryDirectory } from '../support/memory-ports.ts'
import { booted, outcomeOf } from './command-desk-world.ts'

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
