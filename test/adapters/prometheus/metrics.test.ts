import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { createPrometheusMetrics, type PrometheusMetrics } from '../../../src/adapters/prometheus/metrics.ts'
import { metricCatalogue } from '../../../src/ports/metrics.ts'

function create(context: TestContext): PrometheusMetrics {
  const metrics = createPrometheusMetrics()
  context.after(() => metrics.close())
  return metrics
}

function linesOf(text: string, start: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(start))
}

/** The value of one series, which has to be there exactly once. */
function sampleOf(text: string, series: string): number {
  const lines = linesOf(text, `${series} `)
  strictEqual(lines.length, 1, `${series} stands ${lines.length} times in the scrape`)
  return Number(lines[0]?.slice(series.length))
}

test('a scrape has every metric of the catalogue, with its help and its type, and no other', async (context) => {
  const text = await create(context).text()
  const described = linesOf(text, '# TYPE ').map((line) => line.slice('# TYPE '.length))
  const expected = Object.entries(metricCatalogue).map(([name, { type }]) => `cpg_${name} ${type}`)
  deepStrictEqual(described.sort(), expected.sort())
  for (const [name, { help }] of Object.entries(metricCatalogue)) {
    deepStrictEqual(linesOf(text, `# HELP cpg_${name} `), [`# HELP cpg_${name} ${help}`])
  }
})

test('every line of a scrape is well formed and stands once', async (context) => {
  const metrics = create(context)
  metrics.counter('connections_closed_total', { reason: 'a "quoted"\nname' }).inc()
  const samples = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  for (const line of samples) match(line, /^cpg_\w+(\{\w+="([^"\\\n]|\\.)*"(,\w+="([^"\\\n]|\\.)*")*\})? -?[\d.e+-]+$/)
  const series = samples.map((line) => line.slice(0, line.lastIndexOf(' ')))
  strictEqual(new Set(series).size, series.length)
})

test('names have base units: a counter ends in _total and nothing else does', () => {
  for (const [name, { type }] of Object.entries(metricCatalogue)) {
    strictEqual(name.endsWith('_total'), type === 'counter', name)
  }
})

test('no metric is labelled with a charge point', () => {
  for (const { labels } of Object.values(metricCatalogue)) {
    ok(!labels.some((label: string) => /charge_?point|^id$/i.test(label)))
  }
})

test('counters count, and two handles of one series are one', async (context) => {
  const metrics = create(context)
  metrics.counter('frames_received_total', {}).inc()
  metrics.counter('frames_received_total', {}).inc(41)
  metrics.counter('commands_total', { outcome: 'not_sent', reason: 'offline' }).inc()
  metrics.counter('commands_total', { reason: 'offline', outcome: 'not_sent' }).inc()
  metrics.counter('commands_total', { outcome: 'accepted', reason: '' }).inc(0)
  const text = await metrics.text()
  strictEqual(sampleOf(text, 'cpg_frames_received_total'), 42)
  strictEqual(sampleOf(text, 'cpg_commands_total{outcome="not_sent",reason="offline"}'), 2)
  strictEqual(sampleOf(text, 'cpg_commands_total{outcome="accepted",reason=""}'), 0)
})

test('a gauge is asked at each scrape', async (context) => {
  const metrics = create(context)
  let connected = 3
  metrics.gauge('connections', { version: '1.6' }, () => connected)
  strictEqual(sampleOf(await metrics.text(), 'cpg_connections{version="1.6"}'), 3)
  connected = 5
  strictEqual(sampleOf(await metrics.text(), 'cpg_connections{version="1.6"}'), 5)
})

test('a histogram counts each value in its bucket and in all above', async (context) => {
  const metrics = create(context)
  const histogram = metrics.histogram('log_commit_events')
  for (const value of [0, 1, 2, 3, 4096, 4097]) histogram.observe(value)
  const text = await metrics.text()
  const bucket = (le: string): number => sampleOf(text, `cpg_log_commit_events_bucket{le="${le}"}`)
  deepStrictEqual(['1', '2', '4', '2048', '4096', '+Inf'].map(bucket), [2, 3, 4, 4, 5, 6])
  strictEqual(sampleOf(text, 'cpg_log_commit_events_sum'), 8199)
  strictEqual(sampleOf(text, 'cpg_log_commit_events_count'), 6)
})

test('buckets ascend, or a value would be lost between two', () => {
  for (const [name, entry] of Object.entries(metricCatalogue)) {
    if (entry.type !== 'histogram') continue
    deepStrictEqual(
      entry.buckets.toSorted((a, b) => a - b),
      entry.buckets,
      name
    )
  }
})

test('a scrape tells what the process uses and how late its event loop is', async (context) => {
  const metrics = create(context)
  const text = await metrics.text()
  ok(sampleOf(text, 'cpg_process_resident_memory_bytes') > 1_000_000)
  ok(sampleOf(text, 'cpg_process_cpu_seconds_total{mode="user"}') > 0)
  ok(sampleOf(text, 'cpg_process_start_time_seconds') > 1_600_000_000)
  for (const quantile of ['0.5', '0.9', '0.99', '1']) {
    ok(sampleOf(text, `cpg_event_loop_delay_seconds{quantile="${quantile}"}`) >= 0)
  }
})

test('a blocked event loop shows in the next scrape and no longer in the one after', async (context) => {
  const metrics = create(context)
  const nextSample = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30))
  await metrics.text()
  await nextSample()
  const blockedSince = performance.now()
  while (performance.now() - blockedSince < 400);
  await nextSample()
  const series = 'cpg_event_loop_delay_seconds{quantile="1"}'
  const blocked = sampleOf(await metrics.text(), series)
  ok(blocked >= 0.35, `${blocked} s`)
  await nextSample()
  const after = sampleOf(await metrics.text(), series)
  ok(after < blocked, `${after} s`)
})

test('two sets of metrics in one process know nothing of each other', async (context) => {
  const first = create(context)
  const second = create(context)
  first.counter('events_total', {}).inc(7)
  second.counter('events_total', {}).inc(1)
  strictEqual(sampleOf(await first.text(), 'cpg_events_total'), 7)
  strictEqual(sampleOf(await second.text(), 'cpg_events_total'), 1)
})
