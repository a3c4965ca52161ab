import { wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LedgerRoll, RollPart } from '../../ports/ledger-roll.ts'
import type { Logger } from '../../ports/logger.ts'
import type { NodeLease } from '../../ports/node-lease.ts'
import type { NodeStore } from '../../ports/node-store.ts'
import { type CommandRecord, keyOf, type StoreChange } from '../../ports/records.ts'
import { everyRow } from '../every-row.ts'
import { isUnavailable } from './unavailable.ts'

export interface LedgerKnowledgeDeps {
  readonly node: string
  readonly clock: Clock
  readonly logger: Logger
  readonly store: NodeStore
  readonly roll: LedgerRoll
  readonly lease: Pick<NodeLease, 'nodes'>
  /** `limits.command_memory`: what a node knew that was not seen for so long can come back no more. */
  readonly commandMemoryMs: number
  /** Tell how far transaction ids are given, and hear it. */
  readonly shareIds: () => Promise<void>
  /** Tell the shared ledger all that this node knows. */
  readonly restore: () => Promise<void>
}

const everyMs = 2_000
/** A member's row is written again when it is as old as this: one small commit an hour. */
const noteEveryMs = 3_600_000
const forgetMemberMs = 60 * 86_400_000
/** For all to notice the loss and to tell, or to start: until then nothing is given up as doubtful. */
export const graceMs = 15_000
const retryMs = 500
/** A backend's clock, which stamps its commands, may be ahead of that of Redis. */
export const clockMarginMs = 10_000

/**
 * Whether the shared ledger can say that a command is new. After it was emptied it cannot, for a command that may have been
 * given before, until each node that was there has told it what it knows; which nodes were there, each keeps on its own
 * disk. [ADR 6]
 */
export class LedgerKnowledge {
  readonly #deps: LedgerKnowledgeDeps
  #gapBeforeMs: number | undefined
  #stopped = false
  #cancel: (() => void) | undefined
  #telling: Promise<void> | undefined

  constructor(deps: LedgerKnowledgeDeps) {
    this.#deps = deps
  }

  start(): void {
    void this.#loop()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** As the last look found it, a moment ago. */
  wasInDoubt(record: CommandRecord): boolean {
    return isOlder(record, this.#gapBeforeMs)
  }

  /**
   * It may have been given, and written, before the ledger forgot, and who would know it has not told it. Soon after a loss this
   * waits for those that are about to.
   */
  async isInDoubt(record: CommandRecord): Promise<boolean> {
    const { roll, clock } = this.#deps
    for (;;) {
      const gapMs = this.#gapOf(await roll.read())
      if (gapMs === undefined || !isOlder(record, gapMs)) return false
      if (this.#stopped || clock.now() - gapMs >= graceMs) return true
      await wait(clock, retryMs)
    }
  }

  /** Tell the ledger what this node knows, and say that it did; before others may trust the registry again. */
  tell(): Promise<void> {
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined
    })
    return this.#telling
  }

  /** One look; for tests too. */
  async look(): Promise<void> {
    const { node, roll, lease, clock } = this.#deps
    const nodes = await lease.nodes()
    await this.#remember(
      nodes.map((seen) => ({ node: seen.node, alive: seen.alive })),
      clock.now()
    )
    const parts = await roll.read()
    this.#gapBeforeMs = this.#gapOf(parts)
    // Emptied while this node was not there to see it, or a server that is new in its cluster.
    if (parts.some(({ signed }) => !signed.includes(node))) await this.tell()
    else await this.#deps.shareIds()
  }

  async #tell(): Promise<void> {
    const { roll, restore, shareIds } = this.#deps
    // Read before: what is forgotten from now on is not told by this.
    const parts = await roll.read()
    this.#gapBeforeMs = this.#gapOf(parts)
    await shareIds()
    await restore()
    await roll.sign(parts)
  }

  #gapOf(parts: readonly RollPart[]): number | undefined {
    const { store, clock, commandMemoryMs, node } = this.#deps
    const seenSinceMs = clock.now() - commandMemoryMs - noteEveryMs
    let gapMs: number | undefined
    for (const member of everyRow(store, 'members', (row) => row.node)) {
      if (member.node === node || member.seenMs < seenSinceMs) continue
      for (const { signed, sinceMs } of parts)
        if (!signed.includes(member.node)) gapMs = Math.max(gapMs ?? sinceMs, sinceMs)
    }
    return gapMs
  }

  async #remember(nodes: readonly { readonly node: string; readonly alive: boolean }[], nowMs: number): Promise<void> {
    const { store } = this.#deps
    const changes: StoreChange[] = []
    for (const { node, alive } of nodes) {
      const known = store.get('members', keyOf.member(node))
      if (!known || (alive && nowMs - known.seenMs >= noteEveryMs))
        changes.push({ table: 'members', key: keyOf.member(node), value: { node, seenMs: nowMs } })
    }
    for (const { node, seenMs } of everyRow(store, 'members', (row) => row.node)) {
      if (nowMs - seenMs > forgetMemberMs && !nodes.some((listed) => listed.node === node))
        changes.push({ table: 'members', key: keyOf.member(node), value: null })
    }
    if (changes.length > 0) await store.commit(changes)
  }

  async #loop(): Promise<void> {
    const { clock, logger } = this.#deps
    try {
      await this.look()
    } catch (error) {
      if (isUnavailable(error)) logger.debug({ error }, 'what the ledger knows is not known: the registry is away')
      else logger.error({ error }, 'what the ledger knows could not be looked at')
    }
    if (!this.#stopped) this.#cancel = clock.after(everyMs, () => void this.#loop())
  }
}

function isOlder({ requestedAtMs, givenSinceMs = requestedAtMs }: CommandRecord, gapMs: number | undefined): boolean {
  return gapMs !== undefined && givenSinceMs < gapMs + clockMarginMs
}
