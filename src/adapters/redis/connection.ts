import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Counter, Histogram, Metrics } from '../../ports/metrics.ts'
import type { Backend, BackendOptions, Subscription } from './backend.ts'
import { createClusterBackend, subscribeCluster, unknownCluster } from './cluster.ts'
import type { RedisFault } from './faults.ts'
import { RedisHealth } from './health.ts'
import type { Script } from './scripts.ts'
import { createStandalone, subscribeStandalone } from './standalone.ts'

/** A request waits for so many rounds while its server goes on answering others: a storm is no outage. */
const roundsMax = 10
/** Requests that are on their way at once; more wait here, where they cost the least. */
const inFlightMax = 1_000
const waitingMax = 100_000
/** Of a timeout: a timer that is later than that was held up here. */
const lateShare = 0.1
/** Of a timeout: what is left for answers to be read in. */
const graceShare = 0.1
/** Request timeouts without any answer after which the client is thrown away: its connection leads nowhere. */
const silentTimeouts = 3

export interface RedisConnectionDeps extends Omit<BackendOptions, 'onError'> {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

/**
 * The way to Redis for all that is built on it: every request has a deadline, every failure is `registry_unavailable`, and
 * a client that hangs is replaced.
 */
export class RedisConnection {
  readonly #deps: RedisConnectionDeps
  readonly #clock: Clock
  readonly #options: BackendOptions
  readonly #requestSeconds: Histogram
  readonly #failures: { readonly silent: Counter; readonly unreachable: Counter; readonly refused: Counter }
  #backend: Backend
  #madeAtMs: number
  readonly #health: RedisHealth
  /** Since when servers whose last request failed have been silent. */
  readonly #silentSinceMs = new Map<string, number>()
  /** When each server answered last. */
  readonly #heardAtMs = new Map<string, number>()
  #inFlight = 0
  #waiting: { readonly go: () => void; readonly fail: (error: unknown) => void }[] = []
  readonly #subscriptions = new Set<Subscription>()
  #lastError: unknown
  #closed = false
  readonly #contact = Promise.withResolvers<void>()
  #firstContact: Promise<void> | undefined
  #started = false

  constructor(deps: RedisConnectionDeps) {
    this.#deps = deps
    this.#clock = deps.clock
    this.#requestSeconds = deps.metrics.histogram('registry_request_seconds')
    const failures = (why: string) => deps.metrics.counter('registry_failures_total', { why })
    this.#failures = {
      silent: failures('silent'),
      unreachable: failures('unreachable'),
      refused: failures('refused')
    }
    this.#options = { ...deps, onError: (error) => this.#noteError(error) }
    this.#health = new RedisHealth({ ...deps, hosts: deps.urls.map((url) => new URL(url).host) })
    this.#madeAtMs = this.#clock.now()
    this.#backend = this.#make()
  }

  /** Begins to connect, for ever; requests are refused until it has. */
  open(): void {
    this.#connect(this.#backend)
  }

  /** Resolves when Redis was reached for the first time, or one request timeout after that was first waited for. */
  firstContact(): Promise<void> {
    this.#firstContact ??= this.#contactOrTimeout()
    return this.#firstContact
  }

