import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import {
  CommandIntake,
  type IntakeParts,
  parseCommand,
  startIntake
} from '../../../src/gateway/cluster/command-intake.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import type { CommandSource, SourceRecord } from '../../../src/ports/command-source.ts'
import type { LeaseState } from '../../../src/ports/node-lease.ts'
import { claimedCommand } from '../../support/claimed-command.ts'
import { GatewayHarness, turn } from '../../support/gateway.ts'
import { memoryLogger } from '../../support/memory-logger.ts'
import { noMetrics } from '../../support/no-metrics.ts'

const schema = JSON.parse(readFileSync('schemas/commands/command.json', 'utf8'))
const fits = new Ajv({ strict: true, strictTypes: false }).compile(schema)

function recordOf(value: unknown, key?: string): SourceRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return {
    value: text,
    timestampMs: 0,
    where: 'commands-down/0@0',
    generation: 1,
    ...(key === undefined ? {} : { key })
  }
}

const good = { id: 'c-1', chargePointId: 'CP-1', type: 'ocpp.call', data: { action: 'Reset' } }

const odd = fc.oneof(
  fc.constantFrom(null, '', 0, 1, -1, 1.5, 1e300, true, [], {}, 'x', '.', 'two words', 'high', 'low', 'é'),
  fc.jsonValue({ maxDepth: 1 })
)
const two = (most: number) => fc.integer({ min: 0, max: most }).map((n) => String(n).padStart(2, '0'))
const time = fc
  .tuple(two(13), two(32), two(25), two(61), two(61), fc.constantFrom('', '.5', '.123456789'), fc.constantFrom('Z', ''))
  .map(
    ([month, day, hour, minute, second, part, zone]) => `2026-${month}-${day}T${hour}:${minute}:${second}${part}${zone}`
  )
const zoned = fc
  .tuple(time, two(25), two(61), fc.constantFrom('+', '-'))
  .map(([t, h, m, sign]) => `${t}${sign}${h}:${m}`)
const command = fc.record(
  {
    id: fc.oneof({ weight: 3, arbitrary: fc.stringMatching(/^[!-~]{1,130}$/) }, { weight: 1, arbitrary: odd }),
    chargePointId: fc.oneof(
      { weight: 3, arbitrary: fc.string() },
      { weight: 1, arbitrary: fc.constantFrom('a\u0001b', 'x'.repeat(255), 'x'.repeat(256), '\u007f') },
      { weight: 1, arbitrary: odd }
    ),
    type: fc.oneof({ weight: 3, arbitrary: fc.constant('ocpp.call') }, { weight: 1, arbitrary: odd }),
    data: odd,
    timeoutMs: fc.oneof({ weight: 2, arbitrary: fc.integer() }, { weight: 1, arbitrary: odd }),
    expiresAt: fc.oneof(
      time,
      zoned,
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      odd
    ),
    priority: fc.oneof({ weight: 2, arbitrary: fc.constantFrom('high', 'normal') }, { weight: 1, arbitrary: odd }),
    requestedBy: odd,
    more: odd
  },
  { requiredKeys: [] }
)

test('the published schema takes exactly the commands that the gateway takes', () => {
  let taken = 0
  const holds = (value: unknown): void => {
    const parsed = parseCommand(recordOf(JSON.stringify(value), 'CP-KEY'))
    strictEqual(
      parsed.ok,
      fits(JSON.parse(JSON.stringify(value))),
      `${JSON.stringify(value)}: ${JSON.stringify(parsed)}`
    )
    if (parsed.ok) taken++
    if (parsed.ok && parsed.request.expiresAt !== undefined) ok(!Number.isNaN(Date.parse(parsed.request.expiresAt)))
  }
  // Half of them one step away from a good one, or every member would have to be right by chance.
  fc.assert(
    fc.property(
      fc.oneof(
        command,
        command.map((parts) => ({ ...good, ...parts })),
        odd
      ),
      holds
    ),
    { numRuns: 3000 }
  )
  for (const part of ['id', 'chargePointId', 'type', 'timeoutMs', 'expiresAt', 'priority'])
    fc.assert(fc.property(command, (parts) => holds({ ...good, [part]: parts[part as keyof typeof parts] })))
  ok(taken > 200, `${taken} were commands`)
})

