import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.ts'
import { type ProcessGroup, type ServiceProcess, untilReady } from './process-group.ts'

const stopDeadlineMs = 30_000

/** One node of a service: the command line that starts it, and how its log says that it is ready. */
export interface NodeSpec {
  readonly name: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly dataFolder: string
  /** What an empty data folder needs before the first start. */
  readonly prepare?: () => Promise<void>
  readonly readyLine: string
  readonly deadlineMs: number
}

interface Node {
  readonly spec: NodeSpec
  process: ServiceProcess | undefined
  starts: number
}

/** The nodes of a service, each of which can be killed, stopped, paused and started again on its own port and data. */
export class Service {
  readonly #group: ProcessGroup
  readonly #host: Host
  readonly #nodes: readonly Node[]

  constructor(group: ProcessGroup, host: Host, nodes: readonly NodeSpec[]) {
    this.#group = group
    this.#host = host
    this.#nodes = nodes.map((spec) => ({ spec, process: undefined, starts: 0 }))
  }

  /** Folder with data, logs and certificates; gone after `close`. */
  get folder(): string {
    return this.#group.folder
  }

  get nodeCount(): number {
    return this.#nodes.length
  }

  /** Starts a node, on the data that it left, and resolves when it is ready. */
  async start(nodeIndex = 0): Promise<void> {
    const node = this.#node(nodeIndex)
    if (node.process && !node.process.exit) throw new Error(`${node.spec.name} runs already`)
    const { name, args, env, dataFolder, prepare, readyLine, deadlineMs } = node.spec
    if (!existsSync(dataFolder)) {
      mkdirSync(dataFolder)
      await prepare?.()
    }
    const log = join(this.#group.folder, `${name}.${++node.starts}.log`)
    const process = await this.#group.start({ ...this.#host.launch(args, env), log })
    node.process = process
    await untilReady({ name, process, deadlineMs }, () => (process.output().includes(readyLine) ? true : undefined))
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#nodes.map((_, index) => this.start(index)))
  }

  /** Like a crash: SIGKILL. */
  async kill(nodeIndex = 0): Promise<void> {
    const process = this.#node(nodeIndex).process
    await process?.signal('SIGKILL')
    await process?.exited
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#nodes.map((_, index) => this.kill(index)))
  }

  /** An orderly stop: SIGTERM, and SIGKILL when that does not end it. */
  async stop(nodeIndex = 0): Promise<void> {
    const process = this.#node(nodeIndex).process
    await process?.signal('SIGTERM')
    const timer = setTimeout(() => void process?.signal('SIGKILL'), stopDeadlineMs)
    await process?.exited
    clearTimeout(timer)
  }

  /** Like a machine that hangs: SIGSTOP. Its connections stay open and silent. */
  async pause(nodeIndex = 0): Promise<void> {
    await this.#node(nodeIndex).process?.signal('SIGSTOP')
  }

  async resume(nodeIndex = 0): Promise<void> {
    await this.#node(nodeIndex).process?.signal('SIGCONT')
  }

  /** Removes the data of a node that does not run; it starts empty, as after the loss of its disk. */
  forget(nodeIndex = 0): void {
    const { spec, process } = this.#node(nodeIndex)
    if (process && !process.exit) throw new Error(`${spec.name} runs; kill or stop it first`)
    rmSync(spec.dataFolder, { recursive: true, force: true })
  }

  isRunning(nodeIndex = 0): boolean {
    const { process } = this.#node(nodeIndex)
    return process !== undefined && process.exit === undefined
  }

  /** Process id of a node; in a container that of the container's client. */
  pid(nodeIndex = 0): number {
    const { spec, process } = this.#node(nodeIndex)
    if (!process || process.exit) throw new Error(`${spec.name} does not run`)
    return process.pid
  }

  /** What a node printed since its last start. */
  log(nodeIndex = 0): string {
    return this.#node(nodeIndex).process?.output() ?? ''
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await this.#group.close()
  }

  #node(index: number): Node {
    const node = this.#nodes[index]
    if (!node) throw new Error(`there is no node ${index}; nodes are 0 to ${this.#nodes.length - 1}`)
    return node
  }
}
