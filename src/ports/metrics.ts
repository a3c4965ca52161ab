const secondsBuckets = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const countBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]

/**
 * Every metric, once: the name on the wire is `cpg_` + key. Units last, base units; no charge point id as a label.
 */
export const metricCatalogue = {
  connections: { type: 'gauge', help: 'Charge points connected now.', labels: ['version'] },
  connections_opened_total: { type: 'counter', help: 'Connections accepted.', labels: ['version'] },
  connections_closed_total: { type: 'counter', help: 'Connections ended, by reason.', labels: ['reason'] },
  connections_refused_total: {
    type: 'counter',
    help: 'Connections refused before the upgrade, by reason.',
    labels: ['reason']
  },
  frames_received_total: { type: 'counter', help: 'Text frames received.', labels: [] },
  frames_sent_total: { type: 'counter', help: 'Frames sent, by kind.', labels: ['kind'] },
  frames_after_close_total: {
    type: 'counter',
    help: 'Frames that were to be sent after the socket had ended, and were not.',
    labels: []
  },
  bytes_received_total: { type: 'counter', help: 'Bytes of message payload received.', labels: [] },
  bytes_sent_total: { type: 'counter', help: 'Bytes of message payload sent.', labels: [] },
  calls_answered_total: {
    type: 'counter',
    help: 'CALLs of charge points answered, by code (`ok` or the CALLERROR code).',
    labels: ['code']
  },
  oddities_total: {
    type: 'counter',
    help: 'Things that are only counted: unmatched results, replays, leniencies, ...',
    labels: ['what']
  },
  reading_paused: { type: 'gauge', help: 'Sockets that are not being read, by why.', labels: ['why'] },
  events_total: { type: 'counter', help: 'Events appended to the log.', labels: [] },
  event_stage_depth: { type: 'gauge', help: 'Events in a stage between socket and log.', labels: ['stage'] },
  event_stage_depth_high_water: { type: 'gauge', help: 'Highest depth of a stage since start.', labels: ['stage'] },
  event_stage_capacity: { type: 'gauge', help: 'event_channels.buffer_size.', labels: [] },
  log_append_seconds: { type: 'histogram', help: 'From append to durable.', labels: [], buckets: secondsBuckets },
  log_fsync_seconds: {
    type: 'histogram',
    help: 'Duration of a commit with its fsync.',
    labels: [],
    buckets: secondsBuckets
  },
  log_commit_events: { type: 'histogram', help: 'Events per commit.', labels: [], buckets: countBuckets },
  log_commit_failures_total: { type: 'counter', help: 'Commits that failed and were retried.', labels: [] },
  log_bytes: { type: 'gauge', help: 'Bytes that the event log holds.', labels: [] },
  log_bytes_max: { type: 'gauge', help: 'event_log.bytes_max.', labels: [] },
  log_full: { type: 'gauge', help: '1 while appends wait for a required consumer.', labels: [] },
  forwarded_events_total: { type: 'counter', help: 'Events that the shared bus has acknowledged.', labels: [] },
  forward_backlog_events: { type: 'gauge', help: 'Events on disk that the shared bus has not yet.', labels: [] },
  forward_send_seconds: {
    type: 'histogram',
    help: 'From handing a batch to the bus until its acknowledgement.',
    labels: [],
    buckets: secondsBuckets
  },
  forward_batch_events: {
    type: 'histogram',
    help: 'Events per acknowledged batch.',
    labels: [],
    buckets: countBuckets
  },
  forward_restarts_total: {
    type: 'counter',
    help: 'Times that the client of the bus was made anew because nothing was acknowledged.',
    labels: []
  },
  forward_stubs_total: {
    type: 'counter',
    help: 'Events too large for the bus, which got an `event.too_large` instead.',
    labels: []
  },
  delivery_outages_total: {
    type: 'counter',
    help: 'Times that answers stopped waiting for the bus (delivery.broker_patience).',
    labels: []
  },
  delivery_local: { type: 'gauge', help: '1 while messages are answered before the bus has their events.', labels: [] },
  commands_total: { type: 'counter', help: 'Commands settled, by outcome and reason.', labels: ['outcome', 'reason'] },
  dead_letters_total: {
    type: 'counter',
    help: 'Records of the topic of commands that were no commands, and lie in `kafka.dead_letter_topic` now.',
    labels: []
  },
  commands_open: { type: 'gauge', help: 'Commands accepted and not settled.', labels: [] },
  registry_request_seconds: {
    type: 'histogram',
    help: 'Requests to Redis that were answered.',
    labels: [],
    buckets: secondsBuckets
  },
  registry_failures_total: {
    type: 'counter',
    help: 'Requests to Redis that failed: it was silent, could not be reached, or refused.',
    labels: ['why']
  },
  authority_decisions_total: { type: 'counter', help: 'Decisions, by who decided.', labels: ['decided_by'] },
  log_lines_dropped_total: {
    type: 'counter',
    help: 'Log lines dropped because the output did not keep up.',
    labels: []
  },
  event_loop_delay_seconds: {
    type: 'gauge',
    help: 'Event loop delay since the last scrape, by quantile.',
    labels: ['quantile']
  },
  ready: { type: 'gauge', help: '1 when ready.', labels: [] },
  dependency_up: {
    type: 'gauge',
    help: '1 while `/health/ready` calls the dependency `up`, 0 while it is `degraded` or `down`: `event_log`, `kafka`, `kafka_commands`, `redis`.',
    labels: ['name']
  },
  process_cpu_seconds_total: { type: 'counter', help: 'CPU time of the process, by mode.', labels: ['mode'] },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory of the process.', labels: [] },
  process_heap_used_bytes: { type: 'gauge', help: 'JavaScript heap in use.', labels: [] },
  process_external_memory_bytes: { type: 'gauge', help: 'Memory of buffers outside the JavaScript heap.', labels: [] },
  process_open_fds: {
    type: 'gauge',
    help: 'Open file descriptors; absent where the system does not tell.',
    labels: []
  },
  process_max_fds: {
    type: 'gauge',
    help: 'Limit of open file descriptors; absent where the system does not tell.',
    labels: []
  },
  process_start_time_seconds: { type: 'gauge', help: 'Start of the process, seconds since 1970.', labels: [] }
} as const satisfies Record<
  string,
  | { type: 'counter' | 'gauge'; help: string; labels: readonly string[] }
  /** `buckets`: upper bounds, ascending; the bound +Inf is added. */
  | { type: 'histogram'; help: string; labels: readonly []; buckets: readonly number[] }
>

export type MetricName = keyof typeof metricCatalogue
type NameOf<Kind> = { [N in MetricName]: (typeof metricCatalogue)[N]['type'] extends Kind ? N : never }[MetricName]
export type Labels<N extends MetricName> = Readonly<Record<(typeof metricCatalogue)[N]['labels'][number], string>>

/** Handles are made once, at start; an `inc` is one addition. */
export interface Counter {
  inc(n?: number): void
}
export interface Histogram {
  observe(value: number): void
}
export interface Metrics {
  counter<N extends NameOf<'counter'>>(name: N, labels: Labels<N>): Counter
  /** The value is asked for at each scrape. */
  gauge<N extends NameOf<'gauge'>>(name: N, labels: Labels<N>, value: () => number): void
  histogram<N extends NameOf<'histogram'>>(name: N): Histogram
}