test('the example of the schema is a command, and the key of the record stands in for a missing charge point', () => {
  const [example] = schema.examples
  const parsed = parseCommand(recordOf(example))
  ok(parsed.ok)
  strictEqual(parsed.request.requestedBy, 'kafka')
  const { chargePointId: _, ...without } = good
  const keyed = parseCommand(recordOf(without, 'CP-7'))
  strictEqual(keyed.ok && keyed.request.chargePointId, 'CP-7')
  const nobody = parseCommand(recordOf(without))
  ok(!nobody.ok)
  match(nobody.detail, /or the key of the record/)
})

test('what has a usable id gets an outcome; what has none, only its dead letter', () => {
  const late = parseCommand(recordOf({ ...good, expiresAt: 'tomorrow' }))
  deepStrictEqual(late.ok ? undefined : late.known, { id: 'c-1', chargePointId: 'CP-1', type: 'ocpp.call' })
  // An id that the ledger cannot hold was dropped without a trace: no outcome, no dead letter.
  for (const id of ['two words', '', '..', 'x'.repeat(129), 7, undefined]) {
    const parsed = parseCommand(recordOf({ ...good, id }))
    ok(!parsed.ok && parsed.known === undefined, String(id))
    match(parsed.detail, /^id: /)
  }
  for (const text of ['{"no', '[]', 'null', '7']) {
    const parsed = parseCommand(recordOf(text))
    ok(!parsed.ok && parsed.known === undefined)
  }
})

function intakeOf(gateway: GatewayHarness) {
  const dead: [where: string, reason: string][] = []
  const intake = new CommandIntake({
    source: { deadLetter: async ({ where }, reason) => void dead.push([where, reason]) },
    accept: (request, timestampMs) => gateway.node.desk.accept(request, timestampMs),
    dispatch: (record) => gateway.node.desk.dispatch(record),
    refuse: (request, detail, timestampMs) => gateway.node.desk.refuse(request, detail, timestampMs),
    deadLetters: gateway.metrics.counter('dead_letters_total', {}),
    logger: memoryLogger()
  })
  return { dead, intake }
}

// Each of these was rejected anew for ever, and its partition stood; or it was claimed and never got its outcome.
const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
const farAway = new Date(30 * 86_400_000).toISOString()
for (const [what, value, timestampMs, reason, hasOutcome] of [
  ['an id of a charge point that no key can hold', { ...good, chargePointId: 'x'.repeat(3_000) }, 0, /^charge/, false],
  ['an id with half a character', { ...good, chargePointId: 'CP-\ud800' }, 0, /^chargePointId/, false],
  ['an id with what parts the members of a key', { ...good, chargePointId: 'a\u0001b' }, 0, /^chargePointId/, false],
  ['data nested deeper than a stack', JSON.stringify(good).replace('"Reset"', nested), 0, /^data: .* levels/, true],
  ['a type that is none', { ...good, type: 'coffee.make' }, 0, /^type: "coffee.make"/, true],
  ['a type as long as a record', { ...good, type: 'x'.repeat(500_000) }, 0, /^type: "x{100}" .{1,200}$/, true],
  ['a timeout beyond the limit', { ...good, timeoutMs: 600_001 }, 0, /^timeoutMs: .*command_timeout_max/, true],
  ['an expiry beyond the limit', { ...good, expiresAt: farAway }, 0, /^expiresAt: .*command_expiry_max/, true],
  ['a timestamp in nanoseconds', good, 1_790_000_000_000_000_000, /timestamp/, true],
  // What Go makes of a time that was never set.
  ['a timestamp far below zero', good, -6_795_364_578_871_000_000, /timestamp/, true],
  ['no timestamp', good, -1, /timestamp/, true],
  ['a timestamp that is no number', good, Number.NaN, /timestamp/, true],
  ['no type and no timestamp', { ...good, type: 7 }, -9e15, /timestamp/, true]
] as const) {
  test(`a record with ${what} stops no partition, and what is told of it is told once`, async () => {
    const gateway = new GatewayHarness()
    const { dead, intake } = intakeOf(gateway)
    const records = [{ ...recordOf(value), timestampMs }, recordOf({ ...good, id: 'c-2' })]
    await intake.accept(records)
    intake.proceed(records)
    await turn()
    match(dead[0]?.[1] ?? '', reason)
    deepStrictEqual([dead.length, gateway.metrics.counts.get('dead_letters_total{}')], [1, 1])
    const outcomes = gateway.log.events('command.outcome').map(({ data }) => [data.commandId, data.reason, data.detail])
    const first = hasOutcome ? [['c-1', 'invalid', dead[0]?.[1]]] : []
    deepStrictEqual(outcomes.slice(0, -1), first, 'with the same words')
    deepStrictEqual(outcomes.at(-1)?.slice(0, 2), ['c-2', 'unknown_charge_point'])
  })
}

