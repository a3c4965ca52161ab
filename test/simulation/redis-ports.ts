import { GatewayError } from '../../src/lib/gateway-error.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { ClusterLedger, OverdueCommand } from '../../src/ports/cluster-ledger.ts'
import type { ControlChannel, ControlMessage, ControlReply } from '../../src/ports/control-channel.ts'
import type { LedgerClaim } from '../../src/ports/ledger.ts'
import type { LedgerRoll } from '../../src/ports/ledger-roll.ts'
import { type CommandRecord, keyOf } from '../../src/ports/records.ts'
import type { SessionRegistry } from '../../src/ports/session-registry.ts'
import type { SharedState } from '../../src/ports/shared-state.ts'
import { checkEveryMs } from './ledger-model.ts'
import { type Network, requestTimeoutMs } from './network.ts'
import type { RedisModel } from './redis-model.ts'
import type { Actor, Scheduler } from './scheduler.ts'
import type { SimulatedLease } from './simulated-lease.ts'

type Handler = (message: ControlMessage) => Promise<ControlReply>

/** Who listens on which channel. */
export type Listeners = Map<string, { readonly actor: Actor; readonly handler: Handler }>

/** One life of a node at the Redis that all nodes share. */
export interface RedisLife {
  readonly node: string
  readonly actor: Actor
  readonly world: Actor
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly network: Network
  readonly redis: RedisModel
  readonly listeners: Listeners
  readonly lease: SimulatedLease
  readonly ask: <T>(step: () => T) => Promise<T>
}

const freshMs = 10_000
const receiptMs = 10_000

export function redisRegistry({ node, redis, lease, ask }: RedisLife): SessionRegistry {
  return {
    claim: (id, atLeast = 0) => {
      const { incarnation } = lease
      return ask(() => redis.claim(id, node, incarnation, atLeast))
    },
    release: (id, epoch) => ask(() => redis.release(id, node, epoch)),
    locate: async (id) => {
      const row = await ask(() => redis.owner(id))
      if (row?.node === undefined) return undefined
      const { node: owner, epoch, incarnation = '' } = row
      const isAlive =
        owner === node ? incarnation === lease.incarnation : await ask(() => redis.isAlive(owner, incarnation))
      return isAlive ? { node: owner, epoch } : undefined
    },
    adopt: (id, epoch) => {
      const { incarnation } = lease
      return ask(() => redis.adopt(id, node, incarnation, epoch))
    }
  }
}

