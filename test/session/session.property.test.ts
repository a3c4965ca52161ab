import { test } from 'node:test'
import fc from 'fast-check'
import type { Decision } from '../../src/events/decision.ts'
import type { OcppVersion } from '../../src/protocol/version.ts'
import {
  accepted,
  v16Boot,
  v16Meter,
  v16Start,
  v16Status,
  v16Stop,
  v201Boot,
  v201Event,
  v201Status
} from './support.ts'
import { type Inbound, World } from './world.ts'

// Every payload has an id of its own, so that the same id always means the same text; ids that come with another text
// are covered by example.
function callsOf(version: OcppVersion): readonly (readonly [action: string, payload: unknown])[] {
  const token = { idToken: 'T', type: 'ISO14443' }
  if (version === '1.6') {
    return [
      ['Heartbeat', {}],
      ['BootNotification', v16Boot],
      ['StatusNotification', v16Status],
      ['StatusNotification', { ...v16Status, connectorId: 0, timestamp: 'yesterday' }],
      ['Authorize', { idTag: 'T' }],
      ['StartTransaction', v16Start],
      ['StartTransaction', { ...v16Start, connectorId: 2 }],
      ['StartTransaction', { ...v16Start, connectorId: 3 }],
      ['MeterValues', v16Meter()],
      ['MeterValues', v16Meter(1001)],
      ['StopTransaction', v16Stop(1001)],
      ['StopTransaction', v16Stop(0)],
      ['DataTransfer', { vendorId: 'V' }],
      ['Nonsense', {}],
      ['Reset', { type: 'Soft' }],
      ['StatusNotification', { connectorId: 'one' }],
      ['StatusNotification', null]
    ]
  }
  return [
    ['Heartbeat', {}],
    ['BootNotification', v201Boot],
    ['StatusNotification', v201Status],
    ['Authorize', { idToken: token }],
    ['TransactionEvent', v201Event('Started', 0, { idToken: token })],
    ['TransactionEvent', v201Event('Updated', 1, { evse: { id: 1, connectorId: 1 } })],
    ['TransactionEvent', v201Event('Updated', 2, { idToken: token, offline: true })],
    ['TransactionEvent', v201Event('Ended', 3)],
    ['DataTransfer', { vendorId: 'V' }],
    ['Nonsense', {}],
    ['Reset', { type: 'Immediate' }],
    ['NotifyPeriodicEventStream', {}],
    ['StatusNotification', { evseId: 'one' }],
    ['TransactionEvent', null]
  ]
}

function call(version: OcppVersion): fc.Arbitrary<Inbound> {
  return fc.constantFrom(...callsOf(version).entries()).map(([n, [action, payload]]) => {
    const id = `${action}-${n}`
    return { text: JSON.stringify([2, id, action, payload]), owes: id, quality: 'good' }
  })
}

function odd(version: OcppVersion): fc.Arbitrary<Inbound> {
  const unreadable = version === '1.6' ? {} : { owes: '-1' }
  const unknownType = version === '2.0.1' ? { owes: 'x', quality: 'bad' } : { quality: 'ignored' }
  return fc.constantFrom<Inbound>(
    { text: '', quality: 'ignored' },
    { text: 'nonsense', quality: 'bad', ...unreadable },
    { text: '{"a":1}', quality: 'bad', ...unreadable },
    { text: '[2,"cut","Heartbeat",{', quality: 'bad', owes: 'cut' },
    { text: '[2,"short"]', quality: 'bad', owes: 'short' },
    { text: '[9,"x",{}]', ...unknownType } as Inbound
  )
}

interface Input extends fc.Command<object, World> {
  toString(): string
}

function input(name: string, run: (world: World) => void): Input {
  return { check: () => true, run: (_, world) => run(world), toString: () => name }
}

function pick<T>(from: readonly T[], seed: number): T | undefined {
  return from[seed % from.length]
}

const decisions: readonly Decision[] = [
  accepted,
  accepted,
  { decidedBy: 'fallback' },
  { decidedBy: 'http', registration: { status: 'pending', intervalS: 10 }, authorization: { status: 'blocked' } },
  { decidedBy: 'http', registration: { status: 'rejected', intervalS: 10 } }
]

/** Go on with whatever is asked for, so that a script gets somewhere. */
function progress(world: World, seed: number): void {
  const [decide] = world.decides
  const [identify] = world.identifies
  const [clear] = world.clears
  if (clear !== undefined) world.cleared(clear, true)
  else if (decide !== undefined) world.decide(decide, accepted)
  else if (identify !== undefined) world.identify(identify)
  else withOne(world.tickets, seed, (ticket) => world.durable(ticket))
}

const answers = {
  yes: (id: string) => [3, id, { status: 'Accepted' }],
  no: (id: string) => [3, id, { status: 'Rejected' }],
  nonsense: (id: string) => [3, id, { nonsense: true }],
  error: (id: string) => [4, id, 'GenericError', '', {}]
} as const