test('a record that the desk refuses and the bus brings again has one outcome, and may lie among the dead letters twice', async () => {
  const gateway = new GatewayHarness()
  const { dead, intake } = intakeOf(gateway)
  const bad = { ...good, type: 'coffee.make' }
  await intake.accept([recordOf(bad)])
  await turn()
  await intake.accept([{ ...recordOf(bad), generation: 2 }])
  await turn()
  strictEqual(gateway.log.events('command.outcome').length, 1)
  deepStrictEqual(
    dead.map(([, reason]) => reason.slice(0, 19)),
    ['type: "coffee.make"', 'type: "coffee.make"']
  )
})

test('a batch that comes again because of one record puts the others aside once', async () => {
  const gateway = new GatewayHarness()
  const { dead, intake } = intakeOf(gateway)
  const records = [recordOf('no JSON'), recordOf({ ...good, type: 'coffee.make' }), recordOf({ ...good, id: 'c-2' })]
  const claim = gateway.ledger.claim.bind(gateway.ledger)
  gateway.ledger.claim = async (record) => {
    if (record.commandId === 'c-2') throw away
    return await claim(record)
  }
  await rejects(intake.accept(records), /Redis is away/)
  gateway.ledger.claim = claim
  await intake.accept(records)
  strictEqual(dead.length, 2)
})

// It was dropped without a trace: its id has the outcome of the other one.
test('a record with the id of another command goes to the dead letters alone, and that one goes on', async () => {
  const gateway = new GatewayHarness()
  const { dead, intake } = intakeOf(gateway)
  const first = { ...recordOf(good), where: 'commands-down/0@0' }
  const other = { ...recordOf({ ...good, data: { action: 'ClearCache' } }), where: 'commands-down/0@1' }
  const same = { ...recordOf(good), where: 'commands-down/0@2' }
  await intake.accept([first, other, same])
  intake.proceed([first, other, same])
  await turn()
  deepStrictEqual(
    dead.map(([where, reason]) => [where, reason.slice(0, 30)]),
    [['commands-down/0@1', 'id: another command has it alr']]
  )
  const outcomes = gateway.log.events('command.outcome').map(({ data }) => [data.commandId, data.reason])
  deepStrictEqual(outcomes, [['c-1', 'unknown_charge_point']])
})

test('what cannot be taken however often it comes goes to the dead letters; what the registry cannot take now, comes again', async () => {
  const dead: string[] = []
  let error: Error = new TypeError('this one breaks the gateway')
  const intake = new CommandIntake({
    source: { deadLetter: async (_record, reason) => void dead.push(reason) },
    accept: async () => {
      throw error
    },
    dispatch: () => undefined,
    refuse: async () => undefined,
    deadLetters: noMetrics.counter('dead_letters_total', {}),
    logger: memoryLogger()
  })
  await intake.accept([recordOf(good)])
  deepStrictEqual(dead, ['it cannot be taken: this one breaks the gateway'])
  error = new GatewayError('registry_unavailable', 'Redis is away', { canRetry: true })
  await rejects(intake.accept([recordOf(good)]), /Redis is away/)
  strictEqual(dead.length, 1)
})

/** An intake whose claims end when the test says so. */
function slowIntake() {
  const claims: { id: string; end: (error?: Error) => void }[] = []
  const dispatched: string[] = []
  const confirmed = new Map<string, PromiseWithResolvers<boolean>>()
  const known = new Set<string>()
  const intake = new CommandIntake({
    source: { deadLetter: async () => undefined },
    accept: async ({ id, chargePointId }) => {
      const turnOfIt = Promise.withResolvers<void>()
      claims.push({ id, end: (error) => (error ? turnOfIt.reject(error) : turnOfIt.resolve()) })
      await turnOfIt.promise
      const isNew = !known.has(id)
      known.add(id)
      return isNew ? { kind: 'claimed', record: claimedCommand(id, { chargePointId }) } : { kind: 'known' }
    },
    confirm: ({ commandId }) => {
      const answer = Promise.withResolvers<boolean>()
      confirmed.set(commandId, answer)
      return answer.promise
    },
    dispatch: ({ commandId }, mayGo) => void mayGo?.then((goes) => dispatched.push(`${commandId} ${goes}`)),
    refuse: async () => undefined,
    deadLetters: noMetrics.counter('dead_letters_total', {}),
    logger: memoryLogger()
  })
  return { intake, claims, dispatched, confirmed }
}
const placed = (id: string, chargePointId = 'CP-1') => ({
  ...recordOf({ ...good, id, chargePointId }, chargePointId),
  where: `commands-down/0@${id}`
})
const away = new GatewayError('registry_unavailable', 'Redis is away', { canRetry: true })

