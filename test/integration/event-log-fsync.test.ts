import { match, ok, strictEqual } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { keyOf } from '../../src/ports/records.ts'
import { openTemporaryEmbedded, temporaryDataDir } from '../support/embedded.ts'
import { buildFsyncShim } from '../support/fsync-shim.ts'

const writerPath = fileURLToPath(new URL('../support/event-log-writer.ts', import.meta.url))
let shim = ''
before(() => {
  shim = buildFsyncShim()
})
after(() => rmSync(join(shim, '..'), { recursive: true, force: true }))

/** A disk so slow that nearly every kill falls into a sync. */
const slowUs = 8_000

/** A writer whose data file has a shadow beside it: what the disk holds, as of the last fsync that returned. */
function startWriter(dataDir: string, sync: 'sync' | 'nosync'): ChildProcess {
  return spawn(process.execPath, [writerPath, dataDir, sync], {
    env: {
      ...process.env,
      LD_PRELOAD: shim,
      FSYNC_SHIM_FILE: join('store', 'data.mdb'),
      FSYNC_SHIM_SHADOW: shadowOf(dataDir),
      FSYNC_SHIM_SLOW_US: String(slowUs),
      FSYNC_SHIM_FULL: fullMarkOf(dataDir)
    },
    stdio: ['ignore', 'pipe', 'inherit']
  })
}

/** While this file exists, the writer's disk has no space left. */
const fullMarkOf = (dataDir: string) => `${dataDir}.full`
const shadowOf = (dataDir: string) => `${dataDir}.shadow`

/** What the writer was told before it was killed, without warning, after `lines` lines. */
async function toldUntilKilled(writer: ChildProcess, lines: number): Promise<readonly string[]> {
  ok(writer.stdout)
  const told: string[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    told.push(line)
    if (told.length === lines) writer.kill('SIGKILL')
  }
  ok(told.length >= lines, `the writer ended by itself after ${told.length} lines`)
  return told
}

/** What a power cut would have left: the shadow in the place of the file, and no lock file. */
function restore(dataDir: string): string {
  const restored = temporaryDataDir()
  mkdirSync(join(restored, 'store'))
  copyFileSync(join(dataDir, 'VERSION'), join(restored, 'VERSION'))
  copyFileSync(shadowOf(dataDir), join(restored, 'store', 'data.mdb'))
  return restored
}

/** Each promise that the restored store does not keep. */
async function broken(restored: string, told: readonly string[]): Promise<string[]> {
  const { log, store, directory, ledger, dispose } = await openTemporaryEmbedded({ dataDir: restored })
  const missing: string[] = []
  const { oldest, durable } = log.range()
  const stored = new Map(log.read(0, 1_000_000, 1e9).map(({ position, text }) => [position, JSON.parse(text).n]))
  strictEqual(stored.size, durable - oldest + 1, 'the log has no gap')
  const nextId = await directory.nextTransactionId()
  for (const line of told) {
    const [what, first = '', second = ''] = line.split(' ')
    if (what === 'event') {
      const position = Number(first)
      const n = Number(second)
      const row = store.get('openEpochs', keyOf.openEpoch(`CP-${n % 50}`, 1))
      if (position > durable) missing.push(`${line}: the log ends at ${durable}`)
      else if (position >= oldest && stored.get(position) !== n)
        missing.push(`${line}: there is ${stored.get(position)}`)
      // A later event of the charge point may have replaced the row, an earlier one must not stand there.
      else if (!row || row.connectedAtMs < n) missing.push(`${line}: its change is not there`)
    } else if (what === 'id' && nextId <= Number(first)) missing.push(`${line}: ${nextId} is given after it`)
    else if (what === 'claimed' && !(await ledger.get(first))) missing.push(`${line}: it is unknown`)
  }
  await dispose()
  return missing
}

async function round(lines: readonly number[], sync: 'sync' | 'nosync'): Promise<string[]> {
  const dataDir = temporaryDataDir()
  const told: string[] = []
  try {
    // Each life goes on with what the kernel has, as after a crash of the process alone.
    for (const each of lines) told.push(...(await toldUntilKilled(startWriter(dataDir, sync), each)))
    return await broken(restore(dataDir), told)
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
    rmSync(shadowOf(dataDir), { force: true })
  }
}

for (let n = 1; n <= 6; n++) {
  const lines = [1 + Math.floor(Math.random() * 400 * n), 1 + Math.floor(Math.random() * 1_500)]
  test(`nothing that was told durable is missing from the disk as of the last fsync (killed after ${lines.join(' and ')} promises)`, async () => {
    const missing = await round(lines, 'sync')
    strictEqual(missing.length, 0, missing.slice(0, 5).join('\n'))
  })
}

test('the proof can fail: with event_log.sync off the disk lacks what was told', async () => {
  const missing = await round([500], 'nosync').catch((error: unknown) => [String(error)])
  ok(missing.length > 0, 'the shadow has everything although nothing was synced')
})

test('a full disk stops nothing but time: the commits are repeated, and everything that waited is stored', async () => {
  const dataDir = temporaryDataDir()
  const writer = startWriter(dataDir, 'sync')
  ok(writer.stdout)
  const told: string[] = []
  let workingAt = Number.POSITIVE_INFINITY
  for await (const line of createInterface({ input: writer.stdout })) {
    told.push(line)
    if (told.length === 100) writeFileSync(fullMarkOf(dataDir), '')
    if (line.startsWith('failing')) {
      match(line, /no space left/i)
      rmSync(fullMarkOf(dataDir))
    }
    if (line === 'working') workingAt = told.length
    if (told.length === workingAt + 200) writer.kill('SIGKILL')
  }
  ok(workingAt < told.length, 'the log never worked again')
  try {
    const missing = await broken(restore(dataDir), told)
    strictEqual(missing.length, 0, missing.slice(0, 5).join('\n'))
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
    rmSync(shadowOf(dataDir), { force: true })
  }
})
