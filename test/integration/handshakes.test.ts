import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayProcess } from '../support/gateway-process.ts'
import { Station } from '../support/station.ts'

// Known failures A4 and A5: a peer accepted two sockets of one id in a race, and when one closed, the other could not be
// reached any more; another refused the new connection while a half-open old one lived.

test('four parallel handshakes of one id, 1,000 times: one live connection each, and it is reachable', async () => {
  const gateway = new GatewayProcess(['--log.level', 'error'])
  try {
    await gateway.start()
    const ids = Array.from({ length: 1000 }, (_, index) => `RACE-${index}`)
    for (let first = 0; first < ids.length; first += 50) {
      await Promise.all(ids.slice(first, first + 50).map((id) => race(gateway.url, id)))
    }
    strictEqual(gateway.said.includes('internal_error'), false)
    const { body } = await gateway.get('/v1/node')
    strictEqual((body as { connections: number }).connections, ids.length)
    const events = await gateway.events()
    for (const id of ids) {
      const own = events.filter(({ subject }) => subject === id)
      const connected = own.filter(({ type }) => type === 'charge_point.connected').map(({ epoch }) => epoch)
      const disconnected = own.filter(({ type }) => type === 'charge_point.disconnected').map(({ epoch }) => epoch)
      strictEqual(new Set(connected).size, connected.length, `${id}: no epoch twice`)
      deepStrictEqual(
        disconnected.toSorted(),
        connected.toSorted().slice(0, -1),
        `${id}: all but the newest have ended`
      )
      deepStrictEqual(
        [...new Set(own.flatMap(({ data }) => ('reason' in data ? [data.reason] : [])))],
        connected.length > 1 ? ['replaced'] : []
      )
    }
  } finally {
    await gateway.remove()
  }
})

/** Four handshakes at once; all but one are closed, and the one that stays is answered. */
async function race(url: string, id: string): Promise<void> {
  const all = await Promise.all(Array.from({ length: 4 }, () => Station.connect({ url, id })))
  const closed = new Set<Station>()
  const ends = all.map((station) => station.closed.then(() => closed.add(station)))
  // Three have to go; when that is so, the fourth must still talk.
  const three = Promise.withResolvers<void>()
  for (const end of ends) end.then(() => closed.size >= 3 && three.resolve())
  await three.promise
  const [alive, ...others] = all.filter((station) => !closed.has(station))
  ok(alive && others.length === 0, `${id}: one is alive`)
  const answer = await alive.call('Heartbeat', {})
  ok(answer.ok || answer.code === 'SecurityError')
}