// What is claimed after its batch went on without it is sent by nobody.
test('a batch that fails has its end when all of its records have theirs', async () => {
  const { intake, claims } = slowIntake()
  let isOver = false
  const failed = intake.accept([placed('c-1'), placed('c-2', 'CP-2')]).catch(() => {
    isOver = true
  })
  await turn()
  claims[0]?.end(away)
  await turn()
  strictEqual(isOver, false, 'c-2 is still being claimed')
  claims[1]?.end()
  await failed
  strictEqual(isOver, true)
})

test('a record that is read again while it is being claimed waits for that, and goes once', async () => {
  const { intake, claims, dispatched, confirmed } = slowIntake()
  const first = intake.accept([placed('c-1')])
  await turn()
  const again = intake.accept([{ ...placed('c-1'), generation: 2 }])
  await turn()
  strictEqual(claims.length, 1, 'one at a time')
  claims[0]?.end()
  await first
  await turn()
  claims[1]?.end()
  await again
  intake.proceed([placed('c-1')])
  intake.committedElsewhere([placed('c-1')])
  await turn()
  confirmed.get('c-1')?.resolve(true)
  await turn()
  deepStrictEqual(dispatched, ['c-1 true'])
})

test('commands of a charge point are confirmed one after the other, those of another do not wait', async () => {
  const { intake, claims, dispatched, confirmed } = slowIntake()
  const records = [placed('c-1'), placed('c-2'), placed('d-1', 'CP-2')]
  const accepted = intake.accept(records)
  for (let n = 0; n < 3; n++) {
    await turn()
    for (const claim of claims) claim.end()
  }
  await accepted
  intake.proceed(records)
  await turn()
  deepStrictEqual([...confirmed.keys()], ['c-1', 'd-1'])
  confirmed.get('c-1')?.resolve(false)
  await turn()
  deepStrictEqual(dispatched, ['c-1 false'], 'another node has taken it over')
  confirmed.get('c-2')?.resolve(true)
  await turn()
  deepStrictEqual(dispatched, ['c-1 false', 'c-2 true'])
})

test('the outcome of a record whose timestamp is none says when it was read, so that it is forgotten in its time', async () => {
  const gateway = new GatewayHarness()
  const { intake } = intakeOf(gateway)
  await intake.accept([{ ...recordOf(good), timestampMs: 1_790_000_000_000_000_000 }])
  await turn()
  const [outcome] = gateway.log.events('command.outcome')
  strictEqual(outcome?.data.requestedAt, new Date(gateway.clock.now()).toISOString())
})

/** An intake on a bus that keeps what it is told, with a lease that the test moves. */
async function intakeWith(kind: LeaseState) {
  const told: string[] = []
  let follow: (state: LeaseState) => void = () => undefined
  const source: CommandSource = {
    start: async () => void told.push('start'),
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    deadLetter: async () => undefined,
    state: () => ({ kind: 'up', sinceMs: 0 }),
    close: async () => undefined
  }
  const lease: IntakeParts['lease'] = {
    state: () => ({ kind, sinceMs: 0 }),
    onChange: (listener) => {
      follow = listener
      return () => undefined
    }
  }
  const { node, metrics } = new GatewayHarness()
  await startIntake({ source, desk: node.desk, lease, metrics, logger: memoryLogger() })
  return { told, follow: (state: LeaseState) => follow(state) }
}

// Its lease changes nothing before it is back: batches were fetched, and each of their claims failed.
test('with a registry that is away from the start the topic is not read before it is back', async () => {
  const { told, follow } = await intakeWith('away')
  deepStrictEqual(told.splice(0), ['pause', 'start'])
  follow('lost')
  follow('held')
  deepStrictEqual(told.splice(0), ['resume', 'resume'])
  follow('away')
  follow('lost')
  follow('taken')
  deepStrictEqual(told, ['pause', 'resume', 'pause'])
  ok(!(await intakeWith('held')).told.includes('pause'))
})
