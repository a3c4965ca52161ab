import { GatewayError } from '../../lib/gateway-error.ts'
import { wait } from '../../lib/wait.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ControlChannel, ControlReply } from '../../ports/control-channel.ts'
import type { Logger } from '../../ports/logger.ts'
import type { NodeLease } from '../../ports/node-lease.ts'
import type { CommandRecord } from '../../ports/records.ts'
import type { Owner, SessionRegistry } from '../../ports/session-registry.ts'
import type { CommandRoute, Routed } from '../command-desk.ts'
import type { KeptLedger } from './ledger.ts'

export interface ClusterRouteDeps {
  readonly node: string
  readonly clock: Clock
  readonly registry: Pick<SessionRegistry, 'locate'>
  readonly ledger: Pick<KeptLedger, 'handOver' | 'takeBack' | 'get'>
  readonly control: Pick<ControlChannel, 'send'>
  readonly lease: Pick<NodeLease, 'registryIsWhole' | 'nodes'>
  /** See `missingIsDead`. */
  readonly missingIsDead: () => boolean
  readonly logger: Logger
}

const lookAgainMs = 250
/** How long an owner that nobody hears is told again: its subscription comes back some time after Redis does. */
const unheardMs = 5_000

/**
 * Finds the node that owns a charge point and hands the command over; a stale owner says so at once and is asked for anew, once.
 * The order of a charge point's commands is the caller's part: `CommandLanes`. [design 4.3, D1, D7, D8]
 */
export class ClusterRoute implements CommandRoute {
  readonly #deps: ClusterRouteDeps

  constructor(deps: ClusterRouteDeps) {
    this.#deps = deps
  }

  async deliver(record: CommandRecord): Promise<Routed> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const owner = await this.#locate(record)
      if (!owner) return 'offline'
      if (owner.node === this.#deps.node)
        return (await this.#deps.ledger.takeBack(record)) ? 'here' : await this.#notOurs(record)
      const reply = await this.#handOver(owner, record)
      if (reply !== 'not_owner') return reply
    }
    return 'offline'
  }

  async cancel({ commandId, chargePointId }: CommandRecord): Promise<boolean> {
    const { registry, control, node } = this.#deps
    const owner = await registry.locate(chargePointId)
    if (!owner || owner.node === node) return false
    return (await control.send(owner.node, { kind: 'cancel', commandId, chargePointId })) === 'accepted'
  }

  async #locate(record: CommandRecord): Promise<Owner | undefined> {
    const { registry, clock } = this.#deps
    for (;;) {
      const owner = await registry.locate(record.chargePointId)
      if (owner || clock.now() >= record.expiresAtMs || (await this.#missIsOffline())) return owner
      await wait(this.#deps.clock, lookAgainMs)
    }
  }

  /** Not until the nodes have adopted their sessions after a loss, nor while one may only not have renewed its lease yet. */
  async #missIsOffline(): Promise<boolean> {
    const { lease, missingIsDead } = this.#deps
    if (!(await lease.registryIsWhole())) return false
    return missingIsDead() || (await lease.nodes()).every(({ alive }) => alive)
  }

  async #handOver(owner: Owner, record: CommandRecord): Promise<'handed_over' | 'not_owner'> {
    const { ledger, lease, logger } = this.#deps
    const incarnation = (await lease.nodes()).find(({ node, alive }) => node === owner.node && alive)?.incarnation
    if (incarnation === undefined) return 'not_owner'
    // Before the message: once it may have arrived, only that node or the deadline may settle the command.
    if (!(await ledger.handOver(record, owner.node, incarnation))) return await this.#notOurs(record)
    try {
      const reply = await this.#tell(owner.node, record)
      return reply === 'accepted' ? 'handed_over' : 'not_owner'
    } catch (error) {
      logger.info(
        { commandId: record.commandId, node: owner.node, error },
        'a hand-over was not acknowledged; whoever has the command, or its deadline, settles it'
      )
      return 'handed_over'
    }
  }

  /** Somebody else has it, or ended it. A ledger that has lost it is told of it in a moment, and then it goes on. */
  async #notOurs({ commandId }: CommandRecord): Promise<'handed_over'> {
    const { ledger, node } = this.#deps
    const known = await ledger.get(commandId)
    if (known?.state === 'claimed' && known.node === node)
      throw new GatewayError('registry_unavailable', 'the ledger has lost the command', { canRetry: true })
    return 'handed_over'
  }

  /** Nobody has the message that nobody heard, so it may be told again, or go to an owner that is new. */
  async #tell(node: string, record: CommandRecord): Promise<ControlReply> {
    const { control, clock, registry } = this.#deps
    const untilMs = Math.min(clock.now() + unheardMs, record.expiresAtMs)
    for (;;) {
      try {
        return await control.send(node, { kind: 'command', record })
      } catch (error) {
        const isUnheard = error instanceof GatewayError && error.code === 'node_unreachable'
        if (!isUnheard || clock.now() >= untilMs) throw error
      }
      await wait(this.#deps.clock, lookAgainMs)
      if ((await registry.locate(record.chargePointId))?.node !== node) return 'not_owner'
    }
  }
}
