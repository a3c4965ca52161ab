import { GatewayError } from '../../lib/gateway-error.ts'
import { wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ClusterLedger } from '../../ports/cluster-ledger.ts'
import type { Ledger, LedgerClaim } from '../../ports/ledger.ts'
import type { Logger } from '../../ports/logger.ts'
import type { NodeLease } from '../../ports/node-lease.ts'
import type { CommandRecord } from '../../ports/records.ts'
import type { KeptCommands } from './kept-commands.ts'
import type { LedgerKnowledge } from './ledger-knowledge.ts'
import { isUnavailable } from './unavailable.ts'

export interface KeptClaimsDeps {
  readonly node: string
  readonly shared: ClusterLedger
  /** The node's own: keeps what this node has claimed or written, also when the shared one loses its data. */
  readonly local: Ledger
  readonly kept: KeptCommands
  readonly lease: Pick<NodeLease, 'registryIsWhole' | 'state' | 'incarnation'>
  readonly knowledge: Pick<LedgerKnowledge, 'isInDoubt' | 'wasInDoubt'>
  readonly clock: Clock
  readonly logger: Logger
}

type SharedClaim = LedgerClaim & { readonly isTakenOver?: true }

const retryMs = 500

/** How a command becomes a node's own, in the shared ledger and on its disk: claimed, handed over, taken, confirmed. [design 4.1 to 4.3] */
export class KeptClaims {
  readonly #deps: KeptClaimsDeps
  readonly #kept: KeptCommands
  #stopped = false

  constructor(deps: KeptClaimsDeps) {
    this.#deps = deps
    this.#kept = deps.kept
  }

  stop(): void {
    this.#stopped = true
  }

