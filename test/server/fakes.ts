import { createConnection, type Socket as NetSocket } from 'node:net'
import type { Refusal } from '../../src/gateway/refusals.ts'
import type { Admitted, Conversation, Gatekeeper, Handshake, Wire } from '../../src/gateway/wire.ts'
import type { Logger } from '../../src/ports/logger.ts'
import type { Metrics } from '../../src/ports/metrics.ts'
import {
  type ChargePointServer,
  type ChargePointServerOptions,
  createChargePointServer
} from '../../src/server/charge-point-server.ts'

/** The clock of the machine, for tests over real sockets. */
export const systemClock = {
  now: () => Date.now(),
  after(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  }
}

export class CountedMetrics implements Metrics {
  readonly #counts = new Map<string, number>()
  readonly #gauges = new Map<string, () => number>()

  counter(name: string, labels: Readonly<Record<string, string>>): { inc(n?: number): void } {
    const key = keyOf(name, labels)
    return { inc: (n = 1) => this.#counts.set(key, (this.#counts.get(key) ?? 0) + n) }
  }

  gauge(name: string, labels: Readonly<Record<string, string>>, value: () => number): void {
    this.#gauges.set(keyOf(name, labels), value)
  }

  histogram(): { observe(): void } {
    return { observe() {} }
  }

  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const key = keyOf(name, labels)
    return this.#gauges.get(key)?.() ?? this.#counts.get(key) ?? 0
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return [name, ...Object.values(labels)].join(' ')
}

export class KeptLog implements Logger {
  readonly lines: { readonly level: string; readonly fields: object; readonly text: string }[] = []
  readonly debug = this.#keep('debug')
  readonly info = this.#keep('info')
  readonly warn = this.#keep('warn')
  readonly error = this.#keep('error')

  #keep(level: string): (fields: object, text: string) => void {
    return (fields, text) => this.lines.push({ level, fields, text })
  }
}

export class FakeConversation implements Conversation {
  readonly handshake: Handshake
  readonly wire: Wire
  readonly frames: string[] = []
  readonly ends: { readonly reason: string; readonly peerCode: number | undefined }[] = []
  onFrame: (text: string) => void = () => {}
  readonly #onChange: () => void

  constructor(handshake: Handshake, wire: Wire, onChange: () => void) {
    this.handshake = handshake
    this.wire = wire
    this.#onChange = onChange
  }

  get reason(): string | undefined {
    return this.ends[0]?.reason
  }

  frame(text: string): void {
    this.frames.push(text)
    this.onFrame(text)
    this.#onChange()
  }

  closed(reason: string, peerCode?: number): void {
    this.ends.push({ reason, peerCode })
    this.#onChange()
  }
}

type Refused = { readonly refusal: Refusal; readonly about: Parameters<Gatekeeper['refused']>[1] }

/** Lets everybody in, answers `[2,id,...]` with `[3,id,{}]`, and keeps what it was told. */
export class FakeGatekeeper implements Gatekeeper {
  readonly conversations: FakeConversation[] = []
  readonly refusals: Refused[] = []
  abandoned = 0
  onAdmit: (handshake: Handshake) => Admitted | Promise<Admitted> = (handshake) => this.admitted(handshake)
  onOpen: (conversation: FakeConversation) => void = answerCalls
  #watchers: (() => void)[] = []

  admitted(handshake: Handshake): Admitted {
    return {
      ok: true,
      open: (wire) => {
        const conversation = new FakeConversation(handshake, wire, () => this.#changed())
        this.conversations.push(conversation)
        this.onOpen(conversation)
        this.#changed()
        return conversation
      },
      abandon: () => {
        this.abandoned++
        this.#changed()
      }
    }
  }

  async admit(handshake: Handshake): Promise<Admitted> {
    return this.onAdmit(handshake)
  }

  refused(refusal: Refusal, about: Refused['about']): void {
    this.refusals.push({ refusal, about })
    this.#changed()
  }

  of(chargePointId: string): FakeConversation | undefined {
    return this.conversations.findLast(({ handshake }) => handshake.chargePointId === chargePointId)
  }

  /** Resolves as soon as `condition` holds; looked at whenever something was told. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return
        this.#watchers = this.#watchers.filter((watcher) => watcher !== look)
        resolve()
      }
      this.#watchers.push(look)
      look()
    })
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}

export function answerCalls(conversation: FakeConversation): void {
  conversation.onFrame = (text) => {
    const id = /^\[2,"([^"]*)"/.exec(text)?.[1]
    if (id !== undefined) conversation.wire.send(`[3,"${id}",{}]`)
  }
}

export interface TestServer {
  readonly server: ChargePointServer
  readonly gatekeeper: FakeGatekeeper
  readonly metrics: CountedMetrics
  readonly log: KeptLog
  readonly port: number
  /** `ws://127.0.0.1:{port}/ocpp/{id}` */
  url(id: string): string
  raw(): NetSocket
}

export const testSettings = {
  host: '127.0.0.1',
  port: 0,
  path: '/ocpp',
  trustedProxies: [] as readonly string[],
  connectionsMax: 1000,
  handshakeTimeoutMs: 5000,
  handshakesMax: 100,
  payloadBytesMax: 64 * 1024,
  pingIntervalMs: 20_000,
  idleTimeoutMs: 50_000,
  compression: true,
  sendBufferBytesMax: 256 * 1024,
  inboxBytesMax: 1024 * 1024,
  closeTimeoutMs: 300,
  backlog: 511
} as const

/** A server on a free port of the loopback, closed with the test. */
export async function startServer(
  t: { after(callback: () => Promise<void>): void },
  options: Partial<ChargePointServerOptions> = {}
): Promise<TestServer> {
  const gatekeeper = new FakeGatekeeper()
  const metrics = new CountedMetrics()
  const log = new KeptLog()
  const server = createChargePointServer({
    ...testSettings,
    gatekeeper,
    clock: systemClock,
    metrics: metrics as Metrics,
    log,
    ...options
  })
  const { port } = await server.listen()
  t.after(() => server.close())
  return {
    server,
    gatekeeper,
    metrics,
    log,
    port,
    url: (id) => `ws://127.0.0.1:${port}/ocpp/${id}`,
    raw: () => createConnection({ host: '127.0.0.1', port, allowHalfOpen: true }).on('error', () => {})
  }
}
