import { createClient } from 'redis'
import { type Backend, type BackendOptions, clientOptions, type Subscription } from './backend.ts'

function newClient(options: BackendOptions) {
  const [url = ''] = options.urls
  const client = createClient({ url, ...clientOptions(options) })
  client.on('error', options.onError)
  return client
}

/** One Redis server, or whatever answers at its address after a failover. */
export function createStandalone(options: BackendOptions): Backend {
  const client = newClient(options)
  return {
    connect: async () => {
      await client.connect()
    },
    send: (_key, command) => client.sendCommand(command),
    homeOf: () => 'redis',
    masterTags: () => ['all'],
    publish: async (channel, message) => Number(await client.sendCommand(['PUBLISH', channel, message])),
    destroy: () => destroyClient(client)
  }
}

export function subscribeStandalone(
  options: BackendOptions,
  channel: string,
  listener: (message: string) => void
): Subscription {
  const client = newClient(options)
  return {
    begin: async () => {
      await client.connect()
      await client.subscribe(channel, listener)
    },
    destroy: () => destroyClient(client)
  }
}

/** `destroy` of a client that was never opened throws. */
function destroyClient(client: { readonly isOpen: boolean; destroy(): void }): void {
  if (client.isOpen) client.destroy()
}