  async claim(record: CommandRecord): Promise<LedgerClaim> {
    const { knowledge, lease } = this.#deps
    // Not even asked: an answer that does not come leaves a claim that may have been carried out.
    if (record.readIn === undefined && lease.state().kind === 'away') throw registryAway()
    // Who asks and waits is told to ask again when it can be told from one that was written. At a start it soon can.
    if (record.givenSinceMs !== undefined && knowledge.wasInDoubt(record) && (await knowledge.isInDoubt(record)))
      throw inDoubt()
    const kept = this.#kept
    const claim = await this.#claimShared(record).catch((error: unknown) => {
      // There may be such a command all the same, by a request whose answer was lost.
      if ((kept.find(record.commandId)?.why ?? 'unsure') === 'unsure') kept.trackUnsure(record.commandId)
      throw error
    })
    const { commandId, state, node } = claim.record
    // One that exists may be ours all the same: the reply to the claim was lost, or the message that handed it over.
    const isOurs =
      claim.kind === 'claimed' || (claim.kind === 'exists' && state === 'claimed' && node === this.#deps.node)
    if (!isOurs) {
      // Whoever tells the bus or a backend that there is such a command keeps it: its claimant may die before it is on any disk.
      if (claim.kind === 'exists' && state === 'claimed') await kept.noteUnknown(claim.record)
      return claim
    }
    if (kept.find(commandId)?.isEnding) return { kind: 'exists', record: claim.record }
    const isTakenOver = claim.kind === 'claimed' && claim.isTakenOver === true && !kept.looksAfter(commandId)
    const isAgain = kept.find(commandId)?.why === 'unsure'
    const own = await (isTakenOver || isAgain ? kept.keep(claim.record) : this.#deps.local.claim(claim.record))
    if (own.kind !== 'claimed') return this.#knownAlready(own)
    // A sweep has found it too old while it came to the disk.
    if (kept.find(commandId)?.isEnding) return { kind: 'exists', record: claim.record }
    kept.track(claim.record, 'late')
    kept.setUnconfirmed(commandId, record.readIn !== undefined)
    return await this.#certain(record, claim.record)
  }

  /**
   * A claim that was won is one that nobody else has: once all have told an emptied ledger what they know. When the registry goes
   * away meanwhile, a record of the bus waits; who asks by HTTP is told to ask again, which goes on where this ended.
   */
  async #certain(asked: CommandRecord, claimed: CommandRecord): Promise<LedgerClaim> {
    const beganMs = this.#deps.clock.now()
    const kept = this.#kept.find(claimed.commandId)
    for (;;) {
      try {
        return await this.#askAll(asked, claimed, beganMs)
      } catch (error) {
        const waits = asked.readIn !== undefined && this.#deps.clock.now() < asked.expiresAtMs
        if (!waits || !isUnavailable(error) || this.#stopped) {
          // Unless another node has taken it over meanwhile, and handed it over to this one.
          if (this.#kept.find(claimed.commandId) === kept) this.#kept.trackUnsure(claimed.commandId)
          throw error
        }
        await wait(this.#deps.clock, retryMs)
      }
    }
  }

  async #askAll(asked: CommandRecord, claimed: CommandRecord, sinceMs: number): Promise<LedgerClaim> {
    const { shared, clock, knowledge, node } = this.#deps
    await this.#untilWhole(asked)
    if (await knowledge.isInDoubt(asked)) return { kind: 'in_doubt', record: claimed }
    const hasWaited = clock.now() - sinceMs >= retryMs
    const told = hasWaited ? await shared.get(asked.commandId) : undefined
    if (!told || (told.state === 'claimed' && told.node === node)) return { kind: 'claimed', record: claimed }
    // What was told meanwhile goes on this disk too, or this node would tell the next emptied ledger that it is claimed.
    if (told.state === 'settled') await this.#kept.close(told)
    else if (told.node !== node) await this.#kept.note(told)
    return { kind: 'exists', record: told }
  }

  /** This life of `node` has it from now on, and this node's own disk says so before the message is sent. */
  async handOver(record: CommandRecord, node: string, incarnation: string): Promise<boolean> {
    const { commandId } = record
    if (!(await this.#deps.shared.handOver(commandId, node, incarnation))) return false
    await this.#kept.note({ ...record, node })
    return true
  }

  /**
   * The charge point is here by now: what was handed over in vain is this node's again, or a sweep would end it while it waits for its
   * turn. False: it is not this node's to take back.
   */
  async takeBack(record: CommandRecord): Promise<boolean> {
    const { shared, lease, node } = this.#deps
    const { commandId } = record
    if (this.#kept.find(commandId)?.why !== 'handed_over') return true
    if (!(await shared.handOver(commandId, node, lease.incarnation))) return false
    await this.#kept.takeBack(record)
    void this.#receive(record)
    return true
  }

  /**
   * The bus brings it back to nobody: this node may send it. False: it went to another member, which has taken it over. While the
   * registry is away it waits; what expires meanwhile is told so by its session.
   */
  async confirm(record: CommandRecord): Promise<boolean> {
    const { shared, clock, knowledge } = this.#deps
    const { commandId } = record
    while (clock.now() < record.expiresAtMs) {
      try {
        // First of all: until it is confirmed, another member may take it over.
        let isOurs = await shared.confirm(record)
        // With its data the ledger loses who has taken it over, and has sent it.
        const beganMs = clock.now()
        await this.#untilWhole(record)
        const inDoubt = await knowledge.isInDoubt(record)
        if (clock.now() - beganMs >= retryMs) isOurs &&= await shared.confirm(record)
        const open = this.#kept.find(commandId)
        if (this.#isElsewhere(commandId)) return false
        if (isOurs) {
          if (inDoubt) this.#kept.endSoon(commandId, 'late')
          else this.#kept.setUnconfirmed(commandId, false)
          return !inDoubt
        }
        const known = await shared.get(commandId)
        if (known?.state === 'claimed' && this.#kept.find(commandId) === open) {
          this.#kept.track(record, 'handed_over')
          this.#kept.setUnconfirmed(commandId, true)
        }
        return false
      } catch (error) {
        if (!isUnavailable(error) || this.#stopped) throw error
        await wait(this.#deps.clock, retryMs)
      }
    }
    return !this.#isElsewhere(commandId)
  }

  /** Taken over, and handed over to this node by who did: it is in its queue already, or noted as another's. */
  #isElsewhere(commandId: string): boolean {
    const open = this.#kept.find(commandId)
    return open !== undefined && open.isUnconfirmed !== true
  }

  /** What another node hands over is kept here too, before that node is told. False: it came before. */
  async take(record: CommandRecord): Promise<boolean> {
    const kept = this.#kept
    const { commandId } = record
    // What a sweep of this node is about to end is not sent, also when it comes back from another one.
    const isEnding = () => kept.find(commandId)?.isEnding === true
    if (isEnding()) return false
    // Before the disk has it: one that is full, or slow, is no message that was lost.
    void this.#receive(record)
    const own = await kept.keep({ ...record, node: this.#deps.node })
    if (own.kind !== 'claimed' || isEnding()) return false
    kept.track(record, 'late')
    return true
  }

  /** Until the ledger has heard it. */
  async #receive(record: CommandRecord): Promise<void> {
    const { shared, logger, clock } = this.#deps
    const { commandId } = record
    while (!this.#stopped && clock.now() < record.expiresAtMs) {
      try {
        await shared.received(record)
        return
      } catch (error) {
        logger.debug({ commandId, error }, 'the ledger was not told that a hand-over has arrived')
        await wait(this.#deps.clock, retryMs)
      }
    }
  }

  /**
   * A claim whose claimant has died before it could hand it over is there for whoever asks again, and one whose record went to
   * another member before its commit is there for that one: so it sends them in their order.
   */
  async #claimShared(record: CommandRecord): Promise<SharedClaim> {
    const { shared } = this.#deps
    const claim = await shared.claim(record)
    if (claim.kind !== 'exists' || claim.record.state !== 'claimed') return claim
    const again = await shared.reclaim(record)
    return again ? { kind: 'claimed', record: again, isTakenOver: true } : claim
  }

  /** The shared ledger has lost a command that this node took on before: it learns of it again. */
  async #knownAlready(kept: LedgerClaim): Promise<LedgerClaim> {
    if (kept.kind === 'exists' && kept.record.state === 'settled') await this.#kept.tell(kept.record)
    return kept
  }

  /**
   * Until every node has told the ledger what it knows, after its data was lost: a claim that was won may be one that
   * another node has written.
   */
  async #untilWhole({ expiresAtMs }: CommandRecord): Promise<void> {
    const { lease, clock } = this.#deps
    while (clock.now() < expiresAtMs && !(await lease.registryIsWhole())) await wait(this.#deps.clock, retryMs)
  }
}

function registryAway(): GatewayError {
  return new GatewayError('registry_unavailable', 'Redis is away; send the command again later', { canRetry: true })
}

function inDoubt(): GatewayError {
  const detail =
    'the ledger of commands lost its data, and a gateway that was there has not told it yet what it knows: whether this id is new cannot be said; send it again when all gateways run, or without an id'
  return new GatewayError('registry_unavailable', detail, { canRetry: true })
}
