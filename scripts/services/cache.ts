import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../node_modules/.cache/charge-point-gateway-services/', import.meta.url))
const lockWaitMs = 10 * 60_000
const pollMs = 100

/**
 * A folder that is filled once and kept. Two processes may ask at the same time: one fills, the other waits, and only a
 * complete folder ever gets the name.
 */
export async function cachedFolder(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(root, name)
  if (existsSync(folder)) return folder
  await withLock(name, async () => {
    if (existsSync(folder)) return
    for (const left of globSync(`${folder}.*.unfinished`))
      if (!lives(Number(left.split('.').at(-2)))) rmSync(left, { recursive: true, force: true })
    const unfinished = `${folder}.${process.pid}.unfinished`
    mkdirSync(unfinished, { recursive: true })
    try {
      await fill(unfinished)
      renameSync(unfinished, folder)
    } catch (error) {
      // Another process was quicker, after both had found the lock of a dead one.
      if (!existsSync(folder)) throw error
    } finally {
      rmSync(unfinished, { recursive: true, force: true })
    }
  })
  return folder
}

/** Runs `work` in one process at a time. The lock of a dead process is void. */
export async function withLock<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
  mkdirSync(root, { recursive: true })
  const lock = join(root, `${name}.lock`)
  const endMs = Date.now() + lockWaitMs
  while (!tryLock(lock)) {
    if (Date.now() > endMs) throw new Error(`${lock} is held for too long; remove it if no test runs`)
    await sleep(pollMs)
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function tryLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (!holderLives(lock)) rmSync(lock, { force: true })
  return false
}

function holderLives(lock: string): boolean {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    // Between its creation and its first byte the file is empty: its writer is alive.
    return pid === 0 || lives(pid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // It was given back just now; whoever takes it next, the next look tells.
    return true
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
