import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosCluster, ChaosGateway } from './chaos-cluster.ts'
import type { Fleet } from './fleet.ts'

export interface CaseWorld {
  readonly cluster: ChaosCluster
  readonly fleet: Fleet
  readonly leaseMs: number
  readonly patienceMs: number
  readonly callTimeoutMs: number
  /** Waits, with a generous deadline, for what happens by the gateways' own time. */
  until(what: string, holds: () => Promise<boolean> | boolean): Promise<void>
}

export interface ChaosCase {
  readonly name: string
  readonly about: string
  /** Whether nodes tell connections as lost: when one of them is away, and never because of anything else. */
  readonly lost: 'some' | 'none'
  /** Reasons of outcomes that it may bring about, beside `ordinaryReasons`. */
  readonly reasons: readonly string[]
  /** Breaks something, and mends it again. */
  readonly run: (world: CaseWorld) => Promise<void>
}

/** Charge points that are mute, that come and go, and that do not exist; an expiry is looked at by itself. */
const ordinaryReasons = ['timeout', 'disconnected', 'offline', 'unknown_charge_point', 'expired']

/** What came of a case that docs/operations.md does not tell of it. `reasons`: of the outcome of each command. */
export function unclaimed(
  { lost, reasons }: Pick<ChaosCase, 'lost' | 'reasons'>,
  found: { readonly lost: number; readonly reasons: Iterable<readonly [command: string, reason: string]> }
): readonly string[] {
  const odd = [...found.reasons].filter(([, reason]) => ![...ordinaryReasons, ...reasons].includes(reason))
  const faults = odd.map(
    ([command, reason]) => `the outcome of ${command} has the reason ${reason}, which nothing here brings about`
  )
  if (lost === 'none' && found.lost > 0)
    faults.push(`${found.lost} connections were told as lost, and no gateway was away`)
  if (lost === 'some' && found.lost === 0) faults.push('a gateway was away, and no connection was told as lost')
  return faults
}

const fatBytes = 40_000

/** Until no gateway waits for the brokers with an answer any more. */
function beyondPatience({ patienceMs }: CaseWorld): Promise<void> {
  return delay(3 * patienceMs + 5_000)
}

/** Charge points are better where they are, so a gateway that names what is away stays ready. */
async function named(
  { until }: CaseWorld,
  dependency: 'kafka' | 'redis',
  gateways: readonly ChaosGateway[]
): Promise<void> {
  await until(`readiness names ${dependency}, and is ready`, async () => {
    const all = await Promise.all(gateways.map((gateway) => gateway.health()))
    return all.every((health) => health?.ready && health.down.some((down) => down.startsWith(dependency)))
  })
}

