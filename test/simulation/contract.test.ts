import { setImmediate as nextTurn } from 'node:timers/promises'
import { GatewayError } from '../../src/lib/gateway-error.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { clusterLedgerContract } from '../contract/cluster-ledger.ts'
import { ledgerContract, type OpenedLedger } from '../contract/ledger.ts'
import { ledgerRollContract } from '../contract/ledger-roll.ts'
import { nodeLeaseContract } from '../contract/node-lease.ts'
import { type OpenedRegistry, sessionRegistryContract } from '../contract/session-registry.ts'
import { sharedStateContract } from '../contract/shared-state.ts'
import { Random } from './random.ts'
import { RedisModel } from './redis-model.ts'
import { type RedisLife, redisLedger, redisRegistry, redisRoll, redisShared } from './redis-ports.ts'
import type { Scheduler } from './scheduler.ts'
import { SimulatedLease } from './simulated-lease.ts'

// The model of Redis is written by hand: it passes the suites that the Lua scripts pass, so that the two cannot drift apart.
// Here it goes by the real clock, as Redis does.

const name = 'simulated redis'
const systemClock = createSystemClock()

function world() {
  const scheduler = {
    get nowMs() {
      return systemClock.now()
    },
    say: () => undefined,
    random: new Random(1)
  } as unknown as Scheduler
  const redis = new RedisModel(scheduler)
  const deaths: (() => void)[] = []
  let lastMs = 0

  const node = (id: string, installation: string, leaseTtlMs = 5_000) => {
    // An incarnation is the time of its start.
    while (systemClock.now() <= lastMs);
    lastMs = systemClock.now()
    let isAlive = true
    const clock = {
      now: () => systemClock.now(),
      after: (ms: number, callback: () => void) => systemClock.after(ms, () => isAlive && callback())
    }
    const ask = async <T>(step: () => T): Promise<T> => {
      await nextTurn()
      if (!isAlive) throw new GatewayError('registry_unavailable', 'this node is dead', { canRetry: true })
      return step()
    }
    const lease = new SimulatedLease({ node: id, installation, clock, redis, ask, leaseTtlMs })
    const life = { node: id, clock, scheduler, redis, lease, ask } as unknown as RedisLife
    const die = async () => {
      isAlive = false
    }
    deaths.push(() => void die())
    return {
      lease,
      die,
      close: die,
      registry: redisRegistry(life),
      ledger: redisLedger(life),
      roll: redisRoll(life),
      shared: redisShared(life)
    }
  }
  return {
    node,
    begun: async ({ id, leaseTtlMs = 5_000 }: { readonly id: string; readonly leaseTtlMs?: number }) => {
      const made = node(id, id, leaseTtlMs)
      await made.lease.begin()
      return made
    },
    empty: async () => redis.flush(),
    dispose: async () => {
      for (const die of deaths) die()
    }
  }
}

async function openedRegistry(made = world()): Promise<OpenedRegistry> {
  const node = await made.begun({ id: 'node-a' })
  return {
    registry: node.registry,
    isShared: true,
    clock: { now: () => Date.now(), advance: () => undefined },
    outrun: async (chargePointId, epoch) => {
      await node.registry.claim(chargePointId, epoch)
    },
    reopen: async () => {
      await node.die()
      return openedRegistry(made)
    },
    dispose: made.dispose
  }
}

async function openedLedger(made = world()): Promise<OpenedLedger> {
  const node = await made.begun({ id: 'node-a' })
  return {
    ledger: node.ledger,
    registry: node.registry,
    unpublishedIs: 'settled',
    publish: ({ commandId }) => node.ledger.published(commandId),
    reopen: async () => {
      await node.die()
      return openedLedger(made)
    },
    dispose: made.dispose
  }
}

const shared = async () => {
  const { begun, empty, dispose } = world()
  return { node: begun, empty, dispose }
}

sessionRegistryContract(name, () => openedRegistry())
nodeLeaseContract(name, async () => {
  const { node, empty, dispose } = world()
  return { node: ({ id, installation = id, leaseTtlMs }) => node(id, installation, leaseTtlMs), empty, dispose }
})
ledgerContract(name, () => openedLedger())
clusterLedgerContract(name, shared)
ledgerRollContract(name, shared)
sharedStateContract(name, shared)
