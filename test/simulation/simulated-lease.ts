import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { LeaseState, NodeLease, NodePresence } from '../../src/ports/node-lease.ts'
import type { RedisModel } from './redis-model.ts'

export const leaseTtlMs = 5_000
const renewEveryMs = 1_000

export interface SimulatedLeaseDeps {
  readonly node: string
  readonly installation: string
  readonly clock: Clock
  readonly redis: RedisModel
  readonly ask: <T>(step: () => T) => Promise<T>
  readonly leaseTtlMs?: number
}

/** The lease of one life of a node, as its adapter for Redis keeps it. */
export class SimulatedLease implements NodeLease {
  readonly #deps: SimulatedLeaseDeps
  readonly #ttlMs: number
  readonly #listeners = new Set<(state: LeaseState) => void>()
  #state: { kind: LeaseState; sinceMs: number }
  #incarnationMs: number
  #confirmedMs = Number.NEGATIVE_INFINITY
  #mark: string | undefined
  #running = false
  #renewals = 0
  #renewal: Promise<void> = Promise.resolve()

  constructor(deps: SimulatedLeaseDeps) {
    this.#deps = deps
    this.#ttlMs = deps.leaseTtlMs ?? leaseTtlMs
    this.#incarnationMs = deps.clock.now()
    this.#state = { kind: 'away', sinceMs: deps.clock.now() }
  }

  get incarnation(): string {
    return String(this.#incarnationMs)
  }

  async begin(): Promise<void> {
    const { node, installation, redis, ask, clock } = this.#deps
    this.#running = true
    const sentMs = clock.now()
    try {
      const verdict = await ask(() => redis.takeLease(node, installation, this.incarnation, this.#ttlMs))
      if (verdict === 'taken') throw new GatewayError('node_id_taken', 'give each gateway a `node.id` of its own')
      this.#mark = (await ask(() => redis.mark())).value
      await ask(() => redis.noteNode(node))
      this.#confirmedMs = sentMs
      this.#to('held')
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'node_id_taken') throw error
    }
    this.#schedule()
  }

  state(): { readonly kind: LeaseState; readonly sinceMs: number } {
    if (this.#state.kind === 'held' && this.#mayHaveRunOut()) this.#to('lost')
    return this.#state
  }

  onChange(listener: (state: LeaseState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  adopted(): void {
    if (this.state().kind !== 'lost' || this.#mayHaveRunOut()) return
    this.#to('held')
  }

  async nodes(): Promise<readonly NodePresence[]> {
    const { redis, ask } = this.#deps
    const known = await ask(() => redis.nodes())
    return Promise.all(
      known.map((node) =>
        ask(() => {
          const row = redis.lease(node)
          if (!row) return { node, incarnation: '', alive: false }
          return { node, incarnation: row.incarnation, alive: true, adopting: row.adopting }
        })
      )
    )
  }

  async registryIsWhole(): Promise<boolean> {
    const { redis, ask } = this.#deps
    const [nodes, mark] = await Promise.all([this.nodes(), ask(() => redis.mark())])
    return nodes.every(({ adopting }) => adopting !== true) && mark.ageMs > this.#ttlMs
  }

  async end(): Promise<void> {
    this.#running = false
    await this.#renewal
    const { node, redis, ask } = this.#deps
    try {
      await ask(() => redis.endLease(node, this.incarnation))
      const open = await ask(() => redis.openEpochsOf(node).length)
      if (open === 0) await ask(() => redis.forgetNode(node))
    } catch {
      // It runs out by itself.
    }
  }

  #schedule(): void {
    this.#deps.clock.after(Math.min(renewEveryMs, this.#ttlMs / 3), () => {
      if (!this.#running) return
      this.#renewal = this.#renew()
      void this.#renewal.then(() => this.#schedule())
    })
  }

  async #renew(): Promise<void> {
    const { node, installation, redis, ask, clock } = this.#deps
    const { kind } = this.state()
    const sentMs = clock.now()
    const nextMs = Math.max(sentMs, this.#incarnationMs + 1)
    const mine = { installation, incarnation: this.incarnation, next: String(nextMs) }
    try {
      const [verdict, mark] = await Promise.all([
        ask(() => redis.renewLease(node, mine, this.#ttlMs, kind !== 'held')),
        ask(() => redis.mark())
      ])
      if (verdict === 'taken') return this.#to('taken')
      this.#confirmedMs = sentMs
      if (verdict === 'lost') this.#incarnationMs = nextMs
      const isEmptied = this.#mark !== undefined && this.#mark !== mark.value
      this.#mark = mark.value
      if (verdict === 'lost' || isEmptied || kind === 'away' || kind === 'taken') this.#to('lost', verdict === 'lost')
      if (verdict === 'lost' || this.#renewals++ % 10 === 0) this.#note()
    } catch {
      this.#to('away')
    }
  }

  #note(): void {
    const { node, redis, ask } = this.#deps
    ask(() => redis.noteNode(node)).catch(() => {
      this.#renewals = 0
    })
  }

  #mayHaveRunOut(): boolean {
    return this.#deps.clock.now() - this.#confirmedMs >= this.#ttlMs
  }

  #to(kind: LeaseState, again = false): void {
    if (this.#state.kind === kind && !again) return
    this.#state = { kind, sinceMs: this.#deps.clock.now() }
    for (const listener of [...this.#listeners]) listener(kind)
  }
}
