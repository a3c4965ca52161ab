import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Exit, FromSupervisor, StartSpec, ToSupervisor } from './supervisor-messages.ts'

const pollMs = 20
const logLinesShown = 25

/** One running service process. */
export interface ServiceProcess {
  readonly pid: number
  /** How it ended; undefined while it runs (or is stopped by SIGSTOP). */
  readonly exit: Exit | undefined
  readonly exited: Promise<Exit>
  /** Resolves once the signal is sent; nothing happens when it has ended. */
  signal(signal: NodeJS.Signals): Promise<void>
  /** All that it has printed. */
  output(): string
}

interface Entry {
  readonly spec: StartSpec
  readonly started: PromiseWithResolvers<number>
  readonly exited: PromiseWithResolvers<Exit>
  readonly signalled: (() => void)[]
  pid: number
  exit: Exit | undefined
}

/**
 * Processes that end together, in a temporary folder of their own. They are children of a supervisor process, which ends
 * them and removes the folder on `close`, and also when this process dies without a word.
 */
export class ProcessGroup {
  readonly folder: string
  readonly #supervisor: ChildProcess
  readonly #entries: Entry[] = []
  #closing = false

  private constructor(supervisor: ChildProcess, folder: string) {
    this.#supervisor = supervisor
    this.folder = folder
  }

  /** `keepFolder`: data and logs stay when all has ended. */
  static async open({ keepFolder = false } = {}): Promise<ProcessGroup> {
    const file = fileURLToPath(new URL('./supervisor.ts', import.meta.url))
    // Detached: a Ctrl-C in the terminal must reach the starter alone, which then closes the group in order.
    const supervisor = fork(file, [keepFolder ? 'keep' : 'remove'], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      detached: true
    })
    const [ready] = (await Promise.race([
      once(supervisor, 'message'),
      once(supervisor, 'exit').then(() => {
        throw new Error('the supervisor of the services did not start')
      })
    ])) as [FromSupervisor]
    if (ready.kind !== 'ready') throw new Error(`the supervisor began with ${ready.kind}`)
    const group = new ProcessGroup(supervisor, ready.folder)
    supervisor.on('message', (message: FromSupervisor) => group.#heard(message))
    supervisor.on('exit', () => group.#supervisorEnded())
    return group
  }

  async start(spec: StartSpec): Promise<ServiceProcess> {
    if (this.#closing) throw new Error('this group of services is closed')
    const entry: Entry = {
      spec,
      started: Promise.withResolvers(),
      exited: Promise.withResolvers(),
      signalled: [],
      pid: 0,
      exit: undefined
    }
    const id = this.#entries.push(entry) - 1
    this.#tell({ kind: 'start', id, ...spec })
    entry.pid = await entry.started.promise
    return {
      pid: entry.pid,
      get exit() {
        return entry.exit
      },
      exited: entry.exited.promise,
      signal: async (signal) => {
        if (entry.exit !== undefined) return
        const sent = new Promise<void>((resolve) => entry.signalled.push(resolve))
        this.#tell({ kind: 'signal', id, signal })
        await sent
      },
      output: () => (existsSync(spec.log) ? readFileSync(spec.log, 'utf8') : '')
    }
  }

  /** Ends every process and removes the folder. */
  async close(): Promise<void> {
    const ended = this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null
    if (ended) return
    const exit = once(this.#supervisor, 'exit')
    if (!this.#closing) this.#tell({ kind: 'end' })
    this.#closing = true
    await exit
  }

  #tell(message: ToSupervisor): void {
    this.#supervisor.send(message)
  }

  #heard(message: FromSupervisor): void {
    if (message.kind === 'ready') return
    const entry = this.#entries[message.id]
    if (!entry) return
    if (message.kind === 'started') entry.started.resolve(message.pid)
    else if (message.kind === 'not-started')
      entry.started.reject(new Error(`${entry.spec.command} cannot be started: ${message.reason}`))
    else if (message.kind === 'signalled') entry.signalled.shift()?.()
    else this.#ended(entry, message.exit)
  }

  #ended(entry: Entry, exit: Exit): void {
    entry.exit = exit
    entry.exited.resolve(exit)
    for (const sent of entry.signalled.splice(0)) sent()
  }

  #supervisorEnded(): void {
    for (const entry of this.#entries) {
      if (entry.exit !== undefined) continue
      entry.started.reject(new Error('the supervisor of the services ended'))
      // Somebody killed the supervisor: its children are ours to end.
      if (!this.#closing && entry.pid > 0) process.kill(-entry.pid, 'SIGKILL')
      this.#ended(entry, { code: null, signal: 'SIGKILL' })
    }
  }
}

/** Waits until `probe` gives a value. Rejects with the last lines of the log when the process ends or time is up. */
export async function untilReady<Value>(
  {
    name,
    process,
    deadlineMs
  }: { readonly name: string; readonly process: ServiceProcess; readonly deadlineMs: number },
  probe: () => Value | undefined | Promise<Value | undefined>
): Promise<Value> {
  const endMs = Date.now() + deadlineMs
  for (;;) {
    const value = await probe()
    if (value !== undefined) return value
    if (process.exit) throw notReady(name, process, `ended (${process.exit.signal ?? `code ${process.exit.code}`})`)
    if (Date.now() > endMs) throw notReady(name, process, `was not ready within ${deadlineMs} ms`)
    await sleep(pollMs)
  }
}

function notReady(name: string, process: ServiceProcess, what: string): Error {
  const lines = process.output().trimEnd().split('\n').slice(-logLinesShown)
  return new Error(`${name} ${what}; its last lines:\n${lines.join('\n')}`)
}
