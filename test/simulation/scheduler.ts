import { createHash } from 'node:crypto'
import type { Clock } from '../../src/ports/clock.ts'
import type { Random } from './random.ts'

/** Something that can die or be stopped for a while: one life of a node, a charge point, the world itself. */
export interface Actor {
  readonly name: string
  isAlive: boolean
  /** SIGSTOP: nothing of it runs before. */
  pausedUntilMs: number
  /** What it gave to `setImmediate`, in order. */
  readonly immediates: (() => void)[]
}

export function actorOf(name: string): Actor {
  return { name, isAlive: true, pausedUntilMs: 0, immediates: [] }
}

interface Task {
  atMs: number
  /** Decides between tasks of the same time. */
  readonly key: number
  readonly actor: Actor
  readonly run: () => void
  isCancelled: boolean
}

const realImmediate = globalThis.setImmediate

/**
 * The only thing that makes anything happen. One task runs at a time, with all microtasks that follow from it, before
 * the next is chosen; which one is next among those of the same time is decided by the seed.
 */
export class Scheduler {
  nowMs: number
  readonly random: Random
  readonly trace: string[] = []
  readonly #startMs: number
  readonly #traceLinesKept: number
  readonly #heap: Task[] = []
  readonly #hash = createHash('sha256')
  #current: Actor | undefined
  steps = 0

  constructor(random: Random, startMs: number, traceLinesKept: number) {
    this.#traceLinesKept = traceLinesKept
    this.random = random
    this.nowMs = startMs
    this.#startMs = startMs
  }

  after(delayMs: number, actor: Actor, run: () => void): () => void {
    const task: Task = {
      atMs: this.nowMs + Math.max(0, delayMs),
      key: this.random.next(),
      actor,
      run,
      isCancelled: false
    }
    this.#push(task)
    return () => {
      task.isCancelled = true
    }
  }

  /** A clock of this actor: its timers die with it. */
  clockOf(actor: Actor, skewMs = 0): Clock {
    return {
      now: () => this.nowMs + skewMs,
      after: (delayMs, callback) => this.after(delayMs, actor, callback)
    }
  }

  /** A promise that is settled in a step of its own, if the actor lives so long. */
  later<T>(delayMs: number, actor: Actor, value: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(delayMs, actor, () => {
        try {
          resolve(value())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  say(line: string): void {
    const text = `${String(this.nowMs - this.#startMs).padStart(7)} ${line}`
    this.#hash.update(text)
    this.trace.push(text)
    if (this.trace.length > 2 * this.#traceLinesKept) this.trace.splice(0, this.#traceLinesKept)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }

  async runUntil(untilMs: number): Promise<void> {
    globalThis.setImmediate = ((callback: () => void) => this.#immediate(callback)) as typeof setImmediate
    try {
      for (let task = this.#pop(untilMs); task; task = this.#pop(untilMs)) {
        const { actor } = task
        if (task.isCancelled || !actor.isAlive) continue
        if (actor.pausedUntilMs > this.nowMs) {
          task.atMs = actor.pausedUntilMs
          this.#push(task)
          continue
        }
        this.#current = actor
        this.steps++
        task.run()
        // Every microtask that follows from this step runs before the next one.
        await new Promise((resolve) => realImmediate(resolve))
      }
      this.nowMs = untilMs
    } finally {
      globalThis.setImmediate = realImmediate
      this.#current = undefined
    }
  }

  /** Of one process immediates run in order; between them and all others the seed decides. */
  #immediate(callback: () => void): void {
    const actor = this.#current
    if (!actor) throw new Error('setImmediate outside of a step')
    actor.immediates.push(callback)
    this.after(0, actor, () => actor.immediates.shift()?.())
  }

  #push(task: Task): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(task)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above] as Task
      if (!before(task, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = task
  }

  #pop(untilMs: number): Task | undefined {
    const heap = this.#heap
    const [first] = heap
    if (!first || first.atMs > untilMs) return undefined
    const last = heap.pop() as Task
    if (heap.length > 0) {
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        const right = heap[child + 1]
        if (child >= heap.length) break
        if (right && before(right, heap[child] as Task)) child++
        if (!before(heap[child] as Task, last)) break
        heap[at] = heap[child] as Task
        at = child
      }
      heap[at] = last
    }
    this.nowMs = Math.max(this.nowMs, first.atMs)
    return first
  }
}

function before(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.key < b.key)
}
