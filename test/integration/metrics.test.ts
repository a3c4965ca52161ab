import { deepStrictEqual, ok, rejects } from 'node:assert'
import { test } from 'node:test'
import { GatewayProcess } from '../support/gateway-process.ts'
import { Scrape } from '../support/scrape.ts'
import { Station } from '../support/station.ts'

// A metric that is declared and never fed looks like health. So each is looked at before and after something happened.

test('a session, a refusal and a command are in the metrics, each by what it was', async () => {
  const gateway = new GatewayProcess(['--log.level', 'error'])
  try {
    await gateway.start()
    const before = await Scrape.of(gateway.api)
    const station = await Station.connect({ url: gateway.url, id: 'METRICS' })
    await station.boot()
    await station.call('Heartbeat', {})
    await station.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' })
    await station.call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Charging' })
    await station.call('MakeCoffee', {})
    await rejects(Station.connect({ url: gateway.url, id: '' }), /404/)
    const { body } = await gateway.post(
      '/v1/charge-points/METRICS/commands',
      { type: 'ocpp.call', data: { action: 'Reset', payload: { type: 'Soft' } } },
      { prefer: 'wait=10' }
    )
    deepStrictEqual((body as { outcome?: string }).outcome, 'accepted')
    const events = await gateway.events()
    const during = await Scrape.of(gateway.api)
    await station.close()

    const grown = (series: string) => during.value(series) - before.value(series)
    deepStrictEqual(
      {
        received: grown('cpg_frames_received_total'),
        calls: grown('cpg_frames_sent_total{kind="call"}'),
        results: grown('cpg_frames_sent_total{kind="call_result"}'),
        errors: grown('cpg_frames_sent_total{kind="call_error"}'),
        answeredOk: grown('cpg_calls_answered_total{code="ok"}'),
        answeredNotImplemented: grown('cpg_calls_answered_total{code="NotImplemented"}'),
        opened: grown('cpg_connections_opened_total{version="1.6"}'),
        connected: grown('cpg_connections{version="1.6"}'),
        refused: grown('cpg_connections_refused_total{reason="no_identity"}'),
        accepted: during.sum('cpg_commands_total'),
        commandsOpen: during.value('cpg_commands_open'),
        events: grown('cpg_events_total')
      },
      {
        received: 6,
        calls: 1,
        results: 4,
        errors: 1,
        answeredOk: 4,
        answeredNotImplemented: 1,
        opened: 1,
        connected: 1,
        refused: 1,
        accepted: 1,
        commandsOpen: 0,
        events: events.length
      }
    )
    deepStrictEqual(grown('cpg_commands_total{outcome="accepted",reason=""}'), 1)
    for (const histogram of ['cpg_log_append_seconds', 'cpg_log_fsync_seconds', 'cpg_log_commit_events']) {
      ok(grown(`${histogram}_count`) > 0, histogram)
      ok(grown(`${histogram}_sum`) > 0, histogram)
    }
    deepStrictEqual(grown('cpg_log_commit_events_sum'), events.length)
    ok(grown('cpg_bytes_received_total') > 0 && grown('cpg_bytes_sent_total') > 0)
    ok(during.value('cpg_log_bytes') > before.value('cpg_log_bytes'))
    ok(during.has('cpg_event_loop_delay_seconds{quantile="0.99"}'), 'the event loop delay is told')
    ok(during.sum('cpg_event_loop_delay_seconds') > 0)
    deepStrictEqual([during.value('cpg_ready'), during.value('cpg_event_stage_capacity') > 0], [1, true])
    deepStrictEqual(during.value('cpg_dependency_up{name="event_log"}'), 1)
  } finally {
    await gateway.remove()
  }
})
