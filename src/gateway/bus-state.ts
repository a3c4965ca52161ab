import type { SinkState } from '../ports/event-sink.ts'
import type { DeliveryState } from './delivery-gate.ts'
import type { ForwarderState } from './forwarder.ts'
import type { DependencyState } from './views.ts'

const tooLarge =
  'events are too large for the topic: event.too_large stands for them there, and the whole is at this node alone; raise max.message.bytes of kafka.events_topic to twice server.payload_bytes_max, which counts within two minutes'

/**
 * The shared bus as readiness tells it: what is wrong, what still works. It is no reason to send charge points elsewhere, for
 * their messages are kept on disk meanwhile.
 */
export function busDependency(name: string, forwarder: ForwarderState, delivery?: DeliveryState): DependencyState {
  const { sink, backlog, lagging, laggingSinceMs, makesStubs } = forwarder
  const answered =
    delivery?.answersAfter === 'broker'
      ? 'messages are answered once it has them, or after delivery.broker_patience'
      : 'messages are answered from the local log'
  const kept = `${backlog} events wait in the local log and nothing is lost; ${answered}`
  const { sinceMs } = sink
  if (sink.kind !== 'up') {
    const state = sink.kind === 'starting' ? 'degraded' : 'down'
    return { name, state, sinceMs, detail: joined(sink.detail ?? `${name} is ${sink.kind}`, kept) }
  }
  if (laggingSinceMs !== undefined)
    return {
      name,
      state: 'degraded',
      sinceMs: laggingSinceMs,
      detail: `partitions ${lagging.join(', ')} are behind; ${kept}`
    }
  if (delivery?.answersAfter === 'local')
    return { name, state: 'degraded', sinceMs: delivery.sinceMs, detail: `${name} is catching up; ${kept}` }
  // The bus does what it should, so it is up: what is too small is a setting of its topic.
  if (makesStubs) return { name, state: 'up', sinceMs, detail: tooLarge }
  return { name, state: 'up', sinceMs }
}

/** The topic of commands as readiness tells it: a fault of its own, which events do not notice. */
export function commandsDependency(name: string, { kind, sinceMs, detail }: SinkState): DependencyState {
  if (kind === 'up') return { name, state: 'up', sinceMs }
  const state = kind === 'starting' ? 'degraded' : 'down'
  const wrong = detail ?? 'the topic of commands is not read yet'
  return { name, state, sinceMs, detail: joined(wrong, 'commands wait there, those of the API go on') }
}

/** What is wrong may be told as a sentence of its own; with what still works it is one. */
function joined(wrong: string, stillWorks: string): string {
  return `${wrong.replace(/\.$/, '')}; ${stillWorks}`
}