/** Everything that is done to a cluster. After each case everything is in its place again. */
export const chaosCases: readonly ChaosCase[] = [
  {
    name: 'calm',
    about: 'nothing happens: what the other cases are compared with',
    lost: 'none',
    reasons: [],
    run: () => delay(3_000)
  },
  {
    name: 'gateway-killed',
    about: 'kill -9 of a gateway, which comes back after two lease times',
    lost: 'some',
    reasons: ['node_lost'],
    run: async ({ cluster, leaseMs }) => {
      const gateway = cluster.gateway(0)
      await gateway.end('SIGKILL')
      await delay(2 * leaseMs)
      await gateway.start()
    }
  },
  {
    name: 'gateway-paused',
    about: 'SIGSTOP of a gateway for three lease times; it goes on with what it held',
    lost: 'some',
    reasons: ['node_lost', 'ledger_lost'],
    run: async ({ cluster, leaseMs }) => {
      const gateway = cluster.gateway(1)
      gateway.process.signal('SIGSTOP')
      gateway.isListed = false
      await delay(3 * leaseMs)
      gateway.process.signal('SIGCONT')
      gateway.isListed = true
    }
  },
  {
    name: 'broker-killed',
    about: 'kill -9 of one broker of three, for longer than its session lasts',
    lost: 'none',
    reasons: [],
    run: async ({ cluster: { kafka } }) => {
      await kafka.kill(1)
      await delay(15_000)
      await kafka.start(1)
    }
  },
  {
    name: 'brokers-away',
    about: 'all brokers away for three times delivery.broker_patience and more',
    lost: 'none',
    reasons: [],
    run: async (world) => {
      const { kafka, gateways } = world.cluster
      await kafka.killAll()
      await Promise.all([beyondPatience(world), named(world, 'kafka', gateways)])
      await kafka.startAll()
    }
  },
  {
    name: 'redis-restarted',
    about: 'Redis killed and back with its data after two lease times',
    lost: 'none',
    // The message of a hand-over is lost with Redis.
    reasons: ['ledger_lost', 'node_lost'],
    run: async (world) => {
      const { cluster, leaseMs } = world
      const { redis, gateways } = cluster
      await redis.kill()
      await Promise.all([delay(2 * leaseMs), named(world, 'redis', gateways)])
      await redis.start()
    }
  },
  {
    name: 'redis-emptied',
    about: 'Redis killed and back at once, without its data',
    lost: 'none',
    reasons: ['ledger_lost', 'node_lost'],
    run: async ({ cluster: { redis } }) => {
      await redis.kill()
      redis.forget()
      await redis.start()
    }
  },
  {
    name: 'redis-cut',
    about: 'one gateway hears nothing of Redis for three lease times, then another is refused by it',
    lost: 'some',
    reasons: ['node_lost', 'ledger_lost'],
    run: async (world) => {
      const { cluster, leaseMs } = world
      for (const [index, kind] of (['silent', 'refused'] as const).entries()) {
        const gateway = cluster.gateway(index)
        gateway.redis.cut(kind)
        await Promise.all([delay(3 * leaseMs), named(world, 'redis', [gateway])])
        gateway.mend()
      }
    }
  },
  {
    name: 'brokers-cut',
    about: 'one gateway hears nothing of the brokers beyond its patience, another is refused by two of them',
    lost: 'none',
    reasons: [],
    run: async (world) => {
      const { cluster } = world
      const [one, other] = [cluster.gateway(0), cluster.gateway(1)]
      one.cutBrokers('silent')
      for (const broker of other.brokers.slice(1)) broker.cut('refused')
      await Promise.all([beyondPatience(world), named(world, 'kafka', [one])])
      for (const gateway of [one, other]) gateway.mend()
    }
  },
  {
    name: 'replicas-cut',
    about: 'two brokers hear nothing of the third, which leads some partitions and can acknowledge nothing there',
    lost: 'none',
    reasons: [],
    run: async (world) => {
      const broker = world.cluster.toBroker[2]
      broker?.cut('silent')
      await beyondPatience(world)
      broker?.mend()
    }
  },
  {
    name: 'stations-cut',
    about: 'the charge points of one gateway are cut off silently until they try elsewhere, those of another are reset',
    lost: 'none',
    reasons: [],
    run: async ({ cluster, callTimeoutMs }) => {
      const [one, other] = [cluster.gateway(0), cluster.gateway(1)]
      one.stations.cut('silent')
      one.isListed = false
      await delay(callTimeoutMs / 2)
      other.stations.cut('refused')
      await delay(callTimeoutMs)
      for (const gateway of [one, other]) gateway.mend()
      one.isListed = true
    }
  },
  {
    name: 'log-full',
    about: 'event_log.bytes_max reached on every gateway with the brokers away, while all say large messages',
    lost: 'none',
    reasons: [],
    run: async ({ cluster: { kafka, gateways }, fleet, until }) => {
      await kafka.killAll()
      fleet.fatBytes = fatBytes
      await until('the logs of all gateways are full, and readiness says so', async () => {
        const all = await Promise.all(gateways.map((gateway) => gateway.health()))
        return all.every((health) => health?.isLogFull && !health.ready)
      })
      await delay(3_000)
      fleet.fatBytes = 0
      await kafka.startAll()
    }
  },
  {
    name: 'rolling-restart',
    about: 'SIGTERM and start of one gateway after the other',
    lost: 'none',
    reasons: ['shutting_down'],
    run: async ({ cluster, until }) => {
      for (const gateway of cluster.gateways) {
        const code = await gateway.end('SIGTERM')
        if (code !== 0) throw new Error(`${gateway.name} ended with ${code}`)
        await gateway.start()
        await until(`${gateway.name} is ready`, async () => (await gateway.health())?.ready ?? false)
      }
    }
  }
]
