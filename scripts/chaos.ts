/** Breaks a real cluster in every way that it has to survive, and counts what came of it: see `usage`. */
import { parseArgs } from 'node:util'
import { chaosCases } from '../test/chaos/cases.ts'
import { runChaos } from '../test/chaos/run-chaos.ts'
import { chaosTable } from '../test/chaos/table.ts'

const usage = `Three gateways, three brokers, Redis, talking charge points and a stream of commands, through faults.

  npm run chaos -- [options]

Options
  --case NAME      only this case (may be given several times)
  --stations N     charge points (default 200)
  --commands N     commands a second (default 10)
  --seconds N      how long all talk before and after each fault (default 10)
  --deadline N     seconds after which something that does not come about has failed (default 300)
  --keep           leave data and logs in their folders, and say where
  --help           this text

Cases
${chaosCases.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n')}

After each case an independent consumer counts: what was answered is in the topic, in order and without a gap within each
epoch; each command was written at most once and has one outcome, which is true. Exit code 1 when anything of it is broken.`

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: [] },
    stations: { type: 'string', default: '200' },
    commands: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '10' },
    deadline: { type: 'string', default: '300' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false }
  }
})

function count(name: 'stations' | 'commands' | 'seconds' | 'deadline'): number {
  const number = Number(values[name])
  if (!Number.isInteger(number) || number < 1) throw new TypeError(`--${name} takes a number from 1`)
  return number
}

async function main(): Promise<number> {
  const unknown = values.case.find((name) => !chaosCases.some((known) => known.name === name))
  if (values.help || unknown !== undefined) {
    if (unknown !== undefined) console.error(`no such case: ${unknown}\n`)
    console.log(usage)
    return unknown === undefined ? 0 : 2
  }
  const { cases, disagreements, folders } = await runChaos({
    cases: chaosCases.filter(({ name }) => values.case.length === 0 || values.case.includes(name)),
    stations: count('stations'),
    commandsPerSecond: count('commands'),
    talkMs: count('seconds') * 1_000,
    paceMs: 2_000,
    leaseMs: 4_000,
    patienceMs: 5_000,
    callTimeoutMs: 15_000,
    logBytesMax: '16MiB',
    deadlineMs: count('deadline') * 1_000,
    keep: values.keep,
    withJava: true,
    ended: (report) => console.log(chaosTable([report])),
    say: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`)
  })
  console.log(`\n${chaosTable(cases)}\n`)
  for (const folder of folders) console.log(`kept: ${folder}`)
  const broken = cases.filter(({ violations }) => violations.length > 0)
  for (const { name, violations } of broken) {
    console.log(`\n${name}:`)
    for (const violation of violations) console.log(`  ${violation}`)
  }
  for (const line of disagreements) console.log(line)
  if (broken.length + disagreements.length === 0) return 0
  console.log(`\nTo look closer: npm run chaos -- --keep ${broken.map(({ name }) => `--case ${name}`).join(' ')}`)
  return 1
}

// So that what runs is ended on the way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()
