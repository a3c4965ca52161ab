import type { SimulatedConnection } from './connection.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** A message of a charge point that must not be lost. */
export interface DurableMessage {
  /** Stands in the payload and so in the event. */
  readonly token: string
  readonly action: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly id: string
  /** A StartTransaction: who waits for its id. */
  readonly onAnswer?: (payload: Readonly<Record<string, unknown>>) => void
}

export type Manner = 'accepts' | 'rejects' | 'errors' | 'mute'

export interface StationDeps {
  readonly chargePointId: string
  readonly scheduler: Scheduler
  readonly actor: Actor
  /** Through the load balancer to some node; undefined: refused. */
  readonly connect: (station: Station) => Promise<SimulatedConnection | undefined>
  readonly manner: Manner
}

const answerTimeoutMs = 6_000
/** CALLs in a row on one connection. */
const unansweredMax = 4

/** A 1.6 charge point: one CALL at a time, and what is not answered is said again, on this connection or the next. */
export class Station {
  readonly chargePointId: string
  /** Tokens of durable messages that were answered. */
  readonly answered = new Set<string>()
  /** Answers that were given, by command id. */
  readonly said = new Map<string, string>()
  /** Ids given to each start, by its token. */
  readonly starts = new Map<string, Set<number>>()
  manner: Manner
  connection: SimulatedConnection | undefined
  isCalm = false
  readonly #deps: StationDeps
  readonly #queue: DurableMessage[] = []
  #open: { readonly id: string; readonly message: DurableMessage | undefined } | undefined
  #cancelTimeout: (() => void) | undefined
  #tokens = 0
  #calls = 0
  #unanswered = 0
  #transaction: number | undefined
  #isConnecting = false
  #isBooted = false

  constructor(deps: StationDeps) {
    this.#deps = deps
    this.chargePointId = deps.chargePointId
    this.manner = deps.manner
    this.#live()
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.connection !== undefined && this.#isBooted
  }

  /** A reconnect, as after a reboot or a change of network; the old socket may stay half open. */
  reconnect(silently: boolean): void {
    this.connection?.leave(silently)
    this.#disconnected()
  }

  hear(text: string): void {
    const [type, id, first, second] = JSON.parse(text) as [number, string, unknown, unknown]
    if (type === 2) this.#commanded(id, String(first), second as { readonly messageId?: string })
    else if (this.#open?.id === id) this.#answeredWith(type === 3 ? (first as Record<string, unknown>) : undefined)
  }

  /** Something happens at the station now and then. */
  #live(): void {
    const { scheduler, actor } = this.#deps
    scheduler.after(scheduler.random.between(200, 4_000), actor, () => {
      if (!this.connection && !this.#isConnecting) void this.#connect()
      else if (!this.isCalm) this.#something()
      else if (this.connection && !this.#open && this.#queue.length === 0) this.#call('Heartbeat', {}, undefined)
      this.#live()
    })
  }

  #something(): void {
    const { random } = this.#deps.scheduler
    const what = random.next()
    if (what < 0.1) this.#call('Heartbeat', {}, undefined)
    else if (what < 0.3) this.#durable('StatusNotification', (token) => status(token))
    else if (what < 0.5 && this.#transaction === undefined) this.#start()
    else if (what < 0.7 && this.#transaction !== undefined) this.#meterValues(this.#transaction)
    else if (what < 0.85 && this.#transaction !== undefined) this.#stop(this.#transaction)
    else if (what < 0.9) this.reconnect(random.chance(0.5))
    else if (what < 0.92) this.connection?.cut()
  }

  #start(): void {
    this.#transaction = 0
    this.#durable(
      'StartTransaction',
      (token) => ({ connectorId: 1, idTag: token, meterStart: 1_000, timestamp: this.#timestamp() }),
      (token, { transactionId }) => {
        this.#transaction = Number(transactionId)
        const ids = this.starts.get(token) ?? new Set()
        this.starts.set(token, ids.add(Number(transactionId)))
      }
    )
  }

  #meterValues(transactionId: number): void {
    const timestamp = this.#timestamp()
    this.#durable('MeterValues', (token) => ({
      connectorId: 1,
      transactionId,
      meterValue: [{ timestamp, sampledValue: [{ value: token.slice(1) }] }]
    }))
  }

