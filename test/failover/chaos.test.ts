import { deepStrictEqual, ok } from 'node:assert'
import { test } from 'node:test'
import { chaosCases } from '../chaos/cases.ts'
import { runChaos } from '../chaos/run-chaos.ts'
import { chaosTable } from '../chaos/table.ts'

// The short form of `npm run chaos`, which has more cases, more charge points and longer faults.
const names = ['gateway-killed', 'gateway-paused', 'brokers-away', 'redis-emptied', 'rolling-restart']

test('a cluster through kill, pause, outages and restart: nothing answered is lost, no command is written twice', async (t) => {
  const { cases } = await runChaos({
    cases: chaosCases.filter(({ name }) => names.includes(name)),
    stations: 40,
    commandsPerSecond: 5,
    talkMs: 1_000,
    paceMs: 500,
    // On a machine that is busy with other tests a gateway stands still for a second or two.
    leaseMs: 3_000,
    patienceMs: 1_000,
    callTimeoutMs: 10_000,
    logBytesMax: '16MiB',
    deadlineMs: 180_000,
    keep: false,
    withJava: false,
    say: (line) => t.diagnostic(line)
  })
  for (const line of chaosTable(cases).split('\n')) t.diagnostic(line)
  deepStrictEqual(
    cases.flatMap(({ name, violations }) => violations.map((violation) => `${name}: ${violation}`)),
    []
  )
  for (const { name, answered, outcomes } of cases)
    ok(answered > 0 && (outcomes.get('accepted') ?? 0) > 0, `${name}: charge points talked and commands arrived`)
})
