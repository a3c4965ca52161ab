import { rulesOf } from '../../src/events/to-events.ts'
import { createGatewayNode, type GatewayDeps, type GatewayNode, type GatewaySettings } from '../../src/gateway/node.ts'
import type { CommandRequest } from '../../src/gateway/views.ts'
import type { Admitted, Conversation, Handshake, HoldName, Wire } from '../../src/gateway/wire.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import { createValidator } from '../../src/protocol/validate.ts'
import type { CloseReason } from '../../src/session/close-reasons.ts'
import type { SessionTools } from '../../src/session/context.ts'
import type { SessionSettings } from '../../src/session/effect.ts'
import { Session } from '../../src/session/session.ts'
import { FakeClock } from './fake-clock.ts'
import { type LoggedLine, memoryLogger } from './memory-logger.ts'
import {
  acceptingAuthority,
  MemoryLedger,
  MemoryLog,
  MemoryMetrics,
  MemoryRegistry,
  MemoryStore,
  memoryDirectory
} from './memory-ports.ts'

/** A socket that keeps what happens to it. */
export class FakeWire implements Wire {
  readonly sent: string[] = []
  readonly closes: CloseReason[] = []
  readonly holds = new Set<HoldName>()
  onResume: () => void = () => undefined

  send(text: string): void {
    this.sent.push(text)
  }

  close(reason: CloseReason): void {
    if (this.closes.length === 0) this.closes.push(reason)
  }

  pause(why: HoldName): void {
    this.holds.add(why)
  }

  resume(why: HoldName): void {
    this.holds.delete(why)
    this.onResume()
  }

  totals() {
    return { bytesIn: 1, bytesOut: 2, framesIn: 3, framesOut: 4 }
  }

  /** What was sent, parsed. */
  get frames(): [number, string, ...unknown[]][] {
    return this.sent.map((text) => JSON.parse(text))
  }
}

/** One turn of the event loop: what was published is appended, and what is on disk is told. */
export async function turn(): Promise<void> {
  await new Promise(setImmediate)
  await new Promise(setImmediate)
}

const validator = createValidator('1.6')

const sessionSettings: SessionSettings = {
  node: 'node-a',
  bootIntervalS: 300,
  queueCallsMax: 4,
  replayWindowMs: 300_000,
  replayAnswersMax: 16,
  badFramesMax: 3,
  leniency: 'tolerant',
  includeRaw: 'when_needed',
  openTransactionsMax: 8,
  endedTransactionsMax: 8,
  violationsPerMinuteMax: 6
}

export const gatewaySettings: GatewaySettings = {
  node: 'node-a',
  version: '0.0.0',
  eventsInMemoryMax: 1000,
  callsInFlightMax: 32,
  callTimeoutMs: 30_000,
  commandAgeMaxMs: 300_000,
  commandMemoryMs: 86_400_000,
  commandTimeoutMaxMs: 600_000,
  commandExpiryMaxMs: 604_800_000,
  commandsOpenMax: 1000,
  queueCallsMax: 64,
  takeoversMax: 3,
  takeoverDampMs: 5_000,
  refusalsPerMinuteMax: 10
}

type Changes = Partial<Omit<GatewayDeps, 'settings' | 'log' | 'store' | 'ledger' | 'registry'>> & {
  readonly settings?: Partial<GatewaySettings>
  readonly store?: MemoryStore
  /** Shared with other nodes of the test. */
  readonly registry?: MemoryRegistry
}

/** A gateway node on ports in memory, with real sessions of 1.6. */
export class GatewayHarness {
  readonly clock: FakeClock
  readonly store: MemoryStore
  readonly log: MemoryLog
  readonly registry: MemoryRegistry
  readonly ledger: MemoryLedger
  readonly metrics = new MemoryMetrics()
  readonly lines: readonly LoggedLine[]
  readonly node: GatewayNode
  #ids = 0

  constructor({ settings, store = new MemoryStore(), registry = new MemoryRegistry(), ...changes }: Changes = {}) {
    const logger = memoryLogger()
    this.clock = new FakeClock()
    this.store = store
    this.registry = registry
    this.log = new MemoryLog(store)
    this.ledger = new MemoryLedger(store, this.registry)
    this.lines = logger.lines
    const nextId = () => `id-${++this.#ids}`
    const tools: SessionTools = {
      settings: { ...sessionSettings, node: settings?.node ?? sessionSettings.node },
      ids: { eventId: nextId, messageId: nextId },
      validator,
      rules: rulesOf('1.6')
    }
    this.node = createGatewayNode({
      settings: { ...gatewaySettings, ...settings },
      clock: this.clock,
      logger,
      metrics: this.metrics,
      log: this.log as unknown as EventLog,
      store,
      directory: memoryDirectory(store),
      registry: this.registry,
      ledger: this.ledger,
      authority: acceptingAuthority,
      ids: { eventId: nextId, commandId: nextId },
      makeSession: (start) => new Session(tools, start),
      ...changes
    })
  }

  admit(chargePointId: string, remoteAddress = '10.0.0.1'): Promise<Admitted> {
    const handshake: Handshake = { chargePointId, version: '1.6', subprotocol: 'ocpp1.6', remoteAddress }
    return this.node.hub.admit(handshake)
  }

  /** Through the door with a socket. */
  async connect(chargePointId: string, remoteAddress?: string): Promise<Connected> {
    const admitted = await this.admit(chargePointId, remoteAddress)
    if (!admitted.ok) throw new Error(admitted.refusal.code)
    const wire = new FakeWire()
    return new Connected(wire, admitted.open(wire))
  }

  /** A command of this type of CALL, `Reset` unless `data` says otherwise. */
  submit(chargePointId: string, rest: Partial<CommandRequest> = {}) {
    const data = { action: 'Reset', payload: { type: 'Soft' } }
    return this.node.desk.submit({ chargePointId, type: 'ocpp.call', data, requestedBy: 'test', ...rest })
  }
}

/** A charge point on a fake socket. */
export class Connected {
  readonly wire: FakeWire
  readonly conversation: Conversation
  #calls = 0

  constructor(wire: FakeWire, conversation: Conversation) {
    this.wire = wire
    this.conversation = conversation
  }

  /** Say a CALL; its message id. */
  call(action: string, payload: unknown, id = `m-${++this.#calls}`): string {
    this.conversation.frame(JSON.stringify([2, id, action, payload]))
    return id
  }

  boot(): string {
    return this.call('BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' })
  }

  /** Answer the newest CALL of the gateway. */
  accept(payload: unknown = { status: 'Accepted' }): void {
    const call = this.wire.frames.filter(([type]) => type === 2).at(-1)
    this.conversation.frame(JSON.stringify([3, call?.[1], payload]))
  }
}
