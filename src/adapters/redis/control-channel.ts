import { randomUUID } from 'node:crypto'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ControlChannel, ControlMessage, ControlReply } from '../../ports/control-channel.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Counter, Metrics } from '../../ports/metrics.ts'
import type { Subscription } from './backend.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'

/** Largest message, as text; a command is bounded far below by whoever takes it in. */
const messageCharsMax = 4 * 1024 * 1024
/** Requests of others that may be in work here at once; more are refused. */
const inWorkMax = 10_000
const probeEveryMs = 2_000
/** Probes that did not arrive before the subscription is made anew. */
const probesMissedMax = 2

type Envelope =
  | { readonly kind: 'ask'; readonly id: string; readonly from: string; readonly message: ControlMessage }
  | { readonly kind: 'reply'; readonly id: string; readonly reply: ControlReply }
  | { readonly kind: 'failed'; readonly id: string; readonly detail: string }
  | { readonly kind: 'probe'; readonly id: string }

export interface ControlChannelDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly nodeId: string
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

interface Waiting {
  resolve(reply: ControlReply): void
  reject(error: GatewayError): void
}

/** Requests and replies over pub/sub: each node listens on one channel, and only what is for it goes there. */
export class RedisControlChannel implements ControlChannel {
  readonly #deps: ControlChannelDeps
  readonly #garbage: Counter
  readonly #waiting = new Map<string, Waiting>()
  readonly #instance = randomUUID()
  #handler: ((message: ControlMessage) => Promise<ControlReply>) | undefined
  #subscription: Subscription | undefined
  #cancelProbe: () => void = () => undefined
  #probesMissed = 0
  #inWork = 0
  #closed = false

  constructor(deps: ControlChannelDeps) {
    this.#deps = deps
    this.#garbage = deps.metrics.counter('oddities_total', { what: 'control_message_unusable' })
  }