export function redisLedger({ node, redis, lease, clock, ask }: RedisLife): ClusterLedger {
  const by = () => ({ node, incarnation: lease.incarnation })
  const absent = new Set<string>()
  const putDeadline = (commandId: string) => ask(() => redis.ledger.putDeadline(commandId, clock.now() + checkEveryMs))
  const judge = async (commandId: string, nowMs: number): Promise<OverdueCommand | undefined> => {
    const row = await ask(() => redis.ledger.row(commandId) && { ...redis.ledger.row(commandId) })
    const { record, incarnation = '' } = row ?? {}
    // Its claim may be on its way: forgotten when the next look does not find it either.
    if (!record && !absent.has(commandId)) {
      absent.add(commandId)
      return undefined
    }
    absent.delete(commandId)
    if (!record || row?.published) {
      await ask(() => redis.ledger.removeDeadline(commandId))
      return undefined
    }
    const owner = row?.node ?? ''
    const isAlive =
      owner === node ? incarnation === lease.incarnation : await ask(() => redis.isAlive(owner, incarnation))
    if (record.state === 'settled') {
      const isFresh = nowMs - (record.settledAtMs ?? 0) < freshMs
      return isAlive && isFresh ? undefined : { record, why: 'unpublished' }
    }
    if (record.state === 'claimed' && row?.handedAtMs !== undefined)
      return nowMs - row.handedAtMs >= receiptMs ? { record, why: 'abandoned' } : undefined
    if (isAlive) return undefined
    if (record.state === 'written') return { record, why: 'unanswered' }
    return { record, why: row?.handedOver ? 'abandoned' : 'unclaimed' }
  }
  const enter = async (record: CommandRecord, isTold: boolean): Promise<LedgerClaim> => {
    await putDeadline(record.commandId)
    const { incarnation } = lease
    const known = await ask(() =>
      isTold
        ? redis.ledger.tellCommand(record, node, incarnation)
        : redis.ledger.claimCommand(record, node, incarnation)
    )
    const { readIn: _readIn, ...kept } = record
    if (!known) return { kind: 'claimed', record: { ...kept, ...(!isTold && { node }) } }
    const isSame = known.digest === record.digest && known.chargePointId === record.chargePointId
    return { kind: isSame ? 'exists' : 'conflict', record: known }
  }
  return {
    claim: (record) => enter(record, false),
    tell: (record) => enter(record, true),
    write: (record, epoch, atMs) => {
      const me = by()
      return ask(() => redis.ledger.write(record.commandId, record.chargePointId, me, epoch, atMs))
    },
    markWritten: async (commandId, epoch, atMs) => {
      const known = await ask(() => redis.ledger.row(commandId)?.record.chargePointId)
      if (known === undefined) return 'ledger_lost'
      const me = by()
      return await ask(() => redis.ledger.write(commandId, known, me, epoch, atMs))
    },
    settle: async (commandId, outcome, atMs, settler) => {
      const me = { ...by(), isOwn: settler?.isOwn ?? false }
      for (let asks = settler ? { lookedInto: '' } : {}; ; ) {
        const settled = await ask(() => redis.ledger.settle(commandId, me, outcome, atMs, asks))
        if (!settled || !('doubt' in settled)) return settled
        await settler?.untilTold()
        asks = { lookedInto: settled.doubt }
      }
    },
    settleKept: async (record, outcome, atMs) => {
      await putDeadline(record.commandId)
      const isOthers = record.state === 'settled' && record.node !== node
      const me = { ...(isOthers ? { node: record.node, incarnation: '' } : by()), isOwn: record.node === node }
      const settled = await ask(() => redis.ledger.settle(record.commandId, me, outcome, atMs, { kept: record }))
      return settled && 'doubt' in settled ? undefined : settled
    },
    handOver: (commandId, to, incarnation) => ask(() => redis.ledger.handOver(commandId, node, to, incarnation)),
    received: ({ commandId }) => ask(() => redis.ledger.received(commandId, node)),
    reclaim: async ({ commandId, readIn }) => {
      for (;;) {
        const row = await ask(() => redis.ledger.row(commandId) && { ...redis.ledger.row(commandId) })
        if (row?.record?.state !== 'claimed' || row.handedOver) return undefined
        const found = { node: row.node ?? '', incarnation: row.incarnation ?? '', readIn: row.readIn }
        const isLost = readIn !== undefined && found.readIn !== undefined && found.readIn < readIn
        const isAlive =
          found.node === node
            ? found.incarnation === lease.incarnation
            : await ask(() => redis.isAlive(found.node, found.incarnation))
        if (isAlive && !isLost) return undefined
        const me = { ...by(), readIn }
        const taken = await ask(() => redis.ledger.reclaim(commandId, found, me))
        if (taken) return taken
      }
    },
    confirm: ({ commandId }) => ask(() => redis.ledger.confirm(commandId, node)),
    published: async (commandId) => {
      await ask(() => redis.ledger.publishedCommand(commandId))
      await ask(() => redis.ledger.removeDeadline(commandId))
    },
    get: (commandId) => ask(() => redis.ledger.row(commandId)?.record),
    recent: (id, limit) =>
      ask(() =>
        redis.ledger
          .rows()
          .map(({ record }) => record)
          .filter(({ chargePointId }) => chargePointId === id)
          .sort((one, other) => other.requestedAtMs - one.requestedAtMs)
          .slice(0, limit)
      ),
    unsettled: () =>
      ask(() =>
        redis.ledger
          .rows()
          .filter((row) => row.node === node && row.incarnation !== lease.incarnation && row.record.state !== 'settled')
          .map(({ record }): CommandRecord => record)
      ),
    overdue: async (nowMs, limit) => {
      const due = await ask(() => redis.ledger.takeDeadlines(nowMs, limit))
      const found = await Promise.all(due.map((commandId) => judge(commandId, nowMs)))
      return found.filter((command) => command !== undefined)
    }
  }
}

export function redisRoll({ node, redis, ask }: RedisLife): LedgerRoll {
  return {
    read: async () => [await ask(() => redis.roll())],
    sign: async (parts) => {
      for (const { value } of parts) await ask(() => redis.sign(value, node))
    }
  }
}

