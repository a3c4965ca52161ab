import { instancesChannel } from '@platformatic/kafka'

/** What every connection of the library is, as far as it matters here. */
interface Emitter {
  on(event: 'error', listener: () => void): unknown
}

/**
 * The library listens to the first error of a connection only; a second one, as of a client that was let go while its broker
 * dies, would end the process. Whoever waits for the connection hears of its failure by its request all the same.
 */
instancesChannel.subscribe((message) => {
  const { type, instance } = message as { readonly type: string; readonly instance: Emitter }
  if (type === 'connection') instance.on('error', () => undefined)
})
