import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { fatMessage, type Said, type Speech } from './speech.ts'

/** What the stations of a fleet share: where to connect, how to speak, and the book of what they heard. */
export interface StationWorld {
  /** Where a living gateway is. */
  pickUrl(): string
  readonly callTimeoutMs: number
  readonly paceMs: number
  /** No new CALL is begun. */
  isQuiet(): boolean
  /** Bytes of the large messages that are said now, beside the others. */
  fatBytes(): number
  answered(answer: StationAnswer): void
  refused(code: string): void
  /** A command came; the answer is what the book says to it. */
  heard(stationId: string, command: HeardCommand): void
}

export interface StationAnswer {
  readonly stationId: string
  readonly messageId: string
  readonly action: string
  readonly transactionId?: string
}

export type Reply = 'accept' | 'reject' | 'error' | 'mute'

export interface HeardCommand {
  readonly id: string
  readonly reply: Reply
}

interface Kept {
  readonly said: Said
  messageId: string
  /** What the answer to it leads to. */
  readonly then: (answer: Readonly<Record<string, unknown>>) => void
}

type Answer = Readonly<Record<string, unknown>> | 'none' | 'error'

/**
 * A charge point as they are in the field: it comes back after every loss, to any gateway, and keeps the messages of a
 * transaction until they are answered.
 */
export class ChaosStation {
  readonly id: string
  /** When the newest of the answered CALLs was sent. */
  answeredSentAtMs = 0
  readonly #world: StationWorld
  readonly #speech: Speech
  readonly #kept: Kept[] = []
  readonly #open = new Map<string, (answer: Answer) => void>()
  #socket: WebSocket | undefined
  #transactionId: string | undefined
  #calls = 0
  #stopped = false

  constructor(id: string, speech: Speech, world: StationWorld) {
    this.id = id
    this.#speech = speech
    this.#world = world
  }

  get isConnected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  get callsOpen(): number {
    return this.#open.size
  }

  async run(): Promise<void> {
    await delay(Math.random() * 2_000)
    while (!this.#stopped) {
      const socket = await this.#connect()
      if (socket) await this.#converse(socket)
      if (!this.#stopped) await delay(100 + Math.random() * 1_500)
    }
  }

  stop(): void {
    this.#stopped = true
    this.#socket?.terminate()
  }

  async #connect(): Promise<WebSocket | undefined> {
    const url = `${this.#world.pickUrl()}/${this.id}`
    const socket = new WebSocket(url, this.#speech.subprotocol, { handshakeTimeout: this.#world.callTimeoutMs })
    socket.on('error', () => socket.terminate())
    this.#socket = socket
    socket.on('message', (data) => this.#hear(socket, String(data)))
    socket.on('close', () => {
      if (this.#socket !== socket) return
      for (const settle of this.#open.values()) settle('none')
    })
    const { promise, resolve } = Promise.withResolvers<WebSocket | undefined>()
    socket.once('open', () => resolve(socket))
    socket.once('close', () => resolve(undefined))
    return await promise
  }

  async #converse(socket: WebSocket): Promise<void> {
    const isOpen = () => socket.readyState === WebSocket.OPEN && !this.#stopped
    while (isOpen() && this.#world.isQuiet()) await delay(100)
    let answer = isOpen() ? await this.#call(socket, this.#speech.boot()) : 'none'
    while (isOpen() && answer !== 'none') {
      await delay(this.#world.paceMs * (0.5 + Math.random()))
      if (!isOpen() || this.#world.isQuiet()) continue
      answer = await this.#speak(socket)
    }
    // Whoever is not answered in time tries elsewhere.
    socket.terminate()
  }

  async #speak(socket: WebSocket): Promise<Answer> {
    const [kept] = this.#kept
    if (kept) {
      const answer = await this.#call(socket, kept.said, kept.messageId)
      if (typeof answer === 'object') {
        this.#kept.shift()
        kept.then(answer)
      } else if (Math.random() < 0.5) kept.messageId = this.#nextId()
      return answer
    }
    const fatBytes = this.#world.fatBytes()
    if (fatBytes > 0) return await this.#call(socket, fatMessage(fatBytes))
    const dice = Math.random()
    if (dice < 0.1) return await this.#call(socket, { action: 'Heartbeat', payload: {} })
    if (dice < 0.5) return await this.#call(socket, this.#speech.status())
    this.#transact(dice)
    return {}
  }

  /** Something of a transaction, to be said next. */
  #transact(dice: number): void {
    const transactionId = this.#transactionId
    if (transactionId === undefined) {
      const said = this.#speech.start()
      this.#keep(said, (answer) => {
        this.#transactionId = this.#speech.transactionIdOf(said, answer)
      })
    } else if (dice < 0.85) this.#keep(this.#speech.meter(transactionId), () => undefined)
    else {
      this.#keep(this.#speech.stop(transactionId), () => {
        this.#transactionId = undefined
      })
    }
  }

  #keep(said: Said, then: Kept['then']): void {
    this.#kept.push({ said, messageId: this.#nextId(), then })
  }

  #nextId(): string {
    return `${this.id}-${++this.#calls}`
  }

  async #call(socket: WebSocket, said: Said, messageId = this.#nextId()): Promise<Answer> {
    const sentAtMs = Date.now()
    const { promise, resolve } = Promise.withResolvers<Answer>()
    this.#open.set(messageId, resolve)
    const timer = setTimeout(() => resolve('none'), this.#world.callTimeoutMs)
    socket.send(JSON.stringify([2, messageId, said.action, said.payload]))
    const answer = await promise
    clearTimeout(timer)
    this.#open.delete(messageId)
    if (typeof answer !== 'object' || said.action === 'Heartbeat') return answer
    this.answeredSentAtMs = sentAtMs
    const starts = said.action === 'StartTransaction'
    this.#world.answered({
      stationId: this.id,
      messageId,
      action: said.action,
      ...(starts ? { transactionId: this.#speech.transactionIdOf(said, answer) } : {})
    })
    return answer
  }

  #hear(socket: WebSocket, text: string): void {
    const [type, id, third, fourth] = JSON.parse(text) as [number, string, unknown, unknown]
    if (type === 2) this.#obey(socket, id, fourth)
    else if (type === 3) this.#open.get(id)?.(third as Record<string, unknown>)
    else {
      this.#world.refused(String(third))
      this.#open.get(id)?.('error')
    }
  }

  /** A command names itself in `data`, and the reply that it wants in `messageId`. */
  #obey(socket: WebSocket, messageId: string, payload: unknown): void {
    const { data: id, messageId: reply } = payload as { data: string; messageId: Reply }
    this.#world.heard(this.id, { id, reply })
    if (reply === 'mute') return
    const answer =
      reply === 'error'
        ? [4, messageId, 'InternalError', 'as it was told', {}]
        : [3, messageId, { status: reply === 'accept' ? 'Accepted' : 'Rejected' }]
    socket.send(JSON.stringify(answer))
  }
}