export function redisShared({ node, redis, ask }: RedisLife): SharedState {
  return {
    load: (id) => ask(() => ({ record: redis.chargePoint(id), transactions: redis.transactions(id) })),
    chargePoints: (after, limit) =>
      ask(() =>
        redis
          .chargePoints()
          .filter(({ chargePointId }) => after === undefined || chargePointId > after)
          .slice(0, limit)
      ),
    transactions: ({ chargePointId, open, after = '', limit }) =>
      ask(() =>
        redis
          .transactions(chargePointId)
          .filter(({ state }) => open === undefined || open === (state === 'open'))
          .filter((row) => keyOf.transaction(row.chargePointId, row.transactionId) > after)
          .slice(0, limit)
      ),
    project: async (changes) => {
      // Rows of different charge points are in different slots: some may be written and others not.
      await Promise.all(
        changes.map((change) =>
          ask(() => {
            const [chargePointId = '', rest = ''] = change.key.split('\u0001')
            if (change.table === 'chargePoints') {
              if (change.value) redis.projectChargePoint(change.value)
              else redis.removeChargePoint(change.key)
            }
            if (change.table === 'transactions') {
              if (change.value) redis.projectTransaction(change.key, change.value)
              else redis.removeTransaction(change.key)
            }
            if (change.table === 'openEpochs') {
              if (change.value) redis.putOpenEpoch(node, change.value)
              else redis.removeOpenEpoch(node, chargePointId, Number(rest))
            }
          })
        )
      )
    },
    reserveTransactionIds: (count, atLeast) => ask(() => redis.reserveIds(count, atLeast)),
    reserveTransaction: (id, startKey, candidate) => ask(() => redis.reserveStart(id, startKey, candidate)),
    takeLostEpochs: async (limit) => {
      const taken = await ask(() => redis.takeLostEpochs(limit))
      const marked = await Promise.all(
        taken.map(async (open) => {
          const incarnation = await ask(() => redis.owner(open.chargePointId)?.incarnation)
          if (await ask(() => redis.lease(open.node) !== undefined)) return []
          return (await ask(() => redis.markLost(open.chargePointId, open.epoch, incarnation))) ? [open] : []
        })
      )
      return marked.flat()
    },
    closeLostEpoch: (id, epoch, lost) => ask(() => redis.removeOpenEpoch(lost, id, epoch)),
    ownOpenEpochs: () => ask(() => redis.openEpochsOf(node))
  }
}

/** Messages between nodes: late, lost, twice. */
export interface ControlFaults {
  lostChance: number
  twiceChance: number
  /** Of a message that comes up to two seconds late, behind later ones. */
  lateChance: number
}

export function redisControl(life: RedisLife, faults: ControlFaults): ControlChannel {
  const { node, actor, world, scheduler, network, listeners } = life
  const hop = (to: string, receive: () => void, receiver: () => Actor | undefined) => {
    const copies = scheduler.random.chance(faults.twiceChance) ? 2 : 1
    for (let n = 0; n < copies; n++) {
      if (scheduler.random.chance(faults.lostChance)) continue
      scheduler.after(scheduler.random.between(0, 20), world, () => {
        const heard = receiver()
        if (!heard || !network.reaches(to, 'redis')) return
        const lateMs = scheduler.random.chance(faults.lateChance) ? scheduler.random.between(0, 2_000) : 0
        scheduler.after(lateMs, heard, receive)
      })
    }
  }
  return {
    listen: async (handler) => {
      listeners.set(node, { actor, handler })
    },
    send: (to, message) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify(message)
        scheduler.say(`${node} -> ${to}: ${text.slice(0, 120)}`)
        scheduler.after(requestTimeoutMs, actor, () =>
          reject(new GatewayError('control_timeout', `${to} did not acknowledge`, { canRetry: true }))
        )
        if (!network.reaches(node, 'redis')) return
        const receive = () => {
          const listener = listeners.get(to)
          if (!listener) return
          listener.handler(JSON.parse(text) as ControlMessage).then(
            (reply) => {
              if (!network.reaches(to, 'redis')) return
              hop(
                node,
                () => resolve(reply),
                () => actor
              )
            },
            (error: unknown) => scheduler.say(`${to}: control handler failed: ${String(error)}`)
          )
        }
        hop(to, receive, () => listeners.get(to)?.actor)
      }),
    close: async () => {
      listeners.delete(node)
    }
  }
}
