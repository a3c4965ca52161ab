import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync
} from 'node:fs'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import type { DiskFacts, Machine } from './finding.ts'

/** Small writes measured: enough for a median, over in well under a second on any SSD. */
const fsyncRounds = 21

/** The machine that this process runs on. */
export function thisMachine(dataDirProblem: Machine['dataDirProblem']): Machine {
  return {
    nodeVersion: process.versions.node,
    memoryBytes: totalmem(),
    read,
    tryPort,
    listenerOf,
    disk: async (path) => disk(path),
    fsyncTimes: async (folder) => fsyncTimes(folder),
    dataDirProblem,
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now()
  }
}

/** The answer of `question`, or undefined where the system does not let us look. */
function ifAllowed<T>(question: () => T): T | undefined {
  try {
    return question()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

function read(path: string): string | undefined {
  return ifAllowed(() => readFileSync(path, 'utf8'))
}

function tryPort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** Linux: the socket's inode from the table of listening sockets, then the process that holds it open. */
function listenerOf(port: number): { readonly pid: number; readonly command: string } | undefined {
  const inode = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => listeningInode(read(file) ?? '', port)).find(Boolean)
  if (inode === undefined) return undefined
  for (const pid of ifAllowed(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid)) continue
    const holds = (ifAllowed(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some(
      (fd) => ifAllowed(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) === `socket:[${inode}]`
    )
    if (holds) return { pid: Number(pid), command: (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim() }
  }
  return undefined
}

/** The inode in a table such as /proc/net/tcp whose socket listens (state 0A) on this port. */
export function listeningInode(table: string, port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/)
    if (columns[1]?.endsWith(suffix) && columns[3] === '0A') return columns[9]
  }
  return undefined
}

function disk(path: string): DiskFacts {
  let existing = path
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
  const { bavail, bsize } = statfsSync(existing)
  const writable = ifAllowed(() => {
    accessSync(existing, constants.W_OK | constants.X_OK)
    return statSync(existing).isDirectory()
  })
  return {
    existing,
    writable: writable ?? false,
    freeBytes: bavail * bsize,
    usedBytes: existing === path ? usedBytes(path) : 0
  }
}

/** Blocks and not lengths: the store's files may have holes. */
function usedBytes(path: string): number {
  const stat = ifAllowed(() => statSync(path))
  if (!stat) return 0
  if (!stat.isDirectory()) return stat.blocks * 512
  return (ifAllowed(() => readdirSync(path)) ?? []).reduce((sum, name) => sum + usedBytes(join(path, name)), 0)
}

function fsyncTimes(folder: string): readonly number[] {
  const own = mkdtempSync(join(folder, '.doctor-'))
  try {
    const fd = openSync(join(own, 'probe'), 'w')
    const page = Buffer.alloc(4096, 1)
    const times: number[] = []
    for (let round = 0; round < fsyncRounds; round++) {
      const beganMs = performance.now()
      writeSync(fd, page)
      fsyncSync(fd)
      times.push(performance.now() - beganMs)
    }
    closeSync(fd)
    return times
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
