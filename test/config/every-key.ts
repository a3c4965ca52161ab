/**
 * For every key one valid value that is not its default, and the other keys that it needs to be valid. The walk over the
 * schema fails for a key that is not listed here, so that no key enters without a test that it has an effect.
 */
export interface Alternative {
  /** As written in a variable or a flag. */
  readonly written: string
  /** What `Config` then holds. */
  readonly parsed: unknown
  /** Other keys, as flags, without which the value is refused. */
  readonly needs?: Readonly<Record<string, string>>
}

const MiB = 1024 ** 2

export const alternatives: Readonly<Record<string, Alternative>> = {
  data_dir: { written: './elsewhere', parsed: './elsewhere' },
  'node.id': { written: 'gw-7', parsed: 'gw-7' },
  'server.host': { written: '127.0.0.1', parsed: '127.0.0.1' },
  'server.port': { written: '9080', parsed: 9080 },
  'server.path': { written: '/chargers', parsed: '/chargers' },
  'server.trusted_proxies': { written: '127.0.0.1,fd00::/8', parsed: ['127.0.0.1', 'fd00::/8'] },
  'server.connections_max': { written: '7', parsed: 7 },
  'server.backlog': { written: '128', parsed: 128 },
  'server.handshake_timeout': { written: '3s', parsed: 3000 },
  'server.payload_bytes_max': { written: '64KiB', parsed: 65_536 },
  'server.ping_interval': { written: '20s', parsed: 20_000 },
  'server.idle_timeout': { written: '10m', parsed: 600_000 },
  'server.close_timeout': { written: '1s', parsed: 1000 },
  'server.default_version': { written: '1.6', parsed: '1.6' },
  'server.compression': { written: 'false', parsed: false },
  'api.host': { written: '127.0.0.2', parsed: '127.0.0.2' },
  'api.port': { written: '9081', parsed: 9081 },
  'api.stream_heartbeat': { written: '1s', parsed: 1000 },
  'api.tokens': { written: 'billing:abc', parsed: [{ name: 'billing', token: 'abc' }] },
  'api.metrics_token': { written: 'scrape', parsed: 'scrape' },
  'log.level': { written: 'debug', parsed: 'debug' },
  'log.format': { written: 'json', parsed: 'json' },
  'log.output': { written: 'stderr', parsed: 'stderr' },
  'log.async': { written: 'false', parsed: false },
  'event_channels.buffer_size': { written: '100', parsed: 100 },
  'event_log.retention': { written: '1h', parsed: 3_600_000 },
  'event_log.bytes_max': { written: '64MiB', parsed: 64 * MiB },
  'event_log.sync': { written: 'false', parsed: false },
  'event_log.linger_max': { written: '7ms', parsed: 7 },
  'event_log.required_consumers': { written: 'billing,audit', parsed: ['billing', 'audit'] },
  'events.include_raw': { written: 'always', parsed: 'always' },
  'events.schema_base_url': { written: 'https://example.com/schemas', parsed: 'https://example.com/schemas' },
  'session.boot_interval': { written: '10s', parsed: 10_000 },
  'session.call_timeout': { written: '5s', parsed: 5000 },
  'session.queue_calls_max': { written: '2', parsed: 2 },
  'session.replay_window': { written: '1s', parsed: 1000 },
  'authority.mode': {
    written: 'allow_list',
    parsed: 'allow_list',
    needs: { 'authority.allow_list_file': 'allow-list.yaml' }
  },
  'authority.allow_list_file': { written: 'a.yaml', parsed: 'a.yaml', needs: { 'authority.mode': 'allow_list' } },
  'authority.boot_status': { written: 'pending', parsed: 'pending' },
  'leniency.mode': { written: 'strict', parsed: 'strict' },
  'shutdown.deadline': { written: '3s', parsed: 3000 },
  'delivery.ack': { written: 'local', parsed: 'local', needs: { 'kafka.brokers': 'kafka:9092' } },
  'delivery.broker_patience': { written: '3s', parsed: 3_000, needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.brokers': { written: 'kafka-1:9092,kafka-2:9092', parsed: ['kafka-1:9092', 'kafka-2:9092'] },
  'kafka.events_topic': { written: 'events', parsed: 'events', needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.commands_topic': { written: 'commands', parsed: 'commands', needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.dead_letter_topic': { written: 'dead', parsed: 'dead', needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.consumer_group': { written: 'group', parsed: 'group', needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.create_topics': { written: 'true', parsed: true, needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.partitions': {
    written: '3',
    parsed: 3,
    needs: { 'kafka.brokers': 'kafka:9092' }
  },
  'kafka.replication_factor': {
    written: '1',
    parsed: 1,
    needs: { 'kafka.brokers': 'kafka:9092' }
  },
  'kafka.compression': { written: 'gzip', parsed: 'gzip', needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.sends_per_second_max': { written: '100', parsed: 100, needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.forward_bytes_max': { written: '2MiB', parsed: 2 * MiB, needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.ack_stall_max': { written: '30s', parsed: 30_000, needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.sasl_mechanism': {
    written: 'plain',
    parsed: 'plain',
    needs: { 'kafka.brokers': 'kafka:9092', 'kafka.sasl_username': 'gateway', 'kafka.sasl_password': 'secret' }
  },
  'kafka.sasl_username': {
    written: 'gateway',
    parsed: 'gateway',
    needs: { 'kafka.brokers': 'kafka:9092', 'kafka.sasl_mechanism': 'plain', 'kafka.sasl_password': 'secret' }
  },
  'kafka.sasl_password': {
    written: 'secret',
    parsed: 'secret',
    needs: { 'kafka.brokers': 'kafka:9092', 'kafka.sasl_mechanism': 'plain', 'kafka.sasl_username': 'gateway' }
  },
  'kafka.tls': { written: 'true', parsed: true, needs: { 'kafka.brokers': 'kafka:9092' } },
  'kafka.tls_ca_file': {
    written: 'package.json',
    parsed: 'package.json',
    needs: { 'kafka.brokers': 'kafka:9092', 'kafka.tls': 'true' }
  },
  'kafka.tls_cert_file': {
    written: 'package.json',
    parsed: 'package.json',
    needs: { 'kafka.brokers': 'kafka:9092', 'kafka.tls': 'true', 'kafka.tls_key_file': 'package.json' }
  },
  'kafka.tls_key_file': {
    written: 'package.json',
    parsed: 'package.json',
    needs: { 'kafka.brokers': 'kafka:9092', 'kafka.tls': 'true', 'kafka.tls_cert_file': 'package.json' }
  },
  'redis.url': { written: 'redis://redis:6379', parsed: 'redis://redis:6379' },
  'redis.cluster': { written: 'true', parsed: true, needs: { 'redis.url': 'redis://redis:6379' } },
  'redis.username': {
    written: 'gateway',
    parsed: 'gateway',
    needs: { 'redis.url': 'redis://redis:6379', 'redis.password': 'secret' }
  },
  'redis.password': { written: 'secret', parsed: 'secret', needs: { 'redis.url': 'redis://redis:6379' } },
  'redis.tls_ca_file': {
    written: 'package.json',
    parsed: 'package.json',
    needs: { 'redis.url': 'rediss://redis:6379' }
  },
  'redis.key_prefix': { written: 'other', parsed: 'other', needs: { 'redis.url': 'redis://redis:6379' } },
  'redis.request_timeout': { written: '2s', parsed: 2_000, needs: { 'redis.url': 'redis://redis:6379' } },
  'redis.lease_ttl': { written: '10s', parsed: 10_000, needs: { 'redis.url': 'redis://redis:6379' } },
  'limits.adoptions_per_second_max': { written: '10', parsed: 10, needs: { 'redis.url': 'redis://redis:6379' } },
  'limits.command_age_max': { written: '10s', parsed: 10_000 },
  'limits.command_timeout_max': { written: '5m', parsed: 300_000 },
  'limits.command_expiry_max': { written: '1d', parsed: 86_400_000 },
  'limits.commands_open_max': { written: '5', parsed: 5 },
  'limits.command_memory': { written: '48h', parsed: 48 * 3_600_000 },
  'limits.bad_frames_max': { written: '3', parsed: 3 },
  'limits.calls_in_flight_max': { written: '2', parsed: 2 },
  'limits.inbox_bytes_max': { written: '64KiB', parsed: 65_536 },
  'limits.send_buffer_bytes_max': { written: '2MiB', parsed: 2 * MiB },
  'limits.handshakes_max': { written: '5', parsed: 5 },
  'limits.replay_answers_max': { written: '1', parsed: 1 },
  'limits.open_transactions_max': { written: '2', parsed: 2 },
  'limits.ended_transactions_max': { written: '1', parsed: 1 },
  'limits.violations_per_minute_max': { written: '1', parsed: 1 },
  'limits.takeovers_max': { written: '2', parsed: 2 },
  'limits.refusals_per_minute_max': { written: '3', parsed: 3 },
  'limits.log_buffer_bytes_max': { written: '64KiB', parsed: 65_536 },
  'limits.api_connections_max': { written: '4', parsed: 4 },
  'limits.api_consumers_max': { written: '1', parsed: 1 },
  'limits.api_reader_stall_max': { written: '1s', parsed: 1000 },
  'limits.api_readers_max': { written: '1', parsed: 1 },
  'limits.api_reader_buffer_bytes_max': { written: '1MiB', parsed: MiB },
  'limits.api_page_events_max': { written: '2', parsed: 2 },
  'limits.api_request_bytes_max': { written: '4KiB', parsed: 4096 },
  'limits.api_wait_max': { written: '2s', parsed: 2000 }
}
