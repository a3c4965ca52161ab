import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosCluster } from './chaos-cluster.ts'
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
  /** Breaks something, and mends it again. */
  readonly run: (world: CaseWorld) => Promise<void>
}

const fatBytes = 40_000

/** Everything that is done to a cluster. After each case everything is in its place again. */
export const chaosCases: readonly ChaosCase[] = [
  { name: 'calm', about: 'nothing happens: what the other cases are compared with', run: () => delay(3_000) },
  {
    name: 'gateway-killed',
    about: 'kill -9 of a gateway, which comes back after two lease times',
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
    run: async ({ cluster: { kafka } }) => {
      await kafka.kill(1)
      await delay(15_000)
      await kafka.start(1)
    }
  },
  {
    name: 'brokers-away',
    about: 'all brokers away for three times delivery.broker_patience and more',
    run: async ({ cluster: { kafka }, patienceMs }) => {
      await Promise.all([0, 1, 2].map((index) => kafka.kill(index)))
      await delay(3 * patienceMs + 5_000)
      await kafka.startAll()
    }
  },
  {
    name: 'redis-restarted',
    about: 'Redis killed and back with its data after two lease times',
    run: async ({ cluster: { redis }, leaseMs }) => {
      await redis.kill()
      await delay(2 * leaseMs)
      await redis.start()
    }
  },
  {
    name: 'redis-emptied',
    about: 'Redis killed and back at once, without its data',
    run: async ({ cluster: { redis } }) => {
      await redis.kill()
      redis.forget()
      await redis.start()
    }
  },
  {
    name: 'redis-cut',
    about: 'one gateway hears nothing of Redis for three lease times, then another is refused by it',
    run: async ({ cluster, leaseMs }) => {
      cluster.gateway(0).redis.cut('silent')
      await delay(3 * leaseMs)
      cluster.gateway(0).mend()
      cluster.gateway(1).redis.cut('refused')
      await delay(3 * leaseMs)
      cluster.gateway(1).mend()
    }
  },
  {
    name: 'brokers-cut',
    about: 'one gateway hears nothing of the brokers beyond its patience, another is refused by two of them',
    run: async ({ cluster, patienceMs }) => {
      const [one, other] = [cluster.gateway(0), cluster.gateway(1)]
      one.cutBrokers('silent')
      for (const broker of other.brokers.slice(1)) broker.cut('refused')
      await delay(3 * patienceMs + 5_000)
      for (const gateway of [one, other]) gateway.mend()
    }
  },
  {
    name: 'replicas-cut',
    about: 'two brokers hear nothing of the third, which leads some partitions and can acknowledge nothing there',
    run: async ({ cluster: { toBroker }, patienceMs }) => {
      toBroker[2]?.cut('silent')
      await delay(3 * patienceMs + 5_000)
      toBroker[2]?.mend()
    }
  },
  {
    name: 'stations-cut',
    about: 'the charge points of one gateway are cut off silently until they try elsewhere, those of another are reset',
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
    run: async ({ cluster: { kafka, gateways }, fleet, until }) => {
      await Promise.all([0, 1, 2].map((index) => kafka.kill(index)))
      fleet.fatBytes = fatBytes
      await until('the logs of all gateways are full', async () => {
        const all = await Promise.all(gateways.map((gateway) => gateway.health()))
        return all.every((health) => health?.isLogFull)
      })
      await delay(3_000)
      fleet.fatBytes = 0
      await kafka.startAll()
    }
  },
  {
    name: 'rolling-restart',
    about: 'SIGTERM and start of one gateway after the other',
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
