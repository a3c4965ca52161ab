import { createHash } from 'node:crypto'
import type { StationAnswer } from './chaos-station.ts'
import type { IssuedCommand } from './command-stream.ts'
import type { Writes } from './fleet.ts'
import type { TopicRecord } from './topic-reader.ts'

/** The members of an event that are counted. Written down here again, so that the audit shares no code with the gateway. */
interface Event {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly node: string
  readonly ocppmessageid?: string
  readonly epoch?: number
  readonly sequence?: string
  readonly correlationid?: string
  readonly data: {
    readonly outcome?: string
    readonly reason?: string
    readonly writtenAt?: string
    readonly transactionId?: string
  }
}

/** Once all is well; sweeps come every ten seconds at the latest. */
const timeToSendMs = 20_000

interface Outcome {
  readonly outcome: string
  readonly reason?: string
}

/** What the topic has, and what is wrong with it. */
export class Audit {
  events = 0
  repeats = 0
  readonly outcomes = new Map<string, Outcome>()
  readonly #violations = new Set<string>()
  /** Digest of the value, by source and id. */
  readonly #seen = new Map<string, string>()
  /** Transaction ids of the events of a CALL, by charge point and message id. */
  readonly #calls = new Map<string, Set<string>>()
  /** Who was answered an OCPP 1.6 transaction id. */
  readonly #starts = new Map<string, string>()
  readonly #sequences = new Map<string, number>()
  readonly #ends = new Set<string>()
  /** Epochs that were told as lost, by charge point. */
  readonly #lost = new Set<string>()
  /** The newest connection of each charge point. */
  readonly #newest = new Map<string, { readonly epoch: number; readonly node: string }>()

  /** Each told once. */
  get violations(): readonly string[] {
    return [...this.#violations]
  }

  take({ key, value, eventId }: TopicRecord): void {
    const event = JSON.parse(value) as Event
    const { subject, id } = event
    if (key !== subject || eventId !== id) this.#tell(`key ${key} and header ${eventId} of ${subject} ${id}`)
    const digest = createHash('sha256').update(contentOf(event, value)).digest('base64')
    const first = this.#seen.get(`${subject} ${id}`)
    if (first !== undefined) {
      this.repeats++
      if (first !== digest && event.type !== 'command.outcome')
        this.#tell(`event ${id} of ${subject} came again as another one: ${value}`)
      if (event.type === 'command.outcome') this.#checkSameOutcome(event)
      return
    }
    this.#seen.set(`${subject} ${id}`, digest)
    this.events++
    this.#takeNew(event)
  }

  /** Every answered CALL has its event, and no two charge points were given one transaction id. */
  checkAnswers(answers: readonly StationAnswer[]): void {
    for (const { stationId, messageId, action, transactionId } of answers) {
      const found = this.#calls.get(`${stationId} ${messageId}`)
      if (!found) this.#tell(`LOST: ${action} ${messageId} of ${stationId} was answered and is not in the topic`)
      else if (transactionId !== undefined && !found.has(transactionId))
        this.#tell(`${messageId} was answered transaction ${transactionId}, the topic says ${[...found]}`)
      if (transactionId === undefined) continue
      const first = this.#starts.get(transactionId) ?? stationId
      if (first !== stationId) this.#tell(`transaction ${transactionId} was given to ${first} and to ${stationId}`)
      this.#starts.set(transactionId, first)
    }
  }

  /** Commands that exist and have no outcome yet. */
  open(commands: Iterable<IssuedCommand>): readonly IssuedCommand[] {
    return [...commands].filter(({ id, existence }) => existence === 'certain' && !this.outcomes.has(id))
  }

  /**
   * Every command: one outcome, written at most once, and what the outcome says is what the station saw.
   * `standing`: where the open ones stand in their topic, to tell a record that Kafka lost from one that nobody took.
   */
  checkCommands(
    commands: ReadonlyMap<string, IssuedCommand>,
    writes: ReadonlyMap<string, Writes>,
    standing: ReadonlyMap<string, string> = new Map()
  ): void {
    for (const [id, { stationIds }] of writes) {
      if (stationIds.length > 1) this.#tell(`DOUBLE WRITE: ${id} was seen by ${stationIds.join(', ')}`)
      if (!commands.has(id)) this.#tell(`${id} was seen by ${stationIds.join(', ')} and never issued`)
    }
    for (const command of commands.values()) {
      const wrong = faultOf(command, this.outcomes.get(command.id), writes.get(command.id), standing)
      if (wrong !== undefined) this.#tell(`command ${command.id} (${command.via}): ${wrong}`)
    }
    for (const id of this.outcomes.keys())
      if (!commands.has(id)) this.#tell(`an outcome of ${id}, which was never issued`)
  }

  /**
   * A command that nobody sent until it expired had something in its way all its life. `wellAtMs`: from then on nothing was.
   */
  checkExpiries(commands: readonly IssuedCommand[], wellAtMs: number, ageMaxMs: number): void {
    for (const { id, via, givenAtMs } of commands) {
      const isExpired = this.outcomes.get(id)?.reason === 'expired'
      if (isExpired && givenAtMs + ageMaxMs > wellAtMs + timeToSendMs)
        this.#tell(`command ${id} (${via}) expired, and nothing was in its way`)
    }
  }

  /** `wellAtMs`: from then on nothing was broken, so who answers a command in time is believed. */
  checkReplies(commands: readonly IssuedCommand[], wellAtMs: number): void {
    for (const { id, via, reply, givenAtMs } of commands) {
      if (givenAtMs > wellAtMs && reply !== 'mute' && this.outcomes.get(id)?.reason === 'timeout')
        this.#tell(`command ${id} (${via}) timed out, its station's reply was ${reply}, and nothing was in its way`)
    }
  }

  /** Connections that were told as lost. */
  get lost(): number {
    return this.#lost.size
  }

  /** Charge points whose newest connection has ended, as far as a reader of the topic can tell. */
  gone(stationIds: readonly string[]): readonly string[] {
    return stationIds.filter((id) => {
      const { epoch, node } = this.#newest.get(id) ?? {}
      return this.#ends.has(`${id} ${epoch} ${node}`) || this.#lost.has(`${id} ${epoch}`)
    })
  }

  #tell(violation: string): void {
    this.#violations.add(violation)
  }

