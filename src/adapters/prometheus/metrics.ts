import { type Metric, type MetricObjectWithValues, type MetricValueWithName, Registry } from 'prom-client'
import { type Counter, type Histogram, type MetricName, type Metrics, metricCatalogue } from '../../ports/metrics.ts'
import { createProcessValues, type ProcessValues } from './process-values.ts'

export interface PrometheusMetrics extends Metrics {
  /** All metrics in the text format of Prometheus. */
  text(): Promise<string>
  readonly contentType: string
  /** Stops measuring the event loop. */
  close(): void
}

type Sample = MetricValueWithName<string>

/** Plain numbers on the hot path; labels and names are put to them at the scrape. */
class PlainCounter implements Counter {
  value = 0
  inc(n = 1): void {
    this.value += n
  }
}

class PlainHistogram implements Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let index = 0
    while (index < bounds.length && value > (bounds[index] as number)) index += 1
    this.#counts[index] = (this.#counts[index] as number) + 1
    this.#sum += value
  }

  samples(name: string): Sample[] {
    let total = 0
    const buckets = this.#counts.map((count, index): Sample => {
      total += count
      return { metricName: `${name}_bucket`, labels: { le: this.#bounds[index] ?? '+Inf' }, value: total }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: total }
    ]
  }
}

/** All series of one metric. */
interface Family {
  readonly series: Map<string, { readonly labels: Readonly<Record<string, string>>; readonly read: () => number }>
  readonly counters: Map<string, PlainCounter>
  readonly histogram: PlainHistogram | undefined
}

/** Metrics in a registry of their own: two in one process know nothing of each other. */
export function createPrometheusMetrics(): PrometheusMetrics {
  const registry = new Registry()
  const processValues = createProcessValues()
  const families = new Map<MetricName, Family>()
  for (const name of Object.keys(metricCatalogue) as MetricName[]) {
    const entry = metricCatalogue[name]
    const family: Family = {
      series: new Map(),
      counters: new Map(),
      histogram: entry.type === 'histogram' ? new PlainHistogram(entry.buckets) : undefined
    }
    families.set(name, family)
    register(registry, name, () => [...samplesOf(name, family), ...ofProcess(name, processValues)])
  }
  const familyOf = (name: MetricName): Family => families.get(name) as Family

  return {
    contentType: registry.contentType,
    counter(name, labels) {
      const { counters, series } = familyOf(name)
      const key = keyOf(labels)
      const existing = counters.get(key)
      if (existing) return existing
      const counter = new PlainCounter()
      counters.set(key, counter)
      series.set(key, { labels, read: () => counter.value })
      return counter
    },
    gauge(name, labels, value) {
      familyOf(name).series.set(keyOf(labels), { labels, read: value })
    },
    histogram: (name) => familyOf(name).histogram as PlainHistogram,
    text: () => registry.metrics(),
    close: () => processValues.close()
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort())
}

function samplesOf(name: MetricName, family: Family): Sample[] {
  if (family.histogram) return family.histogram.samples(`cpg_${name}`)
  return [...family.series.values()].map(({ labels, read }) => ({ labels: { ...labels }, value: read() }) as Sample)
}

/** The registry asks each metric for its values at a scrape; this one puts them together only then. */
function register(registry: Registry, name: MetricName, samples: () => Sample[]): void {
  const { type, help } = metricCatalogue[name]
  const metric = {
    name: `cpg_${name}`,
    get: async () =>
      ({
        name: `cpg_${name}`,
        help,
        type,
        aggregator: 'sum',
        values: samples()
      }) as unknown as MetricObjectWithValues<Sample>
  }
  registry.registerMetric(metric as unknown as Metric)
}

function ofProcess(name: MetricName, values: ProcessValues): Sample[] {
  const one = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ labels: {}, value } as Sample])
  switch (name) {
    case 'process_cpu_seconds_total':
      return Object.entries(values.cpuSeconds()).map(([mode, value]) => ({ labels: { mode }, value }) as Sample)
    case 'process_resident_memory_bytes':
      return one(values.memory().rss)
    case 'process_heap_used_bytes':
      return one(values.memory().heapUsed)
    case 'process_external_memory_bytes':
      return one(values.memory().external)
    case 'process_open_fds':
      return one(values.openFds())
    case 'process_max_fds':
      return one(values.maxFds())
    case 'process_start_time_seconds':
      return one(values.startTimeSeconds())
    case 'event_loop_delay_seconds':
      return values
        .eventLoopDelay()
        .map(({ quantile, seconds }) => ({ labels: { quantile }, value: seconds }) as Sample)
    default:
      return []
  }
}
