import type { CommandHandler, CommandSource, SourceRecord } from '../../ports/command-source.ts'
import type { Logger } from '../../ports/logger.ts'
import type { Counter, Metrics } from '../../ports/metrics.ts'
import type { LeaseState, NodeLease } from '../../ports/node-lease.ts'
import type { CommandRecord } from '../../ports/records.ts'
import type { CommandDesk, Taken } from '../command-desk.ts'
import { commandIdPattern } from '../command-record.ts'
import type { CommandRequest } from '../views.ts'
import { isUnavailable } from './unavailable.ts'

export interface CommandIntakeDeps {
  readonly source: Pick<CommandSource, 'deadLetter'>
  /** Claim it in the ledger and keep it, but do not send it yet. */
  readonly accept: (request: CommandRequest & { readonly id: string }, timestampMs: number) => Promise<Taken>
  /** Its offset is committed: the bus never brings it back, so it may be written, once `mayGo` says so. */
  readonly dispatch: (record: CommandRecord, mayGo?: Promise<boolean>) => void
  /**
   * The ledger that nodes share is told that it goes from here. False: it was taken over by the member that has its partition now.
   * Absent: the ledger is the node's own.
   */
  readonly confirm?: (record: CommandRecord) => Promise<boolean>
  /** A command that cannot be one, but has an id: it gets its outcome. */
  readonly refuse: (
    request: { readonly id: string; readonly chargePointId: string; readonly type: string },
    detail: string,
    /** Undefined: that of the record is none. */
    timestampMs: number | undefined
  ) => Promise<void>
  /** Counts those that lie among the dead letters. */
  readonly deadLetters: Counter
  readonly logger: Logger
}

/** More than any reader has in hand between a claim and its commit. */
const acceptedMax = 20_000

/**
 * Commands from the shared bus: claimed and kept, then committed, and only then handed over, so that no redelivery, rebalance
 * or reset of the group ever sends one twice (D2), and a mute charge point holds nobody (D3). [design 4.1, 4.2]
 */
export class CommandIntake implements CommandHandler {
  readonly #deps: CommandIntakeDeps
  readonly #accepted = new Map<string, CommandRecord>()
  readonly #accepting = new Map<string, Promise<void>>()
  /** The last one of each charge point that waits for its `confirm`: they go in their order. */
  readonly #turns = new Map<string, Promise<boolean>>()
  /** Their batch may come again, because of another record in it. */
  readonly #putAside = new WeakSet<SourceRecord>()

  constructor(deps: CommandIntakeDeps) {
    this.#deps = deps
  }

