import type { SinkState } from '../../ports/event-sink.ts'
import type { NodeLease } from '../../ports/node-lease.ts'
import type { DependencyState } from '../views.ts'

/** What readiness says of Redis: what does not work, since when, what still does, and what to do. `way`: what the way to it says of itself. */
export function redisDependency(
  node: string,
  { kind, sinceMs }: ReturnType<NodeLease['state']>,
  way: Pick<SinkState, 'sinceMs' | 'detail'>
): DependencyState {
  const name = 'redis'
  switch (kind) {
    case 'held':
      if (way.detail === undefined) return { name, state: 'up', sinceMs }
      // The lease has been held for days when a server begins to evict.
      return { name, state: 'degraded', sinceMs: way.sinceMs, detail: `${way.detail}; charge points go on` }
    case 'lost': {
      const detail =
        'the lease of this node was lost: its sessions are being registered again; ' +
        'charge points go on and new ones get in; new commands wait until that is done'
      return { name, state: 'degraded', sinceMs, detail }
    }
    case 'taken': {
      const detail =
        `node_id_taken: another gateway runs as node ${JSON.stringify(node)}; give each gateway a \`node.id\` of its own and start this one again; ` +
        'charge points go on, and no command reaches them until then'
      return { name, state: 'down', sinceMs, detail }
    }
    case 'away': {
      const detail = `${way.detail ?? 'Redis cannot be reached'}; charge points go on and new ones get in; commands wait or are refused until it is back`
      return { name, state: 'down', sinceMs, detail }
    }
  }
}
