import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GatewayError } from '../../lib/gateway-error.ts'

/** The layout of `data_dir`. A later format gets a later number, and a migration. */
const formatVersion = 1
const versionFile = 'VERSION'
const versionText = (version: number | string): string => `charge-point-gateway data ${version}\n`

/** A lock that nothing refers to would be collected, and be gone. */
const locks = new Set<DatabaseSync>()

export interface DataDir {
  readonly path: string
  /** The folder of the LMDB environment. */
  readonly storePath: string
  /** Kept to be given up when the disk is full, so that trimming has room. */
  readonly reservePath: string
  unlock(): void
}

/** Makes sure that `path` is a folder of ours, writable and used by nobody else, and holds it until `unlock`. */
export function openDataDir(path: string): DataDir {
  const full = resolve(path)
  try {
    makeFolders(full)
    if (!statSync(full).isDirectory()) throw notADirectory(full)
    accessSync(full, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw explainDisk(error, full)
  }
  const unlock = lock(full)
  try {
    checkVersion(full)
  } catch (error) {
    unlock()
    throw explainDisk(error, full)
  }
  return { path: full, storePath: join(full, 'store'), reservePath: join(full, 'reserve'), unlock }
}

/** Level by level: below /proc Node's own recursive mkdir never returns. */
function makeFolders(path: string): void {
  if (existsSync(path)) return
  makeFolders(dirname(path))
  mkdirSync(path)
}

/**
 * Node has no flock. SQLite, which Node brings along, takes the kernel's record lock on a file: it ends with the process
 * however that ends, so a crash never leaves it behind, a recycled process id cannot fake it, and it holds between
 * containers that share a volume.
 */
function lock(path: string): () => void {
  const lockPath = join(path, 'lock')
  const ownerPath = join(path, 'lock.owner')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(lockPath)
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    const text = error instanceof Error ? error.message : String(error)
    if (!/locked|busy/i.test(text)) throw explainDisk(error, path)
    throw new GatewayError(
      'data_dir_in_use',
      `data_dir ${path} is in use by another gateway${ownerOf(ownerPath)}. Stop that one, or give this one a data_dir of its own.`,
      { cause: error }
    )
  }
  const held = database
  locks.add(held)
  const unlock = (): void => {
    locks.delete(held)
    held.close()
  }
  try {
    writeWhole(ownerPath, `process ${process.pid} on ${hostname()}\n`)
  } catch (error) {
    unlock()
    throw explainDisk(error, path)
  }
  return unlock
}

function ownerOf(ownerPath: string): string {
  try {
    return ` (${readFileSync(ownerPath, 'utf8').trim()})`
  } catch {
    // The note is only there to help; without it the refusal stands.
    return ''
  }
}

function checkVersion(path: string): void {
  const file = join(path, versionFile)
  if (!existsSync(file)) {
    if (existsSync(join(path, 'store'))) {
      throw new GatewayError(
        'data_dir_version',
        `data_dir ${path} holds a store but no ${versionFile} file, so its format is unknown. Restore the file or use an empty folder.`
      )
    }
    writeWhole(file, versionText(formatVersion))
    return
  }
  const found = readFileSync(file, 'utf8')
  if (found !== versionText(formatVersion)) {
    throw new GatewayError(
      'data_dir_version',
      `data_dir ${path} has the format ${JSON.stringify(found.trim())}; this gateway reads ${JSON.stringify(versionText(formatVersion).trim())}. Start the gateway version that wrote it, or use an empty folder.`
    )
  }
}

/** All of it or nothing, over a crash. */
function writeWhole(path: string, text: string): void {
  const fd = openSync(`${path}.new`, 'w', 0o640)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(`${path}.new`, path)
}

/** A new file is only found after a power cut once the folder that names it is on disk too. */
export function syncFolders({ path, storePath }: DataDir): void {
  if (process.platform === 'win32') return
  for (const folder of [storePath, path, dirname(path)]) {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function notADirectory(path: string): GatewayError {
  return new GatewayError('data_dir_not_a_directory', `data_dir ${path} is not a directory. Name a folder.`)
}

/** The system's error as one that says what to do. */
export function explainDisk(error: unknown, path: string): unknown {
  if (error instanceof GatewayError) return error
  const { code, message = '' } = error as { code?: unknown; message?: string }
  if (code === 'ENOTDIR' || code === 'EEXIST') return notADirectory(path)
  if (
    code === 'EACCES' ||
    code === 'EPERM' ||
    code === 'EROFS' ||
    // Below /proc and the like a folder simply cannot be made.
    code === 'ENOENT' ||
    /unable to open|readonly|permission/i.test(message)
  ) {
    return new GatewayError(
      'data_dir_not_writable',
      `data_dir ${path} cannot be written (${message}). Give the user of this process read and write access to it, or name another folder.`,
      { cause: error }
    )
  }
  if (isNoSpace(error)) {
    return new GatewayError(
      'data_dir_no_space',
      `no space left for data_dir ${path}. Free some space, or name a folder on another disk.`,
      { cause: error, canRetry: true }
    )
  }
  if (/MDB_(INVALID|VERSION_MISMATCH|CORRUPTED|PAGE_NOTFOUND)/.test(message)) {
    return new GatewayError(
      'data_dir_damaged',
      `the store in data_dir ${path} cannot be read (${message}). Restore it from a copy, or use an empty folder.`,
      { cause: error }
    )
  }
  return error
}

/** ENOSPC and its relatives, from Node or as LMDB reports them. */
export function isNoSpace(error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string }
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 28 || code === 122 || /no space left|quota/i.test(message)
}
