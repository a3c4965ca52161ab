import type { NodeLease } from '../../ports/node-lease.ts'
import type { DependencyState } from '../views.ts'

/** What readiness says of Redis: what does not work, what still does, and what to do. `why`: what the way to it says while it is down. */
export function redisDependency(
  node: string,
  { kind, sinceMs }: ReturnType<NodeLease['state']>,
  why?: string
): DependencyState {
  const name = 'redis'
  switch (kind) {
    case 'held':
      if (why === undefined) return { name, state: 'up', sinceMs }
      return { name, state: 'degraded', sinceMs, detail: `${why}; charge points go on` }
    case 'lost': {
      const detail = 'the lease of this node was lost: its sessions are being registered again'
      return { name, state: 'degraded', sinceMs, detail }
    }
    case 'taken': {
      const detail =
        `node_id_taken: another gateway runs as node ${JSON.stringify(node)}; give each gateway a \`node.id\` of its own and start this one again; ` +
        'charge points go on, and no command reaches them until then'
      return { name, state: 'down', sinceMs, detail }
    }
    case 'away': {
      const detail = `${why ?? 'Redis cannot be reached'}; charge points go on and new ones get in; commands wait or are refused until it is back`
      return { name, state: 'down', sinceMs, detail }
    }
  }
}
