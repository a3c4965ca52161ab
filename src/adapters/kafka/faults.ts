import { GenericError, MultipleErrors } from '@platformatic/kafka'
import type { SinkState } from '../../ports/event-sink.ts'
import type { KafkaConnection } from './connection-options.ts'

/** What is wrong, as a state of readiness would say it. */
export interface Fault {
  readonly kind: Extract<SinkState['kind'], 'down' | 'misconfigured'>
  /** The same for the same cause, however the words vary from one attempt to the next. */
  readonly cause: FaultCause
  readonly detail: string
  /** Instead of it once brokers have let this client in: settings that worked are not the first thing to look at. */
  readonly onceIn?: Fault
}

type CauseBeforeLogin = 'unreachable' | 'login' | 'mechanism' | 'no_login_asked' | 'certificate' | 'tls'

export type FaultCause =
  | CauseBeforeLogin
  | 'server_name'
  | 'topic_missing'
  | 'topic_in_making'
  | 'topic_replication'
  | 'topic_creation_right'
  | 'topic_right'
  | 'group_right'
  | 'cluster_right'
  | 'replicas'
  | `answer ${string}`

const beforeLogin: ReadonlySet<FaultCause> = new Set<CauseBeforeLogin>([
  'unreachable',
  'login',
  'mechanism',
  'no_login_asked',
  'certificate',
  'tls'
])

/** True when only a broker that let this client in can have said so. */
export function isOnceIn({ cause }: Fault): boolean {
  return !beforeLogin.has(cause)
}

/** What errors of the library and of Node carry, as far as it is read here. */
export type FaultPart = Error & {
  readonly code?: string
  readonly apiId?: string
  readonly syscall?: string
  readonly response?: unknown
}

/** The error, its causes and its parts: the library wraps the telling one several times. */
export function* partsOf(error: unknown, depth = 0): Generator<FaultPart> {
  if (!(error instanceof Error) || depth > 12) return
  yield error as FaultPart
  if (error.cause !== undefined) yield* partsOf(error.cause, depth + 1)
  if (error instanceof AggregateError) for (const part of error.errors) yield* partsOf(part, depth + 1)
}

/** True when a broker answered with this error, e.g. `MESSAGE_TOO_LARGE`, anywhere within. */
export function saysBroker(error: unknown, apiId: string): boolean {
  return partsOf(error).some((part) => part.apiId === apiId)
}

/** True when one of the group's answers means that this member's generation is over. */
export function isFenced(error: unknown): boolean {
  return ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID'].some((id) =>
    saysBroker(error, id)
  )
}

/** True when not one broker of the list, nor of those learnt from them, could be connected to. */
export function isUnreachable(error: unknown): boolean {
  return partsOf(error).some((part) => part.message === 'Cannot connect to any broker.')
}

