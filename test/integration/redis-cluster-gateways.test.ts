import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { Station } from '../support/station.ts'
import { until } from '../support/until.ts'
import { doctor, start } from './cluster-errors-world.ts'

// What is above the adapter, on a real Redis Cluster of three: the keys of a command, of its charge point and of the nodes
// lie on different servers.

const services = fileURLToPath(new URL('../../scripts/services/main.ts', import.meta.url))
let cluster: ChildProcess

before(
  async () => {
    const started = spawn(process.execPath, [services, 'start', 'redis-cluster'], { stdio: ['ignore', 'pipe', 'pipe'] })
    cluster = started
    createInterface({ input: started.stdout }).on('line', (line) => {
      // As they are, which is what they are printed for: gateways and the doctor take over the environment.
      const at = line.indexOf('=')
      process.env[line.slice(0, at)] = line.slice(at + 1)
    })
    const running = Promise.withResolvers<void>()
    let said = ''
    started.stderr.on('data', (chunk) => {
      said += String(chunk)
      if (said.includes('Ctrl-C stops everything')) running.resolve()
    })
    started.once('exit', () => running.reject(new Error(said)))
    await running.promise
  },
  { timeout: 10 * 60_000 }
)
after(async () => {
  const ended = once(cluster, 'exit')
  if (cluster.kill('SIGTERM')) await ended
})

async function listed(gateway: GatewayProcess): Promise<string[]> {
  const { body } = await gateway.get('/v1/charge-points?connected=true')
  const { chargePoints } = body as { readonly chargePoints: readonly { readonly id: string; readonly node: string }[] }
  return chargePoints.map(({ id, node }) => `${id} ${node}`)
}

test('two gateways on a Redis Cluster: a command across nodes, one listing, and doctor has nothing against it', async () => {
  const nodes = await Promise.all([start('--node.id', 'gw-a'), start('--node.id', 'gw-b')])
  const ids = ['CP-0', 'CP-1', 'CP-2', 'CP-3', 'CP-4', 'CP-5']
  const at = (n: number) => nodes[n % 2] as GatewayProcess
  const stations = await Promise.all(ids.map((id, n) => Station.connect({ url: at(n).url, id })))
  for (const station of stations) ok((await station.boot()).ok)
  const wanted = ids.map((id, n) => `${id} ${n % 2 === 0 ? 'gw-a' : 'gw-b'}`)
  for (const gateway of nodes)
    await until('all are listed', async () => String(await listed(gateway)) === String(wanted))
  for (const [n, id] of ids.entries()) {
    const command = { id: `c-${n}`, type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } }
    const given = await at(n + 1).post(`/v1/charge-points/${id}/commands`, command)
    strictEqual(given.status, 202, JSON.stringify(given.body))
    for (const gateway of nodes)
      await until(`the outcome of ${command.id} is known`, async () => {
        const { body } = await gateway.get(`/v1/commands/${command.id}`)
        return (body as { readonly outcome?: string }).outcome === 'accepted'
      })
  }
  deepStrictEqual(
    stations.map(({ received }) => received.length),
    ids.map(() => 1)
  )
  const { findings } = await doctor([])
  const own = findings.filter(({ check }) => check === 'redis')
  deepStrictEqual(
    own.map(({ state, found }) => [state, /cluster, master/.test(found)]),
    [1, 2, 3].map(() => ['ok', true])
  )
  deepStrictEqual(
    findings.filter(({ check, state }) => state === 'fail' && /redis|node_id/.test(check)),
    []
  )
  await Promise.all(stations.map((station) => station.close()))
})
