import { accessSync, constants, existsSync, globSync, lstatSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { cachedFolder, withLock } from './cache.ts'
import { runCommand, succeeds } from './run-command.ts'

const downloadTimeoutMs = 5 * 60_000

/** A program from the PATH or from a package of Debian. */
export interface Program {
  readonly path: string
  /** What it needs in its environment. */
  readonly env: Readonly<Record<string, string>>
}

/** A program that is wanted, and Debian's package that has it. */
export interface Wanted {
  readonly command: string
  readonly debianPackage: string
  /** Where the package puts it, when that is no folder of the PATH; a glob pattern without the leading slash. */
  readonly place?: string
  /** A file that is preferred to those of the PATH. */
  readonly preferred?: string
  /** Whether one that was found will do: a version may be too old. */
  readonly accepts?: (path: string) => Promise<boolean>
}

/**
 * Finds a program: on the PATH, else by installing Debian's package (as root or with sudo), else by unpacking the package
 * below `node_modules/.cache`. Rejects with what to install.
 */
export async function findProgram(wanted: Wanted): Promise<Program> {
  const present = await presentProgram(wanted)
  if (present) return present
  if (!(await succeeds('apt-get', ['--version'])))
    throw missing(wanted, 'and this is no Debian, so it cannot be had here')
  try {
    const asRoot = await rootPrefix()
    if (asRoot === undefined) return await unpacked(wanted)
    await withLock('apt', () => install(asRoot, wanted.debianPackage))
  } catch (error) {
    throw missing(wanted, "and Debian's package could not be installed", error)
  }
  const brought = await presentProgram(wanted)
  if (!brought) throw missing(wanted, `and the package ${wanted.debianPackage} did not bring it`)
  return brought
}

async function presentProgram({ command, preferred, place, accepts }: Wanted): Promise<Program | undefined> {
  const first = preferred !== undefined && isExecutable(preferred) ? [preferred] : []
  const last = place === undefined ? [] : globSync(join('/', place)).filter(isExecutable)
  for (const path of [...first, ...onPath(command), ...last])
    if (!accepts || (await accepts(path))) return { path, env: {} }
  return undefined
}

function missing({ command, debianPackage }: Wanted, why: string, cause?: unknown): Error {
  const detail = cause instanceof Error ? ` (${cause.message})` : ''
  return new Error(
    `${command} is not on the PATH (or too old), ${why}. Install it (Debian and Ubuntu: apt-get install ${debianPackage}), or start a Docker engine.${detail}`,
    { cause }
  )
}

/** The command's files, from the folders of the PATH and those where Debian puts what only root was meant to run. */
function onPath(command: string): string[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin']
  return folders.map((folder) => join(folder, command)).filter(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // That it cannot be run is the answer.
    return false
  }
}

/** How to run something as root: with nothing before it, with sudo, or not at all. */
async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return []
  return (await succeeds('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined
}

async function install(asRoot: readonly string[], debianPackage: string): Promise<void> {
  // RUNLEVEL=1: the package must not start a service of its own on the default port.
  const environment = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1']
  const aptGet = async (...args: string[]) => {
    const [command = '', ...rest] = [...asRoot, ...environment, 'apt-get', '-o', 'DPkg::Lock::Timeout=120', ...args]
    return await runCommand(command, rest, { timeoutMs: downloadTimeoutMs })
  }
  const packages = ['install', '-y', '--no-install-recommends', debianPackage]
  const known = globSync('/var/lib/apt/lists/*Packages*').length > 0
  if (known && (await settles(aptGet(...packages)))) return
  // No lists, or so old that they name files which are gone.
  await aptGet('update')
  await aptGet(...packages)
}

function settles(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false
  )
}

/** Without root: the package and what it depends on, unpacked into the cache. */
async function unpacked(wanted: Wanted): Promise<Program> {
  const root = await cachedFolder(`debian-${wanted.debianPackage}`, async (folder) => {
    const state = join(folder, 'apt')
    await runCommand('mkdir', ['-p', join(state, 'lists/partial'), join(state, 'archives/partial')])
    const options = ['-o', `Dir::State::lists=${state}/lists`, '-o', `Dir::Cache=${state}`, '-o', 'Debug::NoLocking=1']
    const aptGet = (...args: string[]) =>
      runCommand('apt-get', [...options, ...args], { timeoutMs: downloadTimeoutMs, cwd: join(state, 'archives') })
    await aptGet('update')
    // Lines of: 'address' file-name size checksum. The package's name stands before the first underscore.
    const wantedFiles = await aptGet(
      'install',
      '--print-uris',
      '-qq',
      '-y',
      '--no-install-recommends',
      wanted.debianPackage
    )
    const names = wantedFiles.split('\n').flatMap((line) => line.split(' ')[1]?.split('_')[0] ?? [])
    await aptGet('download', ...names)
    for (const file of globSync(join(state, 'archives/*.deb'))) await runCommand('dpkg', ['-x', file, folder])
    await runCommand('rm', ['-r', state])
    relink(folder)
  })
  const places = [`usr/bin/${wanted.command}`, `usr/sbin/${wanted.command}`, ...(wanted.place ? [wanted.place] : [])]
  const path = places.flatMap((place) => globSync(join(root, place))).find(isExecutable)
  if (path === undefined) throw new Error(`${wanted.debianPackage} has no ${places.join(', ')}`)
  const libraries = [...globSync(join(root, 'usr/lib/*-linux-gnu')), ...globSync(join(root, 'lib/*-linux-gnu'))]
  return { path, env: libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.join(delimiter) } : {} }
}

/**
 * Links from the root of the system lead into the unpacked folder, where their file is; and those to a file of a package
 * that was installed before, and so not unpacked, lead to the system's.
 */
function relink(folder: string): void {
  for (const file of globSync(join(folder, '**/*'))) {
    if (!lstatSync(file).isSymbolicLink()) continue
    const inside = relative(folder, file)
    const target = resolve('/', dirname(inside), readlinkSync(file))
    if (existsSync(join(folder, target))) {
      // Relative: the folder gets its final name only after this.
      unlinkSync(file)
      symlinkSync(relative(join('/', dirname(inside)), target), file)
    } else if (existsSync(target)) {
      unlinkSync(file)
      symlinkSync(target, file)
    }
  }
}
