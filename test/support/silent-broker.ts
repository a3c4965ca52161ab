import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Takes connections and what is sent on them, and never answers: a broker that hangs. `asked` resolves with its first request. */
export async function silentBroker(t: TestContext): Promise<{ address: string; asked: Promise<void> }> {
  const sockets = new Set<Socket>()
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', () => resolve())
    // Whoever gives up may reset it.
    socket.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
