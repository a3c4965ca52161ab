import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayProcess } from '../support/gateway-process.ts'
import { Scrape } from '../support/scrape.ts'
import { Station } from '../support/station.ts'

// A required consumer that is behind holds a full log: charge points wait, nobody is dropped, nothing is lost.

const big = 'x'.repeat(400)
const capacity = 10

interface Ready {
  readonly ready?: boolean
  readonly reasons?: readonly string[]
}

test('at event_log.bytes_max charge points wait, readiness says why, and all goes on when the consumer reads', async () => {
  const flags = [
    '--event_log.bytes_max',
    '1MiB',
    '--event_log.required_consumers',
    'billing',
    '--event_channels.buffer_size',
    String(capacity)
  ]
  const gateway = new GatewayProcess([
    '--log.level',
    'error',
    '--server.ping_interval',
    '400ms',
    '--server.idle_timeout',
    '1s',
    ...flags
  ])
  try {
    await gateway.start()
    // One after the other: with so small a capacity a herd would be told to come later.
    const all: Station[] = []
    for (let index = 0; index < 20; index++) {
      const station = await Station.connect({ url: gateway.url, id: `FULL-${index}` })
      await station.boot()
      all.push(station)
    }
    const away = await Station.connect({ url: gateway.url, id: 'FULL-AWAY' })
    await away.boot()
    const answered: string[] = []
    let stop = false
    const talk = all.map(async (station) => {
      for (let n = 0; !stop; n++) {
        const messageId = `${station.id}:${n}`
        const answer = await station.call('DataTransfer', { vendorId: 'V', data: big }, messageId)
        ok(answer.ok)
        answered.push(messageId)
      }
    })
    // When something else fails first, that is what is to be told.
    for (const one of talk) one.catch(() => undefined)
    const full = await until(gateway, (ready) => ready.status === 503)
    ok(
      full.reasons?.some((reason) => reason.includes('billing')),
      JSON.stringify(full)
    )
    // Who comes while the log is full, again or for the first time, is two events more: it is told to come later.
    away.terminate()
    for (const id of ['FULL-AWAY', 'FULL-NEW', 'FULL-AWAY'])
      await rejects(Station.connect({ url: gateway.url, id }), /503/, id)
    const command = await gateway.post('/v1/charge-points/FULL-0/commands', {
      id: 'full-1',
      type: 'ocpp.call',
      data: { action: 'Reset', payload: { type: 'Soft' } }
    })
    deepStrictEqual([command.status, (command.body as { code?: string }).code], [503, 'commands_unavailable'])

    // Longer than the idle timeout: while nobody reads them, nobody may be called idle.
    const before = answered.length
    await new Promise((resolve) => setTimeout(resolve, 2500))
    ok(answered.length <= before + 20, 'nobody is answered while the log is full')
    strictEqual(((await gateway.get('/v1/node')).body as { connections: number }).connections, all.length)
    // FULL-AWAY's end is one more: what the gateway itself has to tell is never held.
    const scrape = await Scrape.of(gateway.api)
    const depth = scrape.sum('cpg_event_stage_depth')
    ok(depth > 0 && depth <= capacity + 1, `${depth} events wait between socket and log`)
    deepStrictEqual([scrape.value('cpg_event_stage_capacity'), scrape.value('cpg_log_full')], [capacity, 1])

    stop = true
    const seen = new Set<string>()
    let talking = true
    const done = Promise.all(talk).finally(() => {
      talking = false
    })
    while (talking) await step(gateway, seen)
    await done
    await until(gateway, (ready) => ready.status === 200)
    await drain(gateway, seen)
    deepStrictEqual(
      answered.filter((messageId) => !seen.has(messageId)),
      [],
      'every answered CALL has its event'
    )
    strictEqual(((await gateway.get('/v1/node')).body as { connections: number }).connections, all.length)
    const again = await Station.connect({ url: gateway.url, id: 'FULL-AWAY' })
    ok((await again.boot()).ok, 'who was refused is let in again')
    strictEqual((await gateway.get('/v1/commands/full-1')).status, 404, 'the refused command does not exist')
  } finally {
    await gateway.remove()
  }
})

async function until(gateway: GatewayProcess, when: (ready: { status: number }) => boolean): Promise<Ready> {
  for (;;) {
    const ready = await gateway.get('/health/ready')
    if (when(ready)) return ready.body as Ready
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

let cursor = ''

/** Read one page as the required consumer and say so. False at the end of the log. */
async function step(gateway: GatewayProcess, seen: Set<string>): Promise<boolean> {
  const { body } = await gateway.get(
    `/v1/events?limit=500${cursor === '' ? '' : `&after=${encodeURIComponent(cursor)}`}`
  )
  const page = body as { events: { ocppmessageid?: string }[]; next: string }
  for (const { ocppmessageid } of page.events) if (ocppmessageid) seen.add(ocppmessageid)
  cursor = page.next
  const put = await gateway.get('/v1/consumers/billing', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cursor })
  })
  ok(put.status === 200 || put.status === 201, JSON.stringify(put.body))
  return page.events.length > 0
}

async function drain(gateway: GatewayProcess, seen: Set<string>): Promise<void> {
  while (await step(gateway, seen));
}
