import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { explainDisk, openDataDir } from '../../../src/adapters/embedded/data-dir.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import { openTemporaryEmbedded, temporaryDataDir } from '../../support/embedded.ts'
import { noMetrics } from '../../support/no-metrics.ts'

const module = new URL('../../../src/adapters/embedded/data-dir.ts', import.meta.url).href
const holder = `
  const { openDataDir } = await import(${JSON.stringify(module)})
  openDataDir(process.argv[1])
  // A lock that is only held by a reference would be gone with the next collection.
  for (let n = 0; n < 5; n++) gc()
  console.log('held')
  setInterval(() => undefined, 1000)
`

function folder(t: TestContext): string {
  const path = temporaryDataDir()
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Another process that holds `path` until it is killed. */
async function hold(t: TestContext, path: string) {
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '--eval', holder, path], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  strictEqual(String(await once(child.stdout, 'data')), 'held\n')
  return child
}

const refusal = (code: string, text: RegExp) => (error: unknown) => {
  ok(error instanceof GatewayError)
  strictEqual(error.code, code)
  match(error.message, text)
  return true
}

test('a folder that is not there is made, with its format written down', (t) => {
  const path = join(folder(t), 'deep', 'data')
  const dataDir = openDataDir(path)
  strictEqual(readFileSync(join(path, 'VERSION'), 'utf8'), 'charge-point-gateway data 1\n')
  dataDir.unlock()
})

test('a second process is refused with the name of the first, until that one is gone, however it went', async (t) => {
  const path = folder(t)
  const child = await hold(t, path)
  throws(
    () => openDataDir(path),
    refusal('data_dir_in_use', new RegExp(`in use by another gateway .process ${child.pid} on .*Stop that one`))
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  ok(existsSync(join(path, 'lock')), 'the file stays, the lock does not')
  openDataDir(path).unlock()
})

test('one that was killed never locks the next one out', async (t) => {
  const path = folder(t)
  for (let n = 0; n < 3; n++) {
    const child = await hold(t, path)
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  for (let n = 0; n < 100; n++) openDataDir(path).unlock()
})

test('a second gateway in the same process is refused as well', async (t) => {
  const first = await openTemporaryEmbedded()
  t.after(() => first.dispose())
  await rejects(openTemporaryEmbedded({ dataDir: first.dataDir }), { code: 'data_dir_in_use' })
})

test('a note of the holder that cannot be read does not hide the refusal', async (t) => {
  const path = folder(t)
  const dataDir = openDataDir(path)
  rmSync(join(path, 'lock.owner'))
  throws(() => openDataDir(path), refusal('data_dir_in_use', /another gateway\. Stop/))
  dataDir.unlock()
})

test('a path that is a file is refused', (t) => {
  const path = join(folder(t), 'data')
  writeFileSync(path, 'not a folder')
  throws(() => openDataDir(path), refusal('data_dir_not_a_directory', /Name a folder/))
  throws(() => openDataDir(join(path, 'below')), refusal('data_dir_not_a_directory', /Name a folder/))
})

test('another format is refused with both names, and nothing is changed', (t) => {
  const path = folder(t)
  writeFileSync(join(path, 'VERSION'), 'charge-point-gateway data 2\n')
  const refused = refusal(
    'data_dir_version',
    /"charge-point-gateway data 2"; this gateway reads "charge-point-gateway data 1"/
  )
  throws(() => openDataDir(path), refused)
  throws(() => openDataDir(path), refused, 'a refusal leaves no lock behind')
  ok(!existsSync(join(path, 'store')))
})

test('a store without its format is refused', (t) => {
  const path = folder(t)
  mkdirSync(join(path, 'store'))
  throws(() => openDataDir(path), refusal('data_dir_version', /no VERSION file/))
})

test('a store that is no store is refused, and the folder is free again', async (t) => {
  const path = folder(t)
  mkdirSync(join(path, 'store'))
  writeFileSync(join(path, 'VERSION'), 'charge-point-gateway data 1\n')
  writeFileSync(join(path, 'store', 'data.mdb'), Buffer.alloc(65_536, 0x5a))
  await rejects(openTemporaryEmbedded({ dataDir: path }), { code: 'data_dir_damaged' })
  openDataDir(path).unlock()
})

test('an error after the store was opened closes it again, and the folder is free', async (t) => {
  const path = folder(t)
  const metrics = {
    ...noMetrics,
    gauge: () => {
      throw new Error('a metric that does not exist')
    }
  }
  await rejects(openTemporaryEmbedded({ dataDir: path, metrics }), /a metric that does not exist/)
  const files = readdirSync('/proc/self/fd').flatMap((fd) => {
    const link = join('/proc/self/fd', fd)
    return existsSync(link) ? [readlinkSync(link)] : []
  })
  deepStrictEqual(
    files.filter((file) => file.startsWith(path)),
    []
  )
  await (await openTemporaryEmbedded({ dataDir: path })).dispose()
})

test('a folder without permission is refused', async (t) => {
  const path = folder(t)
  // Root may write everywhere, so the attempt is made as nobody when the tests run as root.
  chmodSync(path, 0o555)
  const attempt = `
    process.getuid() === 0 && process.setuid(65534)
    const { openDataDir } = await import(${JSON.stringify(module)})
    try { openDataDir(process.argv[1]); console.log('opened') } catch (error) { console.log(error.code, error.message) }
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', attempt, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('/', import.meta.url))
  })
  const said = String(await once(child.stdout, 'data'))
  match(said, /^data_dir_not_writable .*read and write access/)
})

test('a disk without space is named as that, and may be tried again', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const explained = explainDisk(error, '/data')
  ok(explained instanceof GatewayError)
  strictEqual(explained.code, 'data_dir_no_space')
  strictEqual(explained.canRetry, true)
  match(explained.message, /Free some space/)
})
