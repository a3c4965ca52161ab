import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { GatewayProcess } from '../support/gateway-process.ts'
import { Station } from '../support/station.ts'

// A required consumer that is behind holds a full log: charge points wait, nobody is dropped, nothing is lost.

const big = 'x'.repeat(400)

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
    '10'
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
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => Station.connect({ url: gateway.url, id: `FULL-${index}` }))
    )
    const answered: string[] = []
    let stop = false
    const talk = all.map(async (station) => {
      await station.boot()
      for (let n = 0; !stop; n++) {
        const messageId = `${station.id}:${n}`
        const answer = await station.call('DataTransfer', { vendorId: 'V', data: big }, messageId)
        ok(answer.ok)
        answered.push(messageId)
      }
    })
    const full = await until(gateway, (ready) => ready.status === 503)
    ok(
      full.reasons?.some((reason) => reason.includes('billing')),
      JSON.stringify(full)
    )
    // Longer than the idle timeout: while nobody reads them, nobody may be called idle.
    const before = answered.length
    await new Promise((resolve) => setTimeout(resolve, 2500))
    ok(answered.length <= before + 20, 'nobody is answered while the log is full')
    strictEqual(((await gateway.get('/v1/node')).body as { connections: number }).connections, all.length)

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
