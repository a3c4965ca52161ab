import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Row } from './batch.ts'
import { explainDisk } from './data-dir.ts'

type Bytes = Database<Buffer, Buffer>

/** The gateway's LMDB environment: the chunks of the log by position, and everything else by tagged key. */
export interface Store {
  readonly log: Database<Buffer, number>
  readonly state: Bytes
  /** Commit what `write` puts and removes in one transaction. Resolves once it is on disk; rejects when nothing was. */
  commit(write: () => void): Promise<void>
  close(): Promise<void>
}

export interface StoreOptions {
  readonly path: string
  /** Address space to map; the file grows as needed. */
  readonly mapBytes: number
  readonly sync: boolean
}

/**
 * `overlappingSync` is off: with it, lmdb resolves a put when the transaction is visible, before it is flushed. Without
 * it LMDB's own order holds: pages, fdatasync, the meta page through O_DSYNC, and only then do readers see the
 * transaction and does the promise resolve. All on lmdb's writer thread. docs/adr/0002-event-log-on-lmdb.md
 */
export function openStore({ path, mapBytes, sync }: StoreOptions): Store {
  try {
    checkFile(join(path, 'data.mdb'))
    const root = open<Buffer, Buffer>({
      path,
      encoding: 'binary',
      overlappingSync: false,
      // Batches are made here. With lmdb's own around them a failed commit also rejects a promise that nobody is given.
      eventTurnBatching: false,
      noSync: !sync,
      mapSize: mapBytes,
      pageSize: pageBytes,
      maxDbs: 4,
      noSubdir: false
    })
    const log = root.openDB<Buffer, number>('log', { encoding: 'binary' })
    const state = root.openDB<Buffer, Buffer>('state', { encoding: 'binary', keyEncoding: 'binary' })
    return { log, state, commit: (write) => commit(root, write), close: () => root.close() }
  } catch (error) {
    throw explainDisk(error, path)
  }
}

/** For a look at the log beside the process that writes it; undefined before its first start. Never in that process: LMDB's locks are its own. */
export function openStoreToRead(path: string): (Partial<Pick<Store, 'log'>> & Pick<Store, 'close'>) | undefined {
  try {
    if (!checkFile(join(path, 'data.mdb'))) return undefined
    const root = open<Buffer, Buffer>({
      path,
      encoding: 'binary',
      readOnly: true,
      pageSize: pageBytes,
      maxDbs: 4,
      noSubdir: false
    })
    // Read only, a table that is missing is not made.
    const log: Database<Buffer, number> | undefined = root.openDB<Buffer, number>('log', { encoding: 'binary' })
    return { ...(log && { log }), close: () => root.close() }
  } catch (error) {
    throw explainDisk(error, path)
  }
}

/** Inside a commit. */
export function putRows({ state }: Store, rows: readonly Row[]): void {
  for (const { key, value } of rows) {
    if (value) void state.put(key, value)
    else void state.remove(key)
  }
}

const pageBytes = 4_096
const magicOffset = 24
const magic = 0xbeefc0de

/** lmdb-js ends the process on a file that is no LMDB file, so its two meta pages are looked at before. False: nothing is there yet. */
function checkFile(path: string): boolean {
  if (!existsSync(path)) return false
  const fd = openSync(path, 'r')
  const bytes = Buffer.alloc(2 * pageBytes)
  const read = readSync(fd, bytes)
  closeSync(fd)
  const intact = [0, pageBytes].every((page) => bytes.readUInt32LE(page + magicOffset) === magic)
  if (read > 0 && !intact) {
    throw new GatewayError(
      'data_dir_damaged',
      `${path} is not a store of this gateway. Restore it from a copy, or use an empty folder.`
    )
  }
  return read > 0
}

async function commit(root: RootDatabase<Buffer, Buffer>, write: () => void): Promise<void> {
  try {
    await root.batch(write)
  } catch (error) {
    // lmdb keeps the reason in a second promise, which would end the process if nobody took its rejection.
    const reason = (error as { commitError?: Promise<unknown> }).commitError
    throw reason ? await reason.catch((cause: unknown) => cause) : error
  }
}