const seed = fc.nat({ max: 1000 })

function framesUp(version: OcppVersion): fc.Arbitrary<Input>[] {
  const frame = (inbound: Inbound) => input(`frame ${inbound.text}`, (world) => world.frame(inbound))
  const answer = fc
    .record({
      whose: fc.constantFrom('open', 'open', 'old', 'foreign'),
      what: fc.constantFrom('yes', 'no', 'nonsense', 'error'),
      n: seed
    })
    .map(({ whose, what, n }) =>
      input(`answer ${whose} ${what} ${n}`, (world) => {
        const other = whose === 'old' ? pick(world.oldMessageIds, n) : `foreign-${n}`
        const id = whose === 'open' ? world.open?.id : other
        if (id !== undefined) world.answer(id, answers[what](id))
      })
    )
  return [...times(4, call(version).map(frame)), ...times(2, answer), odd(version).map(frame)]
}

/** What the gateway answers to the questions of the session, in any order. */
function gatewayInputs(): fc.Arbitrary<Input>[] {
  const onward = seed.map((n) => input(`progress ${n}`, (world) => progress(world, n)))
  const durable = seed.map((n) =>
    input(`durable ${n}`, (world) => withOne(world.tickets, n, (ticket) => world.durable(ticket)))
  )
  const decide = fc
    .constantFrom(...decisions)
    .map((decision) =>
      input(`decide ${JSON.stringify(decision)}`, (world) =>
        withOne(world.decides, 0, (ticket) => world.decide(ticket, decision))
      )
    )
  const identify = fc.constant(
    input('identify', (world) => withOne(world.identifies, 0, (ticket) => world.identify(ticket)))
  )
  const cleared = fc
    .tuple(seed, fc.constantFrom(true, true, false))
    .map(([n, isGranted]) =>
      input(`cleared ${n} ${isGranted}`, (world) => withOne(world.clears, n, (id) => world.cleared(id, isGranted)))
    )
  const stale = seed.map((n) =>
    input(`stale ${n}`, (world) => {
      world.take(world.session.decided(-n - 1, accepted, world.nowMs))
      world.take(world.session.identified(-n - 1, 1, world.nowMs))
      world.take(world.session.durable(-n - 1, world.nowMs))
      world.take(world.session.cleared(`nobody-${n}`, 'written', world.nowMs))
    })
  )
  return [...times(4, onward), ...times(2, durable), decide, identify, ...times(2, cleared), stale]
}

function operatorInputs(): fc.Arbitrary<Input>[] {
  const enqueue = fc
    .record({
      priority: fc.constantFrom('high', 'normal'),
      timeoutMs: fc.constantFrom(50, 5000),
      livesMs: fc.constantFrom(-1, 100, 100_000, 100_000)
    })
    .map(({ priority, timeoutMs, livesMs }) =>
      input(`enqueue ${priority} ${timeoutMs} ${livesMs}`, (world) => world.enqueue(priority, timeoutMs, livesMs))
    )
  const cancel = seed.map((n) =>
    input(`cancel ${n}`, (world) =>
      withOne([...world.settlements.keys(), 'nobody'], n, (id) => world.take(world.session.cancel(id, world.nowMs)))
    )
  )
  const tick = fc
    .constantFrom(0, 1, 60, 6000, 31_000, 400_000)
    .map((forwardMs) => input(`tick ${forwardMs}`, (world) => world.tick(forwardMs)))
  const stop = seed.map((n) => input(`stop ${n}`, (world) => n % 10 === 0 && world.stop()))
  const close = seed.map((n) => input(`close ${n}`, (world) => n % 10 === 0 && !world.isClosed && world.close()))
  return [...times(3, enqueue), cancel, tick, stop, close]
}

function times<T>(count: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T>[] {
  return Array.from({ length: count }, () => arbitrary)
}

function withOne<T>(from: readonly T[], seed: number, act: (one: T) => void): void {
  const one = pick(from, seed)
  if (one !== undefined) act(one)
}

/** SESSION_RUNS=20000 looks longer than a unit test may. */
const numRuns = Number(process.env.SESSION_RUNS ?? 500)

function scripts(version: OcppVersion) {
  const inputs = [...framesUp(version), ...gatewayInputs(), ...operatorInputs()]
  return fc.commands<object, World>(inputs, { size: 'max', maxCommands: 120 })
}

for (const version of ['1.6', '2.0.1', '2.1'] as const) {
  test(`${version}: under any interleaving every CALL has one answer in order, every command one outcome`, () => {
    const registration = fc.constantFrom('accepted', 'accepted', 'pending', 'rejected', null)
    fc.assert(
      fc.property(registration, scripts(version), (status, script) => {
        const world = new World(version, status)
        fc.modelRun(() => ({ model: {}, real: world }), script)
        if (!world.isClosed) {
          world.drain(accepted)
          world.nothingIsOwed()
          world.close()
        }
        world.everyCommandHasOneOutcome()
      }),
      { numRuns }
    )
  })
}
