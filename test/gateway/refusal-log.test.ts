import { deepStrictEqual, match, strictEqual } from 'node:assert'
import { test } from 'node:test'
import { refusals } from '../../src/gateway/refusals.ts'
import { GatewayHarness, turn } from '../support/gateway.ts'

const about = { chargePointId: 'CP-1', remoteAddress: '10.0.0.1' }

test('a refusal is an event with cause, remedy and what was offered (A13)', async () => {
  const gateway = new GatewayHarness()
  gateway.node.hub.refused(
    { code: 'unsupported_subprotocol', detail: 'ocpp1.5 was offered' },
    { ...about, subprotocols: 'ocpp1.5', url: '/ocpp/CP-1' }
  )
  await turn()
  deepStrictEqual(gateway.log.events()[0]?.data, {
    code: 'unsupported_subprotocol',
    status: 400,
    text: refusals.unsupported_subprotocol.text,
    retry: false,
    detail: 'ocpp1.5 was offered',
    remoteAddress: '10.0.0.1',
    subprotocols: 'ocpp1.5',
    url: '/ocpp/CP-1'
  })
})

test('who did not name itself is told in the log alone', async () => {
  const gateway = new GatewayHarness()
  gateway.node.hub.refused({ code: 'no_identity' }, { remoteAddress: '10.0.0.1' })
  gateway.node.hub.refused({ code: 'no_identity' }, { remoteAddress: '10.0.0.1', chargePointId: '' })
  await turn()
  deepStrictEqual([gateway.log.events().length, gateway.lines.length], [0, 2])
})

test('a flood is told so many times a minute, warned of once, and what was left out is counted by kind', async () => {
  const gateway = new GatewayHarness({ settings: { refusalsPerMinuteMax: 3 } })
  const refuse = (code: 'no_subprotocol' | 'bad_identity') => gateway.node.hub.refused({ code }, about)
  for (let n = 0; n < 3; n++) refuse('no_subprotocol')
  strictEqual(gateway.lines.filter(({ level }) => level === 'warn').length, 0, 'nothing was left out yet')
  for (let n = 0; n < 5; n++) refuse('no_subprotocol')
  refuse('bad_identity')
  await turn()
  strictEqual(gateway.log.events().length, 3)
  const warnings = gateway.lines.filter(({ level }) => level === 'warn')
  strictEqual(warnings.length, 1)
  match(warnings[0]?.message ?? '', /cpg_connections_refused_total/)
  gateway.clock.advance(60_000)
  refuse('no_subprotocol')
  refuse('no_subprotocol')
  refuse('bad_identity')
  await turn()
  deepStrictEqual(
    gateway.log
      .events()
      .slice(3)
      .map(({ data }) => [data.code, data.suppressed]),
    [
      ['no_subprotocol', 5],
      ['no_subprotocol', undefined],
      ['bad_identity', 1]
    ]
  )
  strictEqual(gateway.metrics.counts.get('connections_refused_total{no_subprotocol}'), 10)
})
