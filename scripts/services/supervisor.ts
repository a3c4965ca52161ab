/**
 * Starts the processes of one group for the process that forked it, and ends them when that one goes, however it goes:
 * a SIGKILL of the test run closes the channel to here, and nothing stays behind. Run by `process-group.ts` alone.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Exit, FromSupervisor, ToSupervisor } from './supervisor-messages.ts'

const keepFolder = process.argv[2] === 'keep'
const folder = mkdtempSync(join(tmpdir(), 'cpg-services-'))
const running = new Map<number, { readonly child: ChildProcess; readonly container: string | undefined }>()

function tell(message: FromSupervisor): void {
  if (process.connected) process.send?.(message)
}

function start({ id, command, args, env, log, container }: Extract<ToSupervisor, { kind: 'start' }>): void {
  const output = openSync(log, 'a')
  // A process group of its own: what the service forks (Redis when it saves) ends with it.
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true
  })
  closeSync(output)
  const { pid } = child
  child.on('error', (error) => {
    if (pid === undefined) tell({ kind: 'not-started', id, reason: error.message })
  })
  if (pid === undefined) return
  running.set(id, { child, container })
  child.on('exit', (code, signal) => {
    running.delete(id)
    tell({ kind: 'exited', id, exit: { code, signal } satisfies Exit })
  })
  tell({ kind: 'started', id, pid })
}

function signal(id: number, name: NodeJS.Signals): void {
  const entry = running.get(id)
  if (!entry) return
  // The client of a container passes on neither SIGKILL nor SIGSTOP.
  if (entry.container !== undefined) {
    spawnSync('docker', ['kill', '--signal', name, entry.container])
    return
  }
  try {
    process.kill(-(entry.child.pid ?? 0), name)
  } catch (error) {
    // It ended just now, and its exit is told.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function end(): void {
  const left = [...running.values()]
  for (const id of running.keys()) signal(id, 'SIGKILL')
  const containers = left.flatMap(({ container }) => (container === undefined ? [] : [container]))
  if (containers.length > 0) spawnSync('docker', ['rm', '--force', ...containers])
  const ended = left.map(({ child }) => new Promise((resolve) => child.once('exit', resolve)))
  void Promise.all(ended).then(() => {
    if (!keepFolder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    process.exit(0)
  })
}

process.on('message', (message: ToSupervisor) => {
  if (message.kind === 'start') start(message)
  else if (message.kind === 'end') end()
  else {
    signal(message.id, message.signal)
    tell({ kind: 'signalled', id: message.id })
  }
})
process.once('disconnect', end)
tell({ kind: 'ready', folder })
