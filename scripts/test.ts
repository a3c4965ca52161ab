/**
 * Runs one group of tests: `node scripts/test.ts unit|contract|simulation|integration|failover [file-name-part ...]`.
 * Unit tests are all that is in no folder of another group.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { sep } from 'node:path'

const [group = 'unit', ...parts] = process.argv.slice(2)
const own = ['contract', 'integration', 'simulation', 'failover']
const files = globSync('test/**/*.test.ts')
  .filter((file) => {
    const folder = file.split(sep)[1] ?? ''
    return group === 'unit' ? !own.includes(folder) : folder === group
  })
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  console.error(`no test files for: ${[group, ...parts].join(' ')}`)
  process.exit(2)
}
const isLong = group === 'integration' || group === 'failover'
const timeoutMs = isLong ? 600_000 : 120_000
// A test file that leaves a socket or a timer open never ends; the runner names it when it is ended itself.
const groupTimeoutMs = isLong ? 45 * 60_000 : 10 * 60_000
const coverage = process.env.COVERAGE === '1' ? ['--experimental-test-coverage', '--test-coverage-include=src/**'] : []
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-timeout=${timeoutMs}`,
    ...(group === 'integration' ? ['--test-concurrency=1'] : []),
    ...coverage,
    ...files
  ],
  { stdio: 'inherit', timeout: groupTimeoutMs }
)
process.exit(status ?? 1)
