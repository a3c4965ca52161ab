import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import type { LeaseState, NodeLease, NodePresence } from '../../ports/node-lease.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'
import { scripts } from './scripts.ts'

const renewEveryMs = 1_000
/** Renewals between two notes in the list of known nodes. */
const noteEvery = 60
/** A node that was not seen for so long is no longer listed. */
const forgetNodeMs = 30 * 86_400_000
const complainEvery = 60

export interface NodeLeaseDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly nodeId: string
  readonly installation: string
  readonly leaseTtlMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds that no change of the wall clock moves. */
  readonly monotonicNow?: () => number
}

/** This node's lease in Redis, renewed every second, and the marks that tell when a server was emptied. */
export class RedisNodeLease implements NodeLease {
  readonly #deps: NodeLeaseDeps
  readonly #monotonicNow: () => number
  readonly #listeners = new Set<(state: LeaseState) => void>()
  /** The mark of each master, by the hash tag that lands there. */
  readonly #marks = new Map<string, string>()
  #state: { kind: LeaseState; sinceMs: number }
  #incarnation: string
  #incarnationMs: number
  /** When the last renewal that was confirmed was sent, by both clocks. */
  #confirmed: { readonly wallMs: number; readonly monotonicMs: number } | undefined
  #cancel: () => void = () => undefined
  #running = false
  #renewal: Promise<void> = Promise.resolve()
  /** The incarnation for which all sessions are registered: it is held once a renewal confirms that it still is. */
  #adoptedAs: string | undefined
  #renewals = 0
  #refusals = 0
  /** Nodes that were listed when this one last looked, or live: the list may be lost and their leases not. */
  #seen: ReadonlySet<string> = new Set()

  constructor(deps: NodeLeaseDeps) {
    this.#deps = deps
    this.#monotonicNow = deps.monotonicNow ?? (() => performance.now())
    this.#incarnationMs = deps.clock.now()
    this.#incarnation = this.#nameOf(this.#incarnationMs)
    this.#state = { kind: 'away', sinceMs: deps.clock.now() }
  }

  get incarnation(): string {
    return this.#incarnation
  }

  async begin(): Promise<void> {
    this.#running = true
    const { connection, keys, nodeId, installation, leaseTtlMs, logger } = this.#deps
    await connection.firstContact()
    const sentAt = this.#times()
    try {
      const args = [installation, this.#incarnation, leaseTtlMs]
      const [verdict, holder, leftMs] = (await connection.run(
        scripts.leaseTake,
        [keys.lease(nodeId)],
        args
      )) as string[]
      if (verdict === 'taken') {
        this.#running = false
        throw taken(nodeId, holder ?? '?', Number(leftMs))
      }
      this.#wasEmptied(await this.#readMarks())
      this.#confirm(sentAt)
      this.#to('held')
      this.#noteSoon()
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'node_id_taken') throw error
      // Why has been told by the connection.
      logger.debug({ error }, 'the lease of this node cannot be taken yet')
    }
    this.#schedule()
  }

  state(): { readonly kind: LeaseState; readonly sinceMs: number } {
    // A node that was stopped finds its timers late: what it holds is not trusted before a renewal says so.
    if (this.#state.kind === 'held' && this.#mayHaveRunOut()) {
      this.#adoptedAs = undefined
      this.#to('lost')
    }
    return this.#state
  }

