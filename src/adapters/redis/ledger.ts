import { randomBytes } from 'node:crypto'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ClusterLedger, OverdueCommand, Settler } from '../../ports/cluster-ledger.ts'
import type { LedgerClaim, WriteVerdict } from '../../ports/ledger.ts'
import type { CommandOutcome, CommandRecord } from '../../ports/records.ts'
import type { RedisConnection } from './connection.ts'
import { deadlineShards, type Keys } from './keys.ts'
import { decodeEntry, encodeRecord, type LedgerEntry } from './ledger-entry.ts'
import type { RedisNodeLease } from './node-lease.ts'
import { scripts } from './scripts.ts'

/** When a sweep looks at a command for the first time, and again. */
const checkEveryMs = 6_000
/** A claim that took longer is refused: the entry in the index of deadlines may have been given up. */
const claimTimeMs = 3_000
/** Longer than a hand-over is tried for, and its answer awaited. */
const receiptMs = 10_000
const recentMax = 200
/** Charge points of commands that were seen here, so that most look-ups of the index are spared. */
const seenMax = 20_000
const unsettledMax = 10_000
/** Entries of the index of deadlines without a command that are remembered until they are seen again. */
const missingMax = 20_000

export interface LedgerDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly nodeId: string
  readonly lease: RedisNodeLease
  readonly clock: Clock
  /** How long a command is remembered after it was settled. */
  readonly commandMemoryMs: number
}

/** The life of each command in Redis: one entry in its charge point's slot, every transition a script. */
export class RedisLedger implements ClusterLedger {
  readonly #deps: LedgerDeps
  readonly #seen = new Map<string, string>()
  /** When a deadline without a command was first seen. */
  readonly #missing = new Map<string, number>()

  constructor(deps: LedgerDeps) {
    this.#deps = deps
  }

  claim(asked: CommandRecord): Promise<LedgerClaim> {
    const { nodeId, lease } = this.#deps
    return this.#claim(asked, [nodeId, lease.incarnation], ['', '', ''])
  }

  tell(record: CommandRecord): Promise<LedgerClaim> {
    const { nodeId, lease } = this.#deps
    const { node, state, epoch = '', writtenAtMs = '' } = record
    const written = state === 'written' ? ([epoch, writtenAtMs] as const) : (['', ''] as const)
    const toldAs = randomBytes(9).toString('base64url')
    return this.#claim(record, [node, node === nodeId ? lease.incarnation : ''], [toldAs, ...written])
  }

