import { Buffer } from 'node:buffer'
import { commandSourceContract } from '../contract/command-source.ts'
import { eventSinkContract } from '../contract/event-sink.ts'
import { until } from '../support/until.ts'
import { Bus } from './bus.ts'
import { BusSink } from './bus-sink.ts'
import { BusSource } from './bus-source.ts'
import { flowingTime } from './flowing-time.ts'
import { Network } from './network.ts'
import { actorOf } from './scheduler.ts'

// The model of the bus is written by hand: it passes the suites that the clients of Kafka pass. It always has three partitions.

const name = 'simulated bus'

function opened() {
  const { scheduler, end } = flowingTime()
  const world = actorOf('world')
  const bus = new Bus(scheduler, world, new Network(scheduler))
  const life = (node: string) => ({ bus, node, actor: actorOf(node), world, scheduler })
  return { bus, life, end }
}

eventSinkContract(name, async ({ recordBytes }) => {
  const { bus, life, end } = opened()
  if (recordBytes !== undefined) bus.recordBytesMax = recordBytes
  const sink = new BusSink(life('node-a'))
  return {
    sink,
    read: async () => bus.events.flatMap((records, partition) => records.map((record) => ({ partition, ...record }))),
    dispose: async () => {
      await sink.close()
      await end()
    }
  }
})

commandSourceContract(name, async () => {
  const { bus, life, end } = opened()
  let sources = 0
  return {
    create: () => new BusSource(life(`node-${++sources}`)),
    put: async (records) => {
      for (const { partition, key, value } of records)
        bus.put(partition, { ...(key !== undefined && { key }), value: Buffer.from(value).toString() })
    },
    committed: async () => bus.committed.reduce((a, b) => a + b, 0),
    rewind: async () => bus.setBack(Number.POSITIVE_INFINITY),
    deadLetters: async () => bus.deadLetters,
    until,
    dispose: end
  }
})