  /** Resolves when it is heard, or after one request timeout: with Redis away it goes on trying. */
  async listen(handler: (message: ControlMessage) => Promise<ControlReply>): Promise<void> {
    this.#handler = handler
    const { clock, requestTimeoutMs } = this.#deps
    const heard = Promise.all([this.#subscribe(), this.#deps.connection.firstContact()])
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(requestTimeoutMs, resolve)
    await Promise.race([heard, late])
    cancel()
    this.#probeLater()
  }

  async send(node: string, message: ControlMessage): Promise<ControlReply> {
    const { nodeId, keys, connection, clock, requestTimeoutMs } = this.#deps
    if (node === nodeId) return this.#ask(message)
    const id = randomUUID()
    const text = JSON.stringify({ kind: 'ask', id, from: nodeId, message } satisfies Envelope)
    if (text.length > messageCharsMax)
      throw new GatewayError(
        'control_too_large',
        `a message of ${text.length} characters is too large for another node`
      )
    const { promise, resolve, reject } = Promise.withResolvers<ControlReply>()
    const cancel = clock.after(requestTimeoutMs, () => reject(timeout(node)))
    this.#waiting.set(id, { resolve, reject })
    try {
      const published = connection.publish(keys.channel(node), text).then((heard) => {
        if (heard === 0) throw unreachable(node)
      })
      const [reply] = await Promise.all([promise, published])
      return reply
    } finally {
      cancel()
      this.#waiting.delete(id)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelProbe()
    this.#subscription?.destroy()
    for (const [, { reject }] of this.#waiting) reject(new GatewayError('control_closed', 'this node is stopping'))
    this.#waiting.clear()
  }

  async #subscribe(): Promise<void> {
    const { connection, keys, nodeId, logger } = this.#deps
    this.#subscription?.destroy()
    const subscription = connection.subscription(keys.channel(nodeId), (text) => this.#hear(text))
    this.#subscription = subscription
    try {
      await subscription.begin()
    } catch (error) {
      // The next probe is not heard, and makes another.
      if (!this.#closed && subscription === this.#subscription)
        logger.debug({ error }, 'this node does not hear the others yet')
    }
  }

  /** A subscription that silently died is found by what this node sends to itself. */
  #probeLater(): void {
    if (this.#closed) return
    this.#cancelProbe = this.#deps.clock.after(probeEveryMs, () => {
      this.#probe().finally(() => this.#probeLater())
    })
  }

  async #probe(): Promise<void> {
    const { connection, keys, nodeId, logger } = this.#deps
    if (this.#probesMissed >= probesMissedMax) {
      logger.warn({}, 'this node did not hear itself; its subscription is made anew')
      this.#probesMissed = 0
      void this.#subscribe()
      return
    }
    try {
      const text = JSON.stringify({ kind: 'probe', id: this.#instance } satisfies Envelope)
      this.#probesMissed++
      await connection.publish(keys.channel(nodeId), text)
    } catch {
      // Redis is away: that says nothing about the subscription.
      this.#probesMissed--
    }
  }

  #hear(text: string): void {
    const envelope = decode(text)
    if (!envelope) this.#garbage.inc()
    else if (envelope.kind === 'probe') {
      if (envelope.id === this.#instance) this.#probesMissed = 0
    } else if (envelope.kind === 'ask') void this.#answer(envelope)
    else if (envelope.kind === 'reply') this.#waiting.get(envelope.id)?.resolve(envelope.reply)
    else this.#waiting.get(envelope.id)?.reject(refused(envelope.detail))
  }

  async #answer({ id, from, message }: Extract<Envelope, { kind: 'ask' }>): Promise<void> {
    const { connection, keys, logger } = this.#deps
    let envelope: Envelope
    try {
      envelope = { kind: 'reply', id, reply: await this.#ask(message) }
    } catch (error) {
      envelope = { kind: 'failed', id, detail: error instanceof Error ? error.message : String(error) }
    }
    try {
      await connection.publish(keys.channel(from), JSON.stringify(envelope))
    } catch (error) {
      logger.debug({ error, node: from }, 'the reply to another node was not sent; it runs into its deadline')
    }
  }

  async #ask(message: ControlMessage): Promise<ControlReply> {
    if (!this.#handler || this.#closed) throw refused('it is not ready')
    if (this.#inWork >= inWorkMax) throw refused('it has too much to do')
    this.#inWork++
    try {
      return await this.#handler(message)
    } finally {
      this.#inWork--
    }
  }
}

const messageKinds: readonly unknown[] = ['command', 'cancel', 'evict', 'disconnect']

/** Anybody with the right to publish can send anything: undefined unless it is one of ours. */
function decode(text: string): Envelope | undefined {
  if (text.length > messageCharsMax) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value) || typeof value.id !== 'string') return undefined
  const { kind, from, message, reply, detail } = value
  const usable =
    kind === 'probe' ||
    (kind === 'ask' && typeof from === 'string' && isObject(message) && isUsable(message)) ||
    (kind === 'reply' && (reply === 'accepted' || reply === 'not_owner')) ||
    (kind === 'failed' && typeof detail === 'string')
  return usable ? (value as unknown as Envelope) : undefined
}

function isUsable(message: Record<string, unknown>): boolean {
  const { kind, record, chargePointId, commandId, epoch } = message
  if (!messageKinds.includes(kind)) return false
  if (kind === 'command')
    return isObject(record) && typeof record.commandId === 'string' && typeof record.chargePointId === 'string'
  if (typeof chargePointId !== 'string') return false
  return (kind !== 'cancel' || typeof commandId === 'string') && (kind !== 'evict' || typeof epoch === 'number')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function timeout(node: string): GatewayError {
  return new GatewayError('control_timeout', `node ${node} did not acknowledge in time`, { canRetry: true })
}

function unreachable(node: string): GatewayError {
  return new GatewayError('node_unreachable', `node ${node} does not listen`, { canRetry: true })
}

function refused(detail: string): GatewayError {
  return new GatewayError('control_refused', `the other node refused: ${detail}`, { canRetry: true })
}