  async #contactOrTimeout(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(this.#deps.requestTimeoutMs, resolve)
    await Promise.race([this.#contact.promise, late])
    cancel()
    this.#started = true
  }

  state(): SinkState {
    return this.#health.state
  }

  /** The last thing that was wrong, for whoever has to mend it. */
  get fault(): RedisFault | undefined {
    return this.#health.fault
  }

  async run(script: Script, keys: readonly [string, ...string[]], args: readonly (string | number)[] = []) {
    const rest = [String(keys.length), ...keys, ...args.map(String)]
    return this.#request(keys[0], script.sha, async (backend, expired) => {
      try {
        return await backend.send(keys[0], ['EVALSHA', script.sha, ...rest], expired)
      } catch (error) {
        // After a restart, a failover or SCRIPT FLUSH; EVAL keeps it again.
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT') || expired()) throw error
        return backend.send(keys[0], ['EVAL', script.source, ...rest], expired)
      }
    })
  }

  send(key: string, command: readonly (string | number)[]): Promise<unknown> {
    const words = command.map(String)
    return this.#request(key, words[0] ?? '', (backend, expired) => backend.send(key, words, expired))
  }

  /** For what the user need not be allowed: a refusal is undefined, and no trouble. */
  sendOptional(key: string, command: readonly [string, ...string[]]): Promise<unknown> {
    return this.#request(key, command[0], (backend, expired) =>
      backend.send(key, command, expired).catch((error: unknown) => {
        if (isReply(error)) return undefined
        throw error
      })
    )
  }

  publish(channel: string, message: string): Promise<number> {
    return this.#request(channel, 'PUBLISH', (backend, expired) => backend.publish(channel, message, expired))
  }

  /** Throws `registry_unavailable` while those of a cluster are not known: who asked none of them would find nothing amiss. */
  masterTags(): readonly string[] {
    const tags = this.#backend.masterTags()
    if (tags.length > 0) return tags
    throw unavailable(this.#lastError === undefined ? unknownCluster : text(this.#lastError))
  }

  homeOf(key: string): string {
    return this.#backend.homeOf(key)
  }

  /** Listens on a connection of its own; reconnects by itself until it is destroyed. */
  subscription(channel: string, listener: (message: string) => void): Subscription {
    const make = this.#deps.cluster ? subscribeCluster : subscribeStandalone
    const made = make({ ...this.#options, onError: (error) => this.#logSubscriber(error) }, channel, listener)
    const subscription: Subscription = {
      begin: () => made.begin(),
      destroy: () => {
        this.#subscriptions.delete(subscription)
        made.destroy()
      }
    }
    this.#subscriptions.add(subscription)
    return subscription
  }

  /** Rejects when this user cannot listen to the channel, or nobody answers in time. */
  async tryToHear(channel: string, withinMs: number): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const cancel = this.#clock.after(withinMs, () => reject(new Error(`no answer within ${withinMs} ms`)))
    const subscription = this.subscription(channel, () => undefined)
    try {
      await Promise.race([subscription.begin(), late])
    } catch (error) {
      throw this.#failed({ home: this.homeOf(channel), use: 'SUBSCRIBE' }, error, false)
    } finally {
      cancel()
      subscription.destroy()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#contact.resolve()
    for (const subscription of [...this.#subscriptions]) subscription.destroy()
    this.#backend.destroy()
  }

  #make(): Backend {
    return this.#deps.cluster ? createClusterBackend(this.#options) : createStandalone(this.#options)
  }

  #connect(backend: Backend): void {
    backend.connect().then(
      () => this.#contact.resolve(),
      (error: unknown) => {
        if (!this.#closed && backend === this.#backend) this.#noteError(error)
      }
    )
  }

  async #request<T>(
    key: string,
    use: string,
    work: (backend: Backend, expired: () => boolean) => Promise<T>
  ): Promise<T> {
    // The first requests of a process are made before any connection can be there.
    if (!this.#started) await this.firstContact()
    // What waits goes first, so that the order of the calls is kept.
    if (this.#inFlight >= inFlightMax || this.#waiting.length > 0) await this.#turn()
    else this.#inFlight++
    const backend = this.#backend
    const home = backend.homeOf(key)
    const sentAtMs = performance.now()
    let expired = false
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const cancel = this.#deadline(home, () => {
      expired = true
      reject(new Error(`no answer within ${this.#deps.requestTimeoutMs} ms`))
    })
    work(backend, () => expired).then(resolve, reject)
    try {
      const reply = await promise
      this.#answered(home, use)
      this.#requestSeconds.observe((performance.now() - sentAtMs) / 1_000)
      return reply
    } catch (error) {
      throw this.#failed({ home, use }, error, expired && backend === this.#backend)
    } finally {
      cancel()
      this.#inFlight--
      this.#nextTurns()
    }
  }

  async #turn(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (this.#waiting.length >= waitingMax) reject(unavailable('too many requests wait for Redis'))
    else this.#waiting.push({ go: resolve, fail: reject })
    await promise
  }

  #nextTurns(): void {
    if (this.#waiting.length === 0 || this.#inFlight > inFlightMax / 2) return
    const next = this.#waiting.splice(0, inFlightMax - this.#inFlight)
    this.#inFlight += next.length
    for (const { go } of next) go()
  }

  /** The server is silent: nobody waits for one more timeout to hear the same. */
  #failWaiting(error: GatewayError): void {
    const all = this.#waiting
    this.#waiting = []
    for (const { fail } of all) fail(error)
  }

  /** Answers come in order, so a server that answers others gets to this one: only its silence counts. */
  #deadline(home: string, missed: () => void): () => void {
    const { requestTimeoutMs } = this.#deps
    let rounds = 0
    let heardSinceMs = this.#clock.now()
    let dueMs = 0
    let warned = false
    let ended = false
    let cancelTimer: () => void = () => undefined
    const judge = (): void => {
      if (ended) return
      const nowMs = this.#clock.now()
      const heardAtMs = this.#heardAtMs.get(home) ?? 0
      if (heardAtMs > heardSinceMs) warned = false
      heardSinceMs = Math.max(heardSinceMs, heardAtMs)
      const leftMs = heardSinceMs + requestTimeoutMs - nowMs
      // A timer that comes late tells of this process, stopped or busy: answers may lie unread in the socket.
      const held = !warned || nowMs - dueMs > requestTimeoutMs * lateShare
      warned = leftMs <= 0
      if (++rounds < roundsMax && (leftMs > 0 || held)) arm(Math.max(leftMs, requestTimeoutMs * graceShare))
      else missed()
    }
    // Timers come before the answers that lie in the socket: those are read first.
    const arm = (ms: number): void => {
      dueMs = this.#clock.now() + ms
      cancelTimer = this.#clock.after(ms, () => setImmediate(judge))
    }
    arm(requestTimeoutMs)
    return () => {
      ended = true
      cancelTimer()
    }
  }

  #answered(home: string, use: string): void {
    this.#heardAtMs.set(home, this.#clock.now())
    this.#silentSinceMs.delete(home)
    this.#health.answered(home, use)
  }

  #failed(where: { readonly home: string; readonly use: string }, error: unknown, silent: boolean): GatewayError {
    const nowMs = this.#clock.now()
    const { home } = where
    this.#failures[silent ? 'silent' : isReply(error) ? 'refused' : 'unreachable'].inc()
    // A refusal is an answer: the connection leads somewhere.
    const silentSinceMs = silent ? (this.#silentSinceMs.get(home) ?? nowMs) : nowMs
    this.#silentSinceMs.set(home, silentSinceMs)
    // What the client said when it lost the connection tells more than that it has none.
    const isUnconnected = offline(error) || (this.#lastError !== undefined && text(error).includes(unknownCluster))
    const said = text(isUnconnected ? (this.#lastError ?? 'not connected yet') : error)
    if (!this.#closed) this.#health.failed(said, where)
    const patienceMs = silentTimeouts * this.#deps.requestTimeoutMs
    if (silent && nowMs - silentSinceMs >= patienceMs && nowMs - this.#madeAtMs >= patienceMs) this.#replace()
    const failure = unavailable(said, error)
    if (silent || offline(error)) this.#failWaiting(failure)
    return failure
  }

  /** Servers that no longer serve anything fail no more. */
  forgetOthers(homes: readonly string[]): void {
    this.#health.forgetOthers(homes)
    for (const seen of [this.#silentSinceMs, this.#heardAtMs])
      for (const home of seen.keys()) if (!homes.includes(home)) seen.delete(home)
  }

  #replace(): void {
    if (this.#closed) return
    this.#deps.logger.warn({}, 'Redis is silent; its client is made anew')
    const old = this.#backend
    this.#backend = this.#make()
    this.#madeAtMs = this.#clock.now()
    this.#silentSinceMs.clear()
    this.#health.forgetOthers()
    this.#connect(this.#backend)
    old.destroy()
  }

  #noteError(error: unknown): void {
    // Why has been told of each of them.
    if (this.#lastError !== undefined && text(error).includes('root nodes are unavailable')) return
    this.#lastError = error
    // In a cluster the others may answer; whether this one is missed is found by the requests to it.
    if (!this.#closed && (!this.#deps.cluster || this.state().kind === 'starting')) this.#health.failed(text(error))
  }

  #logSubscriber(error: unknown): void {
    if (!this.#closed) this.#deps.logger.debug({ detail: text(error) }, 'the subscription of this node failed')
  }
}

function unavailable(detail: string, cause?: unknown): GatewayError {
  return new GatewayError('registry_unavailable', `Redis cannot be used: ${detail}`, { canRetry: true, cause })
}

/** An error that Redis answered with: it begins with its code. */
function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message)
}

function offline(error: unknown): boolean {
  return error instanceof Error && /client is (offline|closed)/i.test(error.message)
}

function text(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(text).join('; ')
  return error instanceof Error ? error.message || error.name : String(error)
}
