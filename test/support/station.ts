import { once } from 'node:events'
import { WebSocket } from 'ws'

export interface StationOptions {
  readonly url: string
  readonly id: string
  readonly subprotocol?: 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1'
  /** Answers our CALLs; the default says `{ status: 'Accepted' }`. Undefined: stays mute. */
  readonly onCall?: (action: string, payload: unknown) => unknown
}

/** What a CALL was answered with. */
export type Answer =
  | { readonly ok: true; readonly payload: Record<string, unknown> }
  | { readonly ok: false; readonly code: string }

/** A small charge point over a real socket, for tests: it says what it is told to say and keeps what it hears. */
export class Station {
  readonly id: string
  /** CALLs of the gateway, in order. */
  readonly received: { readonly messageId: string; readonly action: string; readonly payload: unknown }[] = []
  /** Message ids whose CALLRESULT came, in order. */
  readonly answered: string[] = []
  readonly #ws: WebSocket
  readonly #onCall: NonNullable<StationOptions['onCall']>
  readonly #open = new Map<string, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  #next = 0
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>

  private constructor(ws: WebSocket, options: StationOptions) {
    this.id = options.id
    this.#ws = ws
    this.#onCall = options.onCall ?? (() => ({ status: 'Accepted' }))
    this.closed = new Promise((resolve) => {
      ws.once('close', (code, reason) => {
        for (const { reject } of this.#open.values()) reject(new Error(`closed with ${code} before the answer came`))
        this.#open.clear()
        resolve({ code, reason: String(reason) })
      })
    })
    ws.on('error', () => this.#ws.terminate())
    ws.on('message', (data) => this.#hear(String(data)))
  }

  /** Connect; rejects with the HTTP status when the upgrade is refused. */
  static async connect(options: StationOptions): Promise<Station> {
    const ws = new WebSocket(`${options.url}/${encodeURIComponent(options.id)}`, options.subprotocol ?? 'ocpp1.6')
    const station = new Station(ws, options)
    await once(ws, 'open')
    return station
  }

  /** Send a CALL and wait for its answer. */
  call(action: string, payload: unknown, messageId = `${this.id}-${++this.#next}`): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#open.set(messageId, { resolve, reject })
      this.raw(JSON.stringify([2, messageId, action, payload]))
    })
  }

  raw(text: string): void {
    this.#ws.send(text)
  }

  /** Register with a BootNotification of the version. */
  async boot(): Promise<Answer> {
    return this.#ws.protocol === 'ocpp1.6'
      ? this.call('BootNotification', { chargePointVendor: 'Test', chargePointModel: 'One' })
      : this.call('BootNotification', { reason: 'PowerUp', chargingStation: { vendorName: 'Test', model: 'One' } })
  }

  async close(): Promise<void> {
    this.#ws.close(1000)
    await this.closed
  }

  /** Break the connection without a close frame. */
  terminate(): void {
    this.#ws.terminate()
  }

  #hear(text: string): void {
    const [type, id, third, fourth] = JSON.parse(text) as [number, string, unknown, unknown]
    if (type === 2) {
      this.received.push({ messageId: id, action: String(third), payload: fourth })
      const reply = this.#onCall(String(third), fourth)
      if (reply !== undefined) this.raw(JSON.stringify([3, id, reply]))
      return
    }
    const waiting = this.#open.get(id)
    this.#open.delete(id)
    if (type === 3) {
      this.answered.push(id)
      waiting?.resolve({ ok: true, payload: third as Record<string, unknown> })
    } else waiting?.resolve({ ok: false, code: String(third) })
  }
}