  #stop(transactionId: number): void {
    this.#transaction = undefined
    const timestamp = this.#timestamp()
    this.#durable('StopTransaction', (token) => ({ transactionId, idTag: token, meterStop: 2_000, timestamp }))
  }

  #durable(
    action: string,
    payload: (token: string) => Readonly<Record<string, unknown>>,
    onAnswer?: (token: string, answer: Readonly<Record<string, unknown>>) => void
  ): void {
    const token = `T${1_000_000 + ++this.#tokens}`
    this.#queue.push({
      token,
      action,
      payload: payload(token),
      id: this.#nextId(),
      ...(onAnswer && { onAnswer: (answer) => onAnswer(token, answer) })
    })
    this.#pump()
  }

  #nextId(): string {
    return `m${++this.#calls}`
  }

  #pump(): void {
    const [next] = this.#queue
    if (!next || this.#open || !this.connection || !this.#isBooted) return
    // Some stations say it again with the same id, some with a new one.
    const id = this.#deps.scheduler.random.chance(0.5) ? next.id : this.#nextId()
    this.#send(id, next.action, next.payload, next)
  }

  #call(action: string, payload: Readonly<Record<string, unknown>>, message: DurableMessage | undefined): void {
    if (this.#open || !this.connection) return
    this.#send(this.#nextId(), action, payload, message)
  }

  #send(id: string, action: string, payload: unknown, message: DurableMessage | undefined): void {
    const { scheduler, actor } = this.#deps
    this.#open = { id, message }
    this.connection?.say(JSON.stringify([2, id, action, payload]))
    this.#cancelTimeout?.()
    this.#cancelTimeout = scheduler.after(answerTimeoutMs, actor, () => {
      this.#open = undefined
      // Patience ends in another attempt, or in another connection.
      const isOver = scheduler.random.chance(0.5) || ++this.#unanswered >= unansweredMax
      if (isOver) this.reconnect(scheduler.random.chance(0.5))
      else if (this.#isBooted) this.#pump()
      else this.#boot()
    })
  }

  #answeredWith(payload: Readonly<Record<string, unknown>> | undefined): void {
    this.#unanswered = 0
    const message = this.#open?.message
    this.#open = undefined
    this.#cancelTimeout?.()
    if (!this.#isBooted) this.#isBooted = payload?.status === 'Accepted'
    if (message && payload) {
      this.#queue.shift()
      this.answered.add(message.token)
      this.#deps.scheduler.say(`${this.chargePointId}: ${message.action} ${message.token} answered`)
      message.onAnswer?.(payload)
    }
    this.#pump()
  }

  #commanded(id: string, action: string, { messageId: commandId = action }: { readonly messageId?: string }): void {
    const { scheduler, actor } = this.#deps
    const { manner, connection } = this
    if (manner === 'mute') return
    scheduler.after(scheduler.random.between(0, 1_500), actor, () => {
      if (this.connection !== connection || !connection) return
      this.said.set(commandId, manner)
      if (manner === 'errors') connection.say(JSON.stringify([4, id, 'GenericError', 'no', {}]))
      else connection.say(JSON.stringify([3, id, { status: manner === 'accepts' ? 'Accepted' : 'Rejected' }]))
    })
  }

  async #connect(): Promise<void> {
    this.#isConnecting = true
    const connection = await this.#deps.connect(this)
    this.#isConnecting = false
    if (!connection) return
    this.connection = connection
    this.#boot()
  }

  #boot(): void {
    this.#call('BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' }, undefined)
  }

  /** The socket that has ended is the one that lives. */
  closed(connection: SimulatedConnection): void {
    if (this.connection === connection) this.#disconnected()
  }

  #disconnected(): void {
    this.connection = undefined
    this.#isBooted = false
    this.#unanswered = 0
    this.#open = undefined
    this.#cancelTimeout?.()
  }

  #timestamp(): string {
    return new Date(this.#deps.scheduler.nowMs).toISOString()
  }
}

function status(token: string): Readonly<Record<string, unknown>> {
  return { connectorId: 1, errorCode: 'NoError', status: 'Available', info: token }
}
