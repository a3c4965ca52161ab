import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

const lowest = 15_000
const triesMax = 500

/**
 * Ports that nothing listens on. They lie below the range that the system gives to outgoing connections, so that none of
 * those takes the port of a broker that was killed and is to come back on it.
 */
export async function freePorts(count: number): Promise<number[]> {
  const highest = Math.max(lowest + 1000, firstEphemeralPort() - 1)
  const held: Server[] = []
  const ports: number[] = []
  try {
    for (let tries = 0; ports.length < count; tries++) {
      if (tries > triesMax) throw new Error(`no ${count} free ports between ${lowest} and ${highest}`)
      const port = lowest + Math.floor(Math.random() * (highest - lowest))
      const server = await tryListen(port)
      if (!server) continue
      held.push(server)
      ports.push(port)
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  }
  return ports
}

function firstEphemeralPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0])
  } catch {
    // No Linux: the range that IANA names.
    return 49_152
  }
}

function tryListen(port: number): Promise<Server | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
