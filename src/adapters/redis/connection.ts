import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SinkState } from '../../ports/event-sink.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Counter, Histogram, Metrics } from '../../ports/metrics.ts'
import type { Backend, BackendOptions, Subscription } from './backend.ts'
import { createClusterBackend, subscribeCluster } from './cluster.ts'
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
/** What somebody has to act upon, as opposed to waiting. */
const misconfigured =
  /WRONGPASS|NOAUTH|NOPERM|invalid username|without any password|cluster support disabled|certificate|self-signed|wrong version number/i

export interface RedisConnectionDeps extends Omit<BackendOptions, 'onError'> {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

interface Failing {
  readonly sinceMs: number
  lastAnswerMs: number
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
  /** Servers whose last request failed. */
  readonly #failing = new Map<string, Failing>()
  /** When each server answered last. */
  readonly #heardAtMs = new Map<string, number>()
  #inFlight = 0
  #waiting: { readonly go: () => void; readonly fail: (error: unknown) => void }[] = []
  readonly #subscriptions = new Set<Subscription>()
  #everUp = false
  #state: SinkState
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
    this.#state = { kind: 'starting', sinceMs: this.#clock.now() }
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
    return this.#state
  }

  async run(script: Script, keys: readonly [string, ...string[]], args: readonly (string | number)[] = []) {
    const rest = [String(keys.length), ...keys, ...args.map(String)]
    return this.#request(keys[0], async (backend, expired) => {
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
    return this.#request(key, (backend, expired) => backend.send(key, words, expired))
  }

  publish(channel: string, message: string): Promise<number> {
    return this.#request(channel, (backend, expired) => backend.publish(channel, message, expired))
  }

  masterTags(): readonly string[] {
    return this.#backend.masterTags()
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

  async #request<T>(key: string, work: (backend: Backend, expired: () => boolean) => Promise<T>): Promise<T> {
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
      this.#answered(home)
      this.#requestSeconds.observe((performance.now() - sentAtMs) / 1_000)
      return reply
    } catch (error) {
      throw this.#failed(home, error, expired && backend === this.#backend)
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

  #answered(home: string): void {
    this.#heardAtMs.set(home, this.#clock.now())
    this.#failing.delete(home)
    if (this.#failing.size > 0 || this.#state.kind === 'up') return
    const { kind, sinceMs } = this.#state
    this.#state = { kind: 'up', sinceMs: this.#clock.now() }
    const afterMs = this.#clock.now() - sinceMs
    this.#deps.logger.info({ afterMs }, kind === 'starting' || !this.#everUp ? 'Redis is reached' : 'Redis is back')
    this.#everUp = true
  }

  #failed(home: string, error: unknown, silent: boolean): GatewayError {
    const nowMs = this.#clock.now()
    this.#failures[silent ? 'silent' : isReply(error) ? 'refused' : 'unreachable'].inc()
    const failing = this.#failing.get(home) ?? { sinceMs: nowMs, lastAnswerMs: nowMs }
    // A refusal is an answer: the connection leads somewhere.
    if (!silent) failing.lastAnswerMs = nowMs
    this.#failing.set(home, failing)
    const detail = `${text(error)}${offline(error) ? `: ${text(this.#lastError ?? 'not connected yet')}` : ''}`
    if (!this.#closed) this.#down(detail)
    const patienceMs = silentTimeouts * this.#deps.requestTimeoutMs
    if (silent && nowMs - failing.lastAnswerMs >= patienceMs && nowMs - this.#madeAtMs >= patienceMs) this.#replace()
    const failure = unavailable(detail, error)
    if (silent || offline(error)) this.#failWaiting(failure)
    return failure
  }

  #down(detail: string): void {
    const kind = misconfigured.test(detail) ? 'misconfigured' : 'down'
    if (this.#state.kind === kind) return
    const sinceMs =
      this.#state.kind === 'up' || this.#state.kind === 'starting' ? this.#clock.now() : this.#state.sinceMs
    this.#state = { kind, sinceMs, detail }
    this.#deps.logger.warn({ detail }, 'Redis is away')
  }

  /** Servers that no longer serve anything fail no more. */
  forgetOthers(homes: readonly string[]): void {
    for (const home of this.#failing.keys()) if (!homes.includes(home)) this.#failing.delete(home)
    for (const home of this.#heardAtMs.keys()) if (!homes.includes(home)) this.#heardAtMs.delete(home)
  }

  #replace(): void {
    if (this.#closed) return
    this.#deps.logger.warn({}, 'Redis is silent; its client is made anew')
    const old = this.#backend
    this.#backend = this.#make()
    this.#madeAtMs = this.#clock.now()
    this.#failing.clear()
    this.#connect(this.#backend)
    old.destroy()
  }

  #noteError(error: unknown): void {
    this.#lastError = error
    // In a cluster the others may answer; whether this one is missed is found by the requests to it.
    if (!this.#closed && (!this.#deps.cluster || this.#state.kind === 'starting')) this.#down(text(error))
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