  onChange(listener: (state: LeaseState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  adopted(): void {
    if (this.state().kind !== 'lost') return
    this.#adoptedAs = this.#incarnation
    if (this.#mayHaveRunOut()) return
    this.#to('held')
    // Others may trust a miss again.
    void this.renew()
  }

  async nodes(): Promise<readonly NodePresence[]> {
    const { connection, keys, clock } = this.#deps
    const oldest = clock.now() - forgetNodeMs
    const known = (await connection.send(keys.nodes, ['ZRANGEBYSCORE', keys.nodes, oldest, '+inf'])) as string[]
    const listed = new Set(known)
    const looked = await Promise.all([...new Set([...known, ...this.#seen])].map((node) => this.presenceOf(node)))
    const present = looked.filter(({ node, alive }) => alive || listed.has(node))
    this.#seen = new Set(present.map(({ node }) => node))
    return present
  }

  async presenceOf(node: string): Promise<NodePresence> {
    const { connection, keys } = this.#deps
    const lease = keys.lease(node)
    const row = (await connection.send(lease, ['HMGET', lease, 'incarnation', 'adopting'])) as (string | null)[]
    const [incarnation, adopting] = row
    if (incarnation == null) return { node, incarnation: '', alive: false }
    return { node, incarnation, alive: true, adopting: adopting === '1' }
  }

  /** True when the node lives that a session or a command belongs to, in the same life. */
  async isAlive(node: string, incarnation: string): Promise<boolean> {
    const presence = await this.presenceOf(node)
    return presence.alive && presence.incarnation === incarnation
  }

  async registryIsWhole(): Promise<boolean> {
    const [nodes, marks] = await Promise.all([this.nodes(), this.#readMarks()])
    // A node that has not noticed yet that a server was emptied will have within its lease.
    return nodes.every(({ adopting }) => adopting !== true) && marks.every(({ ageMs }) => ageMs > this.#deps.leaseTtlMs)
  }

  /** Renew no more. */
  stop(): void {
    this.#running = false
    this.#cancel()
  }

  async end(): Promise<void> {
    const { connection, keys, nodeId, installation } = this.#deps
    this.stop()
    await this.#renewal
    try {
      await connection.run(scripts.leaseEnd, [keys.lease(nodeId)], [installation, this.#incarnation])
      const open = await connection.send(keys.openEpochs(nodeId), ['ZCARD', keys.openEpochs(nodeId)])
      if (Number(open) === 0) await connection.send(keys.nodes, ['ZREM', keys.nodes, nodeId])
    } catch (error) {
      // That Redis is away has been told, and a lease that is not held is nothing to give back.
      if (this.#state.kind === 'away') return
      const why = error instanceof Error ? error.message : String(error)
      this.#deps.logger.warn({ why }, 'the lease of this node could not be given back; it runs out by itself')
    }
  }

  /** One renewal now; one at a time. */
  renew(): Promise<void> {
    this.#renewal = this.#renewal.then(() => (this.#running ? this.#renewOnce() : undefined))
    return this.#renewal
  }

  async #renewOnce(): Promise<void> {
    const { connection, keys, nodeId, installation, leaseTtlMs } = this.#deps
    const { kind } = this.state()
    const sentAt = this.#times()
    const next = Math.max(this.#deps.clock.now(), this.#incarnationMs + 1)
    const nextIncarnation = this.#nameOf(next)
    try {
      const args = [installation, this.#incarnation, leaseTtlMs, kind === 'held' ? '0' : '1', nextIncarnation]
      const [verdict, marks] = await Promise.all([
        connection.run(scripts.leaseRenew, [keys.lease(nodeId)], args),
        this.#readMarks()
      ])
      if (verdict === 'taken') return this.#refused()
      this.#refusals = 0
      this.#confirm(sentAt)
      if (verdict === 'lost') {
        this.#incarnation = nextIncarnation
        this.#incarnationMs = next
      }
      const emptied = this.#wasEmptied(marks)
      // What was admitted while Redis was away is not registered, so coming back is like a loss.
      if (verdict === 'lost' || emptied || kind === 'away' || kind === 'taken') {
        this.#adoptedAs = undefined
        this.#to('lost', true)
      } else if (this.#adoptedAs === this.#incarnation) this.#to('held')
      // The list may lie on the server that was emptied, and the lease on another.
      if (verdict === 'lost' || emptied || this.#renewals++ % noteEvery === 0) this.#noteSoon()
    } catch (error) {
      this.#deps.logger.debug({ error }, 'the lease of this node was not renewed')
      this.#to('away')
    }
  }

  async #readMarks(): Promise<Mark[]> {
    const { connection, keys } = this.#deps
    return Promise.all(
      connection.masterTags().map(async (tag) => {
        const fresh = randomBytes(9).toString('base64url')
        const [value = '', ageMs] = (await connection.run(scripts.marker, [keys.marker(tag)], [fresh])) as string[]
        return { tag, value, ageMs: Number(ageMs) }
      })
    )
  }

  /** True when a server lost its data since the last time. */
  #wasEmptied(marks: readonly Mark[]): boolean {
    const { connection, keys } = this.#deps
    connection.forgetOthers(marks.map(({ tag }) => connection.homeOf(keys.marker(tag))))
    const emptied = marks.some(({ tag, value }) => (this.#marks.get(tag) ?? value) !== value)
    for (const { tag, value } of marks) this.#marks.set(tag, value)
    return emptied
  }

  #refused(): void {
    const { nodeId, logger } = this.#deps
    this.#adoptedAs = undefined
    this.#to('taken')
    if (this.#refusals++ % complainEvery === 0)
      logger.error(
        { code: 'node_id_taken', node: nodeId },
        'another gateway runs with the `node.id` of this one: give each an id of its own, and start this one again'
      )
  }

  #confirm(sentAt: { wallMs: number; monotonicMs: number }): void {
    this.#confirmed = sentAt
  }

  #mayHaveRunOut(): boolean {
    if (!this.#confirmed) return true
    const { wallMs, monotonicMs } = this.#times()
    // The longer of the two: one stands still while the machine sleeps, the other may be set back.
    const elapsedMs = Math.max(wallMs - this.#confirmed.wallMs, monotonicMs - this.#confirmed.monotonicMs)
    return elapsedMs >= this.#deps.leaseTtlMs
  }

  #times(): { wallMs: number; monotonicMs: number } {
    return { wallMs: this.#deps.clock.now(), monotonicMs: this.#monotonicNow() }
  }

  #to(kind: LeaseState, again = false): void {
    if (this.#state.kind === kind && !again) return
    const from = this.#state.kind
    this.#state = { kind, sinceMs: this.#deps.clock.now() }
    const line = { from, to: kind, incarnation: this.#incarnation }
    this.#deps.logger[kind === 'held' ? 'info' : 'warn'](line, 'the lease of this node changed its state')
    for (const listener of [...this.#listeners]) listener(kind)
  }

  #noteSoon(): void {
    const { connection, keys, nodeId, clock, logger } = this.#deps
    const forget = clock.now() - forgetNodeMs
    Promise.all([
      connection.send(keys.nodes, ['ZADD', keys.nodes, clock.now(), nodeId]),
      connection.send(keys.nodes, ['ZREMRANGEBYSCORE', keys.nodes, '-inf', forget])
    ]).catch((error: unknown) => {
      this.#renewals = 0
      logger.debug({ error }, 'this node is not listed yet')
    })
  }

  #schedule(): void {
    if (!this.#running) return
    const everyMs = Math.min(renewEveryMs, this.#deps.leaseTtlMs / 3)
    this.#cancel = this.#deps.clock.after(everyMs, () => void this.renew().then(() => this.#schedule()))
  }

  #nameOf(ms: number): string {
    return `${String(ms).padStart(13, '0')}-${randomBytes(4).toString('hex')}`
  }
}

interface Mark {
  readonly tag: string
  readonly value: string
  readonly ageMs: number
}

function taken(node: string, installation: string, leftMs: number): GatewayError {
  return new GatewayError(
    'node_id_taken',
    `another gateway (installation ${installation}) runs as node ${JSON.stringify(node)}: give each gateway a \`node.id\` of its own. ` +
      `If that one is gone for good, its lease runs out in ${Math.max(1, Math.ceil(leftMs / 1_000))} s.`,
    { canRetry: true }
  )
}
