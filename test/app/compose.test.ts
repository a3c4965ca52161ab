import { ok } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startGateway } from '../../src/app/compose.ts'
import { configOf } from '../support/gateway-in-process.ts'
import { until } from '../support/until.ts'

/** Only timers that keep the process alive are told. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
}

test('a start holds its process until it listens, not for ever', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'cpg-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const config = configOf({
    'server.host': '127.0.0.1',
    'server.port': '0',
    'api.port': '0',
    data_dir: join(dir, 'data'),
    'log.output': join(dir, 'log')
  })
  const before = timers()
  const starting = startGateway(config, { version: '0.0.0', terminal: false, notices: [] })
  ok(timers() > before, 'the start holds the process')
  const gateway = await starting
  await gateway.stop()
  await until('no timer is left', () => timers() <= before)
})