  async #claim(
    asked: CommandRecord,
    of: readonly [node: string, incarnation: string],
    told: readonly [as: string, epoch: number | '', writtenAtMs: number | '']
  ): Promise<LedgerClaim> {
    const { connection, keys, clock } = this.#deps
    const { readIn, ...record } = asked
    const { commandId, chargePointId } = record
    const memoryMs = this.#memoryMs(record)
    const deadlines = keys.deadlinesOf(commandId)
    // First: a crash after it leaves an entry that the next sweep removes.
    const [indexed] = await Promise.all([
      connection.run(scripts.commandIndex, [keys.commandIndex(commandId)], [chargePointId, memoryMs]),
      connection.send(deadlines, [
        'ZADD',
        deadlines,
        'NX',
        clock.now() + checkEveryMs,
        memberOf(chargePointId, commandId)
      ])
    ])
    const [owner, redisMs] = indexed as [string, number]
    if (owner !== chargePointId) return this.#conflict(record, owner)
    this.#remember(commandId, chargePointId)
    const reply = (await connection.run(
      scripts.commandClaim,
      [keys.command(chargePointId, commandId), keys.recentCommands(chargePointId)],
      // biome-ignore format: as the script names them
      [encodeRecord(record), commandId, record.requestedAtMs, ...of, memoryMs, recentMax,
        Number(redisMs) + claimTimeMs, readIn ?? '', ...told]
    )) as string[]
    if (reply[0] === 'late')
      throw new GatewayError('registry_unavailable', 'Redis was too slow to claim the command', { canRetry: true })
    const known = decodeEntry(reply.slice(1))?.record
    if (!known) return { kind: 'claimed', record: { ...record, node: of[0] } }
    return { kind: known.digest === record.digest ? 'exists' : 'conflict', record: known }
  }

  async markWritten(commandId: string, epoch: number, writtenAtMs: number): Promise<WriteVerdict> {
    const chargePointId = await this.#chargePointOf(commandId)
    if (chargePointId === undefined) return 'ledger_lost'
    return await this.#write(chargePointId, commandId, epoch, writtenAtMs)
  }

  write(record: CommandRecord, epoch: number, writtenAtMs: number): Promise<WriteVerdict> {
    return this.#write(record.chargePointId, record.commandId, epoch, writtenAtMs)
  }

  async settle(
    commandId: string,
    outcome: CommandOutcome,
    settledAtMs: number,
    by?: Settler
  ): Promise<CommandRecord | undefined> {
    const chargePointId = await this.#chargePointOf(commandId)
    if (chargePointId === undefined) return undefined
    const isOwn = by?.isOwn ?? false
    return this.#settle({
      chargePointId,
      commandId,
      outcome,
      settledAtMs,
      isOwn,
      ...(by && { untilTold: by.untilTold })
    })
  }

  async settleKept(
    record: CommandRecord,
    outcome: CommandOutcome,
    settledAtMs: number
  ): Promise<CommandRecord | undefined> {
    const { connection, keys, clock } = this.#deps
    const { commandId, chargePointId } = record
    const deadlines = keys.deadlinesOf(commandId)
    const memoryMs = this.#memoryMs(record)
    // An entry that is made anew needs these again; they are harmless beside one that is there.
    await Promise.all([
      connection.run(scripts.commandIndex, [keys.commandIndex(commandId)], [chargePointId, memoryMs]),
      connection.send(deadlines, [
        'ZADD',
        deadlines,
        'NX',
        clock.now() + checkEveryMs,
        memberOf(chargePointId, commandId)
      ])
    ])
    const isOwn = record.node === this.#deps.nodeId
    return this.#settle({ chargePointId, commandId, outcome, settledAtMs, isOwn, kept: record })
  }

  async handOver(commandId: string, node: string, incarnation: string): Promise<boolean> {
    const { connection, keys, nodeId } = this.#deps
    const chargePointId = await this.#chargePointOf(commandId)
    if (chargePointId === undefined) return false
    const key = keys.command(chargePointId, commandId)
    return Number(await connection.run(scripts.commandHandOver, [key], [nodeId, node, incarnation])) === 1
  }

  async received({ chargePointId, commandId }: CommandRecord): Promise<void> {
    const { connection, keys, nodeId } = this.#deps
    await connection.run(scripts.commandReceived, [keys.command(chargePointId, commandId)], [nodeId])
  }

  async reclaim(record: CommandRecord): Promise<CommandRecord | undefined> {
    const { connection, keys, nodeId, lease } = this.#deps
    const { commandId, chargePointId, readIn } = record
    const key = keys.command(chargePointId, commandId)
    // Anew when somebody was quicker: who reads in a later generation takes it over from that one too.
    for (;;) {
      const entry = await this.#entry(chargePointId, commandId)
      if (entry?.record.state !== 'claimed' || entry.handedOver) return undefined
      const isLost = readIn !== undefined && entry.readIn !== undefined && entry.readIn < readIn
      if (!isLost && (await this.#isLookedAfter(entry))) return undefined
      const found = [entry.record.node, entry.incarnation, entry.readIn ?? '']
      const args = [...found, nodeId, lease.incarnation, readIn ?? '']
      const flat = (await connection.run(scripts.commandReclaim, [key], args)) as string[] | null
      if (flat) return decodeEntry(flat)?.record
    }
  }

  async confirm({ chargePointId, commandId }: CommandRecord): Promise<boolean> {
    const { connection, keys, nodeId } = this.#deps
    const key = keys.command(chargePointId, commandId)
    return Number(await connection.run(scripts.commandConfirm, [key], [nodeId])) === 1
  }

  async published(commandId: string): Promise<void> {
    const { connection, keys } = this.#deps
    const chargePointId = await this.#chargePointOf(commandId)
    if (chargePointId === undefined) return
    const deadlines = keys.deadlinesOf(commandId)
    await connection.run(scripts.commandPublished, [keys.command(chargePointId, commandId)])
    // Last: until it is gone, a sweep finds what was not published.
    await connection.send(deadlines, ['ZREM', deadlines, memberOf(chargePointId, commandId)])
    this.#seen.delete(commandId)
  }

  async get(commandId: string): Promise<CommandRecord | undefined> {
    const chargePointId = await this.#chargePointOf(commandId)
    return chargePointId === undefined ? undefined : (await this.#entry(chargePointId, commandId))?.record
  }

  async recent(chargePointId: string, limit: number): Promise<readonly CommandRecord[]> {
    const { connection, keys } = this.#deps
    const key = keys.recentCommands(chargePointId)
    const ids = (await connection.send(key, ['ZRANGE', key, 0, limit - 1, 'REV'])) as string[]
    const entries = await Promise.all(ids.map((commandId) => this.#entry(chargePointId, commandId)))
    return entries.map((entry) => entry?.record).filter((record) => record !== undefined)
  }

  async unsettled(): Promise<readonly CommandRecord[]> {
    const { connection, keys, nodeId, lease } = this.#deps
    const shards = Array.from({ length: deadlineShards }, (_, shard) => keys.deadlines(shard))
    const members = await Promise.all(
      shards.map((key) => connection.send(key, ['ZRANGE', key, 0, unsettledMax]) as Promise<string[]>)
    )
    const entries = await Promise.all(members.flat().map((member) => this.#entry(...partsOf(member))))
    return entries
      .filter((entry) => entry !== undefined)
      .filter(({ record, incarnation }) => record.node === nodeId && incarnation !== lease.incarnation)
      .filter(({ record }) => record.state !== 'settled')
      .map(({ record }) => record)
  }

  async overdue(nowMs: number, limit: number): Promise<readonly OverdueCommand[]> {
    const { connection, keys } = this.#deps
    const share = Math.ceil(limit / deadlineShards)
    const due = await Promise.all(
      Array.from({ length: deadlineShards }, (_, shard) =>
        connection.run(scripts.deadlinesTake, [keys.deadlines(shard)], [nowMs, share, nowMs + checkEveryMs])
      )
    )
    const alive = new Map<string, Promise<boolean>>()
    const found = await Promise.all((due as string[][]).flat().map((member) => this.#judge(member, nowMs, alive)))
    return found.filter((command) => command !== undefined)
  }

  async #judge(
    member: string,
    nowMs: number,
    alive: Map<string, Promise<boolean>>
  ): Promise<OverdueCommand | undefined> {
    const [chargePointId, commandId] = partsOf(member)
    const entry = await this.#entry(chargePointId, commandId)
    if (!entry && !this.#isGone(member, nowMs)) return undefined
    if (!entry || entry.published) {
      const key = this.#deps.keys.deadlinesOf(commandId)
      await this.#deps.connection.send(key, ['ZREM', key, member])
      return undefined
    }
    const { record, handedOver, handedAtMs, incarnation } = entry
    const holder = `${incarnation} ${record.node}`
    const asked = alive.get(holder) ?? this.#isLookedAfter(entry)
    alive.set(holder, asked)
    const lookedAfter = await asked
    if (record.state === 'settled') {
      const freshly = nowMs - (record.settledAtMs ?? 0) < checkEveryMs
      return lookedAfter && freshly ? undefined : { record, why: 'unpublished' }
    }
    // Nobody has heard its message: whoever sent it may be looking for another owner, also when this one has just stopped.
    if (record.state === 'claimed' && handedAtMs !== undefined)
      return nowMs - handedAtMs >= receiptMs ? { record, why: 'abandoned' } : undefined
    if (lookedAfter) return undefined
    if (record.state === 'written') return { record, why: 'unanswered' }
    return { record, why: handedOver ? 'abandoned' : 'unclaimed' }
  }

  /**
   * A claim puts its deadline down first, by the clock of its node: to one that is ahead it is due at once. Only one that is
   * still missing when the claim would be too late belongs to nobody.
   */
  #isGone(member: string, nowMs: number): boolean {
    const sinceMs = this.#missing.get(member)
    if (sinceMs !== undefined && nowMs - sinceMs < checkEveryMs) return false
    this.#missing.delete(member)
    if (sinceMs !== undefined) return true
    this.#missing.set(member, nowMs)
    const [oldest] = this.#missing.keys()
    if (this.#missing.size > missingMax && oldest !== undefined) this.#missing.delete(oldest)
    return false
  }

  async #isLookedAfter({ record, incarnation }: LedgerEntry): Promise<boolean> {
    const { nodeId, lease } = this.#deps
    if (record.node === nodeId) return incarnation === lease.incarnation
    return lease.isAlive(record.node, incarnation)
  }

  async #write(chargePointId: string, commandId: string, epoch: number, atMs: number): Promise<WriteVerdict> {
    const { connection, keys, nodeId, lease } = this.#deps
    const both = [keys.command(chargePointId, commandId), keys.owner(chargePointId)] as const
    const args = [epoch, atMs, nodeId, lease.incarnation]
    return (await connection.run(scripts.commandWritten, both, args)) as WriteVerdict
  }

  async #settle(what: {
    readonly chargePointId: string
    readonly commandId: string
    readonly outcome: CommandOutcome
    readonly settledAtMs: number
    readonly isOwn: boolean
    readonly kept?: CommandRecord
    readonly untilTold?: () => Promise<unknown>
  }): Promise<CommandRecord | undefined> {
    const { connection, keys, nodeId, lease, commandMemoryMs } = this.#deps
    const { outcome, kept, untilTold } = what
    // Told of another node's end, it stays that node's: nobody else knows whether its event is durable.
    const isOthers = kept?.state === 'settled' && kept.node !== nodeId
    const [node, incarnation] = isOthers ? [kept.node, ''] : [nodeId, lease.incarnation]
    const written = kept?.state === 'claimed' ? undefined : kept
    const memoryMs = kept ? this.#memoryMs(kept) : commandMemoryMs
    for (let lookedInto = untilTold ? '' : '-'; ; ) {
      const flat = (await connection.run(
        scripts.commandSettle,
        [keys.command(what.chargePointId, what.commandId)],
        // biome-ignore format: as the script names them
        [outcome.outcome, JSON.stringify(outcome), what.settledAtMs, node, incarnation, memoryMs,
          kept ? encodeRecord(kept) : '', written?.epoch ?? '', written?.writtenAtMs ?? '', what.isOwn ? '1' : '0', lookedInto]
      )) as string[] | null
      const [doubt = ''] = flat ?? []
      if (flat?.length !== 1) return flat ? decodeEntry(flat)?.record : undefined
      await untilTold?.()
      lookedInto = doubt
    }
  }

  async #conflict(record: CommandRecord, owner: string): Promise<LedgerClaim> {
    const known = await this.#entry(owner, record.commandId)
    // The other claim has reserved the id, and is on its way or died on it.
    return { kind: 'conflict', record: known?.record ?? { ...record, chargePointId: owner } }
  }

  async #entry(chargePointId: string, commandId: string): Promise<LedgerEntry | undefined> {
    const key = this.#deps.keys.command(chargePointId, commandId)
    const row = await this.#deps.connection.send(key, ['HGETALL', key])
    return decodeEntry(flatOf(row))
  }

  async #chargePointOf(commandId: string): Promise<string | undefined> {
    const seen = this.#seen.get(commandId)
    if (seen !== undefined) return seen
    const key = this.#deps.keys.commandIndex(commandId)
    const found = (await this.#deps.connection.send(key, ['GET', key])) as string | null
    if (found === null) return undefined
    this.#remember(commandId, found)
    return found
  }

  #remember(commandId: string, chargePointId: string): void {
    this.#seen.delete(commandId)
    this.#seen.set(commandId, chargePointId)
    if (this.#seen.size <= seenMax) return
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest)
      return
    }
  }

  /** Longer than all that may still come: its expiry, its answer, and the memory that was asked for. */
  #memoryMs(record: CommandRecord): number {
    const nowMs = this.#deps.clock.now()
    const openMs = Math.max(record.expiresAtMs - nowMs, 0) + record.timeoutMs + this.#deps.commandMemoryMs
    return Math.ceil(Math.min(Math.max(openMs, record.forgetAtMs - nowMs), memoryMsMax))
  }
}

const memoryMsMax = 400 * 86_400_000

/** U+0001 cannot be in a charge point's id. */
function memberOf(chargePointId: string, commandId: string): string {
  return `${chargePointId}\u0001${commandId}`
}

function partsOf(member: string): [chargePointId: string, commandId: string] {
  const cut = member.indexOf('\u0001')
  return [member.slice(0, cut), member.slice(cut + 1)]
}

/** HGETALL is a map in RESP3 and a list in RESP2. */
function flatOf(row: unknown): string[] {
  if (Array.isArray(row)) return row.map(String)
  if (row instanceof Map) return [...row].flat().map(String)
  return Object.entries(row as Record<string, string>).flat()
}