  #takeNew(event: Event): void {
    const { type, subject, node, epoch, sequence, ocppmessageid, correlationid, data } = event
    if (ocppmessageid !== undefined) {
      const key = `${subject} ${ocppmessageid}`
      const ids = this.#calls.get(key) ?? new Set()
      this.#calls.set(key, ids.add(String(data.transactionId)))
    }
    if (sequence !== undefined) this.#checkSequence(`${subject} ${epoch} ${node}`, sequence, event)
    if (type === 'charge_point.connected' && (this.#newest.get(subject)?.epoch ?? 0) <= Number(epoch))
      this.#newest.set(subject, { epoch: Number(epoch), node })
    if (type === 'charge_point.disconnected' && data.reason === 'node_lost') this.#lost.add(`${subject} ${epoch}`)
    else if (type === 'charge_point.disconnected') {
      const key = `${subject} ${epoch} ${node}`
      if (this.#ends.has(key)) this.#tell(`epoch ${key} ended twice`)
      this.#ends.add(key)
    }
    if (type === 'command.outcome' && correlationid !== undefined) {
      if (data.outcome === 'not_sent' && data.writtenAt !== undefined)
        this.#tell(`${correlationid} was not sent, and yet written at ${data.writtenAt}`)
      if (this.outcomes.has(correlationid)) this.#tell(`a second outcome of ${correlationid}: ${event.id}`)
      else
        this.outcomes.set(correlationid, {
          outcome: String(data.outcome),
          ...(data.reason === undefined ? {} : { reason: data.reason })
        })
    }
  }

  #checkSequence(key: string, sequence: string, event: Event): void {
    const n = Number(sequence.slice(11))
    const last = this.#sequences.get(key) ?? 0
    if (n !== last + 1) this.#tell(`GAP: ${key} has ${last} and then ${n} (${event.type} ${event.id})`)
    this.#sequences.set(key, Math.max(n, last))
  }

  #checkSameOutcome({ correlationid = '', data }: Event): void {
    const first = this.outcomes.get(correlationid)
    // An emptied ledger that nobody could tell says so, and the first outcome counts.
    if ([first?.reason, data.reason].includes('ledger_lost')) return
    if (first?.outcome !== data.outcome || first?.reason !== data.reason)
      this.#tell(`the outcome of ${correlationid} came again as ${JSON.stringify(data)}`)
  }
}

/** Nodes may tell the same of a node that is lost, under one id: each in its own name and at its own time. */
function contentOf(event: Event, value: string): string {
  return event.data.reason === 'node_lost' ? JSON.stringify({ ...event, node: '', time: '' }) : value
}

const outcomesOf = { accept: 'accepted', reject: 'rejected', error: 'call_error', mute: '' } as const

function faultOf(
  command: IssuedCommand,
  said: Outcome | undefined,
  writes: Writes | undefined,
  standing: ReadonlyMap<string, string>
): string | undefined {
  const count = writes?.stationIds.length ?? 0
  if (!said) {
    if (command.existence === 'refused' && count > 0) return 'it was refused, and seen'
    if (command.existence !== 'certain' && count === 0) return undefined
    const fault = `MISSING OUTCOME, seen ${count} times`
    if (command.via === 'api') return fault
    const at = standing.get(command.id)
    return at === undefined ? `${fault}; Kafka has no record of it` : `${fault}; it stands at ${at}`
  }
  // The answer of the ledger may have been lost, with the command in it: then it ends, truly, as not sent.
  if (command.existence === 'refused' && said.outcome !== 'not_sent')
    return `it was refused, and has the outcome ${said.outcome}`
  switch (said.outcome) {
    case 'not_sent':
      return count === 0 ? undefined : `not_sent/${said.reason}, and seen`
    case 'unknown':
      return undefined
    default:
      if (count === 0) return `${said.outcome}, and nobody saw it`
      if (said.outcome !== outcomesOf[command.reply])
        return `${said.outcome}, and the station's reply was ${command.reply}`
      return undefined
  }
}