/** What an operator can do about an error. Whatever is not known to need somebody's hand is `down`: it may pass by itself. */
export function explain(error: unknown, connection: KafkaConnection, topic: string): Fault {
  const parts = [...partsOf(error)]
  const broker = (id: string): boolean => parts.some((part) => part.apiId === id)
  const says = (pattern: RegExp): boolean => parts.some((part) => pattern.test(part.message))
  const user = connection.sasl?.username
  if (broker('UNSUPPORTED_SASL_MECHANISM'))
    return misconfigured(
      'mechanism',
      `Kafka does not offer ${connection.sasl?.mechanism}; set kafka.sasl_mechanism to one that it has.`
    )
  if (broker('ILLEGAL_SASL_STATE'))
    return misconfigured(
      'no_login_asked',
      'This port of Kafka asks for no user; take its SASL port, or set kafka.sasl_mechanism to none.'
    )
  if (broker('SASL_AUTHENTICATION_FAILED') || says(/^SASL authentication failed/))
    return misconfigured(
      'login',
      `Kafka refuses the user name or password of "${user}"; check kafka.sasl_username and kafka.sasl_password.`
    )
  if (broker('TOPIC_AUTHORIZATION_FAILED'))
    return misconfigured('topic_right', `The user "${user ?? 'ANONYMOUS'}" may not use the topic "${topic}"; grant it.`)
  if (broker('GROUP_AUTHORIZATION_FAILED'))
    return misconfigured(
      'group_right',
      `The user "${user ?? 'ANONYMOUS'}" may not use the consumer group; grant it READ on the group.`
    )
  if (broker('CLUSTER_AUTHORIZATION_FAILED'))
    return misconfigured(
      'cluster_right',
      `The user "${user ?? 'ANONYMOUS'}" lacks a right on the cluster; grant it (CREATE to create topics).`
    )
  if (broker('UNKNOWN_TOPIC_OR_PARTITION') || says(/^Unknown topic /))
    return misconfigured('topic_missing', missingTopic(topic))
  if (broker('NOT_ENOUGH_REPLICAS') || broker('NOT_ENOUGH_REPLICAS_AFTER_APPEND'))
    return {
      kind: 'down',
      cause: 'replicas',
      detail: `The topic "${topic}" has fewer in-sync replicas than its min.insync.replicas.`
    }
  const certificate = parts.find((part) => /^(?:CERT_|UNABLE_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS)/.test(String(part.code)))
  if (certificate)
    return misconfigured(
      'certificate',
      `The certificate of Kafka is not trusted (${certificate.message}); check kafka.tls_ca_file.`
    )
  if (says(/verify the broker supports TLS|requires TLS|SSL routines/)) {
    const fault = misconfigured(
      'tls',
      'TLS with Kafka fails: one side speaks TLS and the other does not; check kafka.tls and the port.'
    )
    // The library says so of any connection that ends within its handshake, as before a proxy whose broker is away.
    return says(/verify the broker supports TLS/) ? { ...fault, onceIn: wentAway(connection, parts) } : fault
  }
  return unreachable(connection, parts)
}

export function misconfigured(cause: FaultCause, detail: string): Fault {
  return { kind: 'misconfigured', cause, detail }
}

/** One sentence for a topic that is not there. */
export function missingTopic(topic: string, partitions = 12): string {
  return `The topic "${topic}" does not exist. Create it (for example with ${partitions} partitions), or set kafka.create_topics.`
}

function unreachable(connection: KafkaConnection, parts: readonly FaultPart[]): Fault {
  const answer = parts.find((part) => part.apiId !== undefined)
  if (answer)
    return {
      kind: 'down',
      cause: `answer ${answer.apiId}`,
      detail: `Kafka answers ${answer.apiId}: ${answer.message}`
    }
  const reason = reasonIn(parts)
  const hint =
    reason === 'Connection closed'
      ? ' A port that wants TLS or a login closes like this, or one that wants a certificate: see kafka.tls, kafka.sasl_mechanism, kafka.tls_cert_file.'
      : ''
  return {
    kind: 'down',
    cause: 'unreachable',
    detail: `Kafka cannot be reached; ${tried(connection, reason)}; check kafka.brokers.${hint}`,
    onceIn: wentAway(connection, parts)
  }
}

function wentAway(connection: KafkaConnection, parts: readonly FaultPart[]): Fault {
  const remedy = 'see whether the brokers run and can be reached from here; the gateway comes back by itself'
  const detail = `Kafka went away; ${tried(connection, reasonIn(parts))}; ${remedy}.`
  return { kind: 'down', cause: 'unreachable', detail }
}

function tried({ brokers }: KafkaConnection, reason: string): string {
  return `tried ${brokers.join(', ')} (${reason})`
}

function reasonIn(parts: readonly FaultPart[]): string {
  const deepest = parts.find((part) => part.syscall !== undefined) ?? parts.findLast((part) => part.message !== '')
  return deepest?.message || deepest?.code || 'no answer'
}

/**
 * The library keeps every error of every attempt until an operation ends. An outage of a day would be gigabytes, so what
 * was read is emptied; the attempt that ends the operation is a new error.
 */
export function shrink(error: unknown): void {
  for (const part of [...partsOf(error)]) {
    part.stack = ''
    if (part instanceof MultipleErrors) part.errors.length = 0
    if (GenericError.isGenericError(part as GenericError)) part.cause = undefined
  }
}
