import type { Clock } from '../../ports/clock.ts'
import type { ClusterLedger, OverdueCommand } from '../../ports/cluster-ledger.ts'
import type { Logger } from '../../ports/logger.ts'
import type { CommandOutcome, CommandRecord } from '../../ports/records.ts'
import { lostAfterWrite, lostBeforeWrite, mayBeWritten } from '../outcomes.ts'
import type { DueCommand } from './kept-commands.ts'
import { Sweeps } from './sweeps.ts'

export interface SettlementDeps {
  readonly clock: Clock
  readonly ledger: Pick<ClusterLedger, 'overdue'>
  /** See `missingIsDead`. */
  readonly missingIsDead: () => boolean
  /** See `LedgerKnowledge`. */
  readonly isInDoubt: (record: CommandRecord) => Promise<boolean>
  /** What this node keeps itself and nobody has ended in its time. */
  readonly own: { due(limit: number): Promise<readonly DueCommand[]>; looksAfter(commandId: string): boolean }
  readonly settle: (commandId: string, outcome: CommandOutcome) => Promise<void>
  /** Publish the outcome of a command that was settled by a node that died before it could. */
  readonly publish: (record: CommandRecord) => void
  readonly logger: Logger
}

const perSweepMax = 500

/**
 * Ends the commands that nobody ends any more: their node is dead, or died between the ledger and the log. Every node
 * sweeps; the ledger lets one of them win, and the event's id is the same whoever publishes it. [design 4.8]
 */
export class Settlement {
  readonly #deps: SettlementDeps
  /** Apart: thousands of its own that are due at once must not keep the ends of a dead node's waiting. */
  readonly #sweeps: readonly Sweeps[]

  constructor(deps: SettlementDeps) {
    this.#deps = deps
    const { clock, logger } = deps
    const failed = 'overdue commands could not be looked for'
    const kinds = [() => this.#sweepOthers(), () => this.#sweepOwn()]
    this.#sweeps = kinds.map((sweep) => new Sweeps({ clock, logger, sweep, failed }))
  }

  start(): void {
    for (const sweeps of this.#sweeps) sweeps.start()
  }

  stop(): void {
    for (const sweeps of this.#sweeps) sweeps.stop()
  }

  /** One sweep of each kind; for tests too. */
  async sweep(): Promise<number> {
    return (await this.#sweepOthers()) + (await this.#sweepOwn())
  }

  async #sweepOthers(): Promise<number> {
    const { ledger, clock, missingIsDead } = this.#deps
    const overdue = missingIsDead() ? await ledger.overdue(clock.now(), perSweepMax) : []
    for (const command of overdue) await this.#end(command)
    return overdue.length
  }

  async #sweepOwn(): Promise<number> {
    const due = await this.#deps.own.due(perSweepMax)
    await Promise.all(due.map(({ commandId, outcome }) => this.#deps.settle(commandId, outcome)))
    return due.length
  }

  async #end({ record, why }: OverdueCommand): Promise<void> {
    if (why === 'unpublished') {
      this.#deps.publish(record)
      return
    }
    const outcome = why === 'unanswered' ? lostAfterWrite : await this.#neverSent(record)
    // Last. Its lease was lost, but this node is not dead: the session that has the command ends it.
    if (!this.#deps.own.looksAfter(record.commandId)) await this.#deps.settle(record.commandId, outcome)
  }

  async #neverSent(record: CommandRecord): Promise<CommandOutcome> {
    return (await this.#deps.isInDoubt(record)) ? mayBeWritten : lostBeforeWrite
  }
}
