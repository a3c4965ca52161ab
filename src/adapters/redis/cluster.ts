import { setTimeout as sleep } from 'node:timers/promises'
import { createCluster } from 'redis'
import { type Backend, type BackendOptions, clientOptions, type Subscription } from './backend.ts'
import { slotOf, tagInSlot } from './keys.ts'

const connectRetryMs = 500
/** Said instead of what kept the client from connecting. */
export const unknownCluster = 'the cluster is not known yet'
/** After a node was lost, when the others are asked who serves its slots now. */
const topologyRefreshMs = 1_000

function newCluster(options: BackendOptions) {
  const shared = clientOptions(options)
  const login = loginOf(options)
  const { commandOptions, ...defaults } = shared
  const cluster = createCluster({
    rootNodes: options.urls.map((url) => ({ url, ...defaults, ...login })),
    // Connections to the nodes that are discovered take nothing from the root nodes.
    defaults: { ...defaults, ...login },
    commandOptions,
    // Else one dead node would hold up the connection to all the others.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: topologyRefreshMs
  })
  cluster.on('error', options.onError)
  return cluster
}

type Cluster = ReturnType<typeof newCluster>

/** The user in the first address is the one for every node. */
function loginOf(options: BackendOptions): { username?: string; password?: string } {
  const { username, password } = new URL(options.urls[0] ?? 'redis://localhost')
  return {
    ...(options.username === undefined && username !== '' && { username: decodeURIComponent(username) }),
    ...(options.password === undefined && password !== '' && { password: decodeURIComponent(password) })
  }
}

async function connectCluster(cluster: Cluster, options: BackendOptions, ended: () => boolean): Promise<void> {
  for (;;) {
    if (ended()) throw new Error('the client was destroyed')
    try {
      // Unlike a single client it gives up when none of the root nodes answers.
      await cluster.connect()
      return
    } catch (error) {
      options.onError(error)
      await sleep(connectRetryMs, undefined, { ref: false })
    }
  }
}

/** A Redis Cluster. A key's hash tag decides the master. */
export function createClusterBackend(options: BackendOptions): Backend {
  const cluster = newCluster(options)
  let ended = false
  const send: Backend['send'] = async (key, command, expired) => {
    const shard = cluster.slots[slotOf(key)]
    if (!shard) throw new Error(`${unknownCluster}, or has no node for this slot`)
    if (!shard.master.client?.isReady) {
      await cluster.nodeClient(shard.master)
      if (expired()) throw new Error('it took too long to connect')
    }
    return cluster.sendCommand(key, false, [...command])
  }
  return {
    connect: () => connectCluster(cluster, options, () => ended),
    send,
    homeOf: (key) => cluster.slots[slotOf(key)]?.master.address ?? 'redis',
    masterTags: () => masterTagsOf(cluster),
    publish: async (channel, message, expired) => Number(await send(channel, ['SPUBLISH', channel, message], expired)),
    destroy: () => {
      ended = true
      if (cluster.isOpen) cluster.destroy()
    }
  }
}

function masterTagsOf(cluster: Cluster): string[] {
  const found = new Map<string, string>()
  for (const [slot, shard] of cluster.slots.entries()) {
    if (shard && !found.has(shard.master.address)) found.set(shard.master.address, tagInSlot(slot))
  }
  return [...found.values()]
}

export function subscribeCluster(
  options: BackendOptions,
  channel: string,
  listener: (message: string) => void
): Subscription {
  const cluster = newCluster(options)
  let ended = false
  cluster.on('sharded-channel-moved-error', options.onError)
  return {
    begin: async () => {
      await connectCluster(cluster, options, () => ended)
      // Sharded: with plain pub/sub every message would go to every node of the cluster.
      await cluster.sSubscribe(channel, listener)
    },
    destroy: () => {
      ended = true
      if (cluster.isOpen) cluster.destroy()
    }
  }
}
