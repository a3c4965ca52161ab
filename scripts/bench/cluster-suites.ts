import { measureBacklog } from './backlog.ts'
import { measureCommands } from './commands.ts'
import { measureDelivery } from './delivery.ts'
import { measureFailover } from './failover.ts'
import { measureStorm } from './storm.ts'
import type { Suite } from './suite.ts'
import { measureTopic } from './topic.ts'

/** Figures of the deployment with Kafka and Redis, in the order in which they run. */
export const clusterSuites: readonly Suite[] = [
  {
    name: 'topic',
    about: 'events a second from socket to topic beside the producer alone; CPU per event with 6 and 64 partitions',
    run: measureTopic
  },
  {
    name: 'storm',
    about: 'boot storm of --stations: seconds until all are accepted, and until all events are in the topic',
    run: measureStorm
  },
  {
    name: 'delivery',
    about: 'what `delivery.ack: broker` adds to an answer, with one broker and with three (min.insync.replicas 2)',
    run: measureDelivery
  },
  {
    name: 'commands',
    about: 'round trip of a command on the node of the charge point, on another node, and through Kafka',
    run: measureCommands
  },
  {
    name: 'failover',
    about: 'time until a command succeeds again after kill -9 of its node; until the registry is whole after FLUSHALL',
    run: measureFailover
  },
  {
    name: 'backlog',
    about: 'how fast the backlog drains when a broker that hung is back, beside the producer alone',
    run: measureBacklog
  }
]