  async accept(records: readonly SourceRecord[]): Promise<void> {
    // In order per charge point; the ledger is asked for all at once, each charge point's one after the other.
    const lanes = new Map<string, SourceRecord[]>()
    for (const record of records) {
      const lane = lanes.get(record.key ?? '')
      if (lane) lane.push(record)
      else lanes.set(record.key ?? '', [record])
    }
    const done = await Promise.allSettled([...lanes.values()].map((lane) => this.#acceptLane(lane)))
    // Only when all have come to their end: what is kept after the batch went on would wait for ever.
    const failed = done.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  proceed(records: readonly SourceRecord[]): void {
    for (const { where } of records) {
      const command = this.#accepted.get(where)
      this.#accepted.delete(where)
      if (command) this.#deps.dispatch(command, this.#turnOf(command))
    }
  }

  #turnOf(command: CommandRecord): Promise<boolean> | undefined {
    const { confirm, logger } = this.#deps
    if (!confirm) return undefined
    const { chargePointId, commandId } = command
    const before = this.#turns.get(chargePointId) ?? Promise.resolve(true)
    const mine = before
      .catch((error: unknown) => logger.debug({ error, commandId }, 'the command before it was not confirmed'))
      .then(() => confirm(command))
    this.#turns.set(chargePointId, mine)
    const over = (): void => {
      if (this.#turns.get(chargePointId) === mine) this.#turns.delete(chargePointId)
    }
    mine.then(over, over)
    return mine
  }

  /** Claimed here and committed elsewhere: unless it was taken over there, it is sent from here, or nobody would. */
  committedElsewhere(records: readonly SourceRecord[]): void {
    this.proceed(records)
  }

  /** Those of a lost generation may never proceed here; the oldest of them make room. */
  #keep(where: string, command: CommandRecord): void {
    this.#accepted.set(where, command)
    if (this.#accepted.size <= acceptedMax) return
    const [oldest] = this.#accepted.keys()
    if (oldest !== undefined) this.#accepted.delete(oldest)
  }

  async #acceptLane(lane: readonly SourceRecord[]): Promise<void> {
    for (const record of lane) await this.#acceptAfterItself(record)
  }

  /** Read again in the next generation while it is being claimed for the last one: what that has claimed has to be known first. */
  async #acceptAfterItself(record: SourceRecord): Promise<void> {
    const { where } = record
    const before = this.#accepting.get(where) ?? Promise.resolve()
    // Its fault is of the batch that it is in.
    const mine = before.then(
      () => this.#acceptOne(record),
      () => this.#acceptOne(record)
    )
    this.#accepting.set(where, mine)
    try {
      await mine
    } finally {
      if (this.#accepting.get(where) === mine) this.#accepting.delete(where)
    }
  }

  async #acceptOne(record: SourceRecord): Promise<void> {
    if (this.#putAside.has(record)) return
    const parsed = parseCommand(record)
    const readIn = this.#deps.confirm ? { readIn: record.generation } : {}
    const fault = parsed.ok ? await this.#take({ ...parsed.request, ...readIn }, record) : parsed.detail
    if (fault === undefined) return
    this.#deps.logger.warn({ where: record.where, detail: fault }, 'a record of the topic of commands is no command')
    if (!parsed.ok && parsed.known)
      await this.#deps.refuse(parsed.known, fault, isTime(record.timestampMs) ? record.timestampMs : undefined)
    await this.#deps.source.deadLetter(record, fault)
    this.#deps.deadLetters.inc()
    this.#putAside.add(record)
  }

  /** What is wrong with it, when it will be wrong however often it comes: it is put aside, or it would stop its partition for ever. */
  async #take(request: CommandRequest & { readonly id: string }, record: SourceRecord): Promise<string | undefined> {
    try {
      const taken = await this.#deps.accept(request, record.timestampMs)
      if (taken.kind === 'claimed') this.#keep(record.where, taken.record)
      return taken.kind === 'refused' ? taken.detail : undefined
    } catch (error) {
      if (isUnavailable(error)) throw error
      return `it cannot be taken: ${error instanceof Error ? error.message : String(error)}`
    }
  }
}

export interface IntakeParts {
  readonly source: CommandSource
  readonly desk: CommandDesk
  /** While the registry is away nothing can be claimed, so nothing is read. Absent: the ledger is the node's own. */
  readonly lease?: Pick<NodeLease, 'onChange' | 'state'>
  /** The ledger that the nodes share. */
  readonly ledger?: { confirm(record: CommandRecord): Promise<boolean> }
  readonly metrics: Metrics
  readonly logger: Logger
}

/** Take commands from the bus for this node's desk. */
export async function startIntake({ source, desk, lease, ledger, metrics, logger }: IntakeParts): Promise<void> {
  const intake = new CommandIntake({
    source,
    accept: (request, timestampMs) => desk.accept(request, timestampMs),
    dispatch: (record, mayGo) => desk.dispatch(record, mayGo),
    ...(ledger && { confirm: (record) => ledger.confirm(record) }),
    refuse: (request, detail, timestampMs) => desk.refuse(request, detail, timestampMs),
    deadLetters: metrics.counter('dead_letters_total', {}),
    logger
  })
  const follow = (state: LeaseState): void => (state === 'away' || state === 'taken' ? source.pause() : source.resume())
  // Away from the start, it changes no more before it is back.
  if (lease) follow(lease.state().kind)
  lease?.onChange(follow)
  await source.start(intake)
}

/** As long as an id that a charge point can connect with. */
export const chargePointIdCharactersMax = 255
/** They part the members of keys. */
const controlCharacter = /\p{Cc}/u

/** The end of the year 9999: a timestamp beyond is none in milliseconds, and no time as text. */
const timeMax = Date.UTC(10_000, 0) - 1

function isTime(timestampMs: number): boolean {
  return timestampMs >= 0 && timestampMs <= timeMax
}

/** RFC 3339; what it lets through, `Date.parse` reads. */
export const timePattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

type Parsed =
  | { readonly ok: true; readonly request: CommandRequest & { readonly id: string } }
  | {
      readonly ok: false
      readonly detail: string
      /** Enough is known for an outcome. */
      readonly known?: { readonly id: string; readonly chargePointId: string; readonly type: string }
    }

/**
 * A record of `commands-down`: `{ id, chargePointId, type, data, ... }`, the key its charge point id. Never throws. What it takes
 * is what `schemas/commands/command.json` tells backends.
 */
export function parseCommand({ value, key, timestampMs }: SourceRecord): Parsed {
  let body: unknown
  try {
    body = JSON.parse(value)
  } catch (error) {
    return { ok: false, detail: `not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    return { ok: false, detail: 'not a JSON object' }
  const {
    id,
    chargePointId = key,
    type,
    data,
    timeoutMs,
    expiresAt,
    priority,
    requestedBy
  } = body as Record<string, unknown>
  const known =
    isCommandId(id) && isChargePointId(chargePointId)
      ? { id, chargePointId, type: typeof type === 'string' ? type : 'unknown' }
      : undefined
  const fault = faultOf({ id, chargePointId, type, timeoutMs, expiresAt, priority, timestampMs })
  if (fault) return { ok: false, detail: fault, ...(known ? { known } : {}) }
  return {
    ok: true,
    request: {
      id: id as string,
      chargePointId: chargePointId as string,
      type: type as string,
      data: data ?? {},
      requestedBy: typeof requestedBy === 'string' ? requestedBy : 'kafka',
      ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs as number }),
      ...(expiresAt === undefined ? {} : { expiresAt: expiresAt as string }),
      ...(priority === undefined ? {} : { priority: priority as 'high' | 'normal' })
    }
  }
}

function isCommandId(id: unknown): id is string {
  return typeof id === 'string' && commandIdPattern.test(id)
}

function isChargePointId(id: unknown): id is string {
  if (typeof id !== 'string' || id === '' || id.length > chargePointIdCharactersMax) return false
  return !controlCharacter.test(id) && id.isWellFormed()
}

function faultOf(
  members: Readonly<Record<'id' | 'chargePointId' | 'type' | 'timeoutMs' | 'expiresAt' | 'priority', unknown>> & {
    readonly timestampMs: number
  }
): string | undefined {
  const { id, chargePointId, type, timeoutMs, expiresAt, priority, timestampMs } = members
  if (!isCommandId(id))
    return 'id: 1 to 128 printable ASCII characters without spaces are expected; without it there can be no outcome'
  if (!isChargePointId(chargePointId))
    return `chargePointId: a text of 1 to ${chargePointIdCharactersMax} characters is expected (or the key of the record)`
  if (!isTime(timestampMs)) return 'the timestamp of the record is not in milliseconds since 1970'
  if (typeof type !== 'string') return 'type: a text such as "ocpp.call" is expected'
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && (timeoutMs as number) > 0))
    return 'timeoutMs: a positive whole number of milliseconds is expected'
  if (expiresAt !== undefined && (typeof expiresAt !== 'string' || !timePattern.test(expiresAt)))
    return 'expiresAt: an RFC 3339 time such as 2026-11-23T10:00:00Z is expected'
  if (priority !== undefined && priority !== 'high' && priority !== 'normal')
    return 'priority: "high" or "normal" is expected'
  return undefined
}
