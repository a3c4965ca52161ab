import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalAuthority } from '../../src/adapters/local/authority.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { memoryLogger } from '../support/memory-logger.ts'
import { authorityContract } from './authority.ts'

const common = { bootStatus: 'accepted', bootIntervalS: 300, clock: new FakeClock(), logger: memoryLogger() } as const

authorityContract('local, accept_all', () => ({
  authority: createLocalAuthority({ ...common, mode: 'accept_all' }),
  refuses: false
}))

authorityContract('local, allow_list', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'cpg-authority-'))
  const allowListFile = join(folder, 'allow-list.yaml')
  writeFileSync(allowListFile, 'charge_points: [CP-1]\nid_tokens: [TAG]')
  const authority = createLocalAuthority({ ...common, mode: 'allow_list', allowListFile })
  context.after(() => {
    authority.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { authority, refuses: true }
})
