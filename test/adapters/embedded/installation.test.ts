import { rejects, strictEqual } from 'node:assert'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { open } from 'lmdb'
import { readInstallation } from '../../../src/adapters/embedded/installation.ts'
import { openTemporaryEmbedded, temporaryDataDir } from '../../support/embedded.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const made = temporaryDataDir()
  folders.push(made)
  return made
}

test('the id of an installation is read from its folder without the gateway, and stays over a restart', async () => {
  const dataDir = folder()
  const first = await openTemporaryEmbedded({ dataDir })
  await first.close()
  strictEqual(await readInstallation(dataDir), first.log.id)
  const second = await openTemporaryEmbedded({ dataDir })
  await second.close()
  strictEqual(await readInstallation(dataDir), first.log.id)
})

test('a folder before its first start has no installation, and nothing is made there', async () => {
  const dataDir = folder()
  strictEqual(await readInstallation(dataDir), undefined)
  strictEqual(await readInstallation(join(dataDir, 'missing')), undefined)
  strictEqual(existsSync(join(dataDir, 'store')), false)
})

// lmdb-js ended the process with a segmentation fault on the first of them.
test('a start that was cut short has left no installation, and what is no store is refused', async () => {
  const [empty, tableless, strange] = [folder(), folder(), folder()]
  for (const dataDir of [empty, strange]) mkdirSync(join(dataDir, 'store'))
  writeFileSync(join(empty, 'store', 'data.mdb'), '')
  strictEqual(await readInstallation(empty), undefined)
  await open({ path: join(tableless, 'store'), noSubdir: false, pageSize: 4_096 }).close()
  strictEqual(await readInstallation(tableless), undefined)
  writeFileSync(join(strange, 'store', 'data.mdb'), 'x'.repeat(10_000))
  await rejects(readInstallation(strange), { code: 'data_dir_damaged' })
})
