import { type Examined, type Finding, ok, warn } from './finding.ts'

/** A token shorter than this can be guessed by trying. */
const tokenLengthMin = 16

/** Settings that are valid and yet not what one runs a charging network with. */
export function choices(examined: Examined): Finding[] {
  const { config } = examined
  const findings: Finding[] = []
  if (config.authority.mode === 'accept_all')
    findings.push(
      warn(
        'authority',
        'every charge point may connect and every id token may charge',
        'set authority.mode to allow_list, with authority.allow_list_file'
      )
    )
  else findings.push(ok('authority', `the allow-list ${config.authority.allowListFile ?? ''} decides`))
  const short = config.api.tokens.filter(({ token }) => token.length < tokenLengthMin)
  if (short.length > 0)
    findings.push(
      warn(
        'api_tokens',
        `${short.map(({ name }) => name).join(', ')}: shorter than ${tokenLengthMin} characters`,
        'make longer ones: openssl rand -hex 24'
      )
    )
  else
    findings.push(
      ok(
        'api_tokens',
        config.api.tokens.length === 0 ? 'none; only this machine reaches the API' : `${config.api.tokens.length} set`
      )
    )
  if (!config.eventLog.sync)
    findings.push(
      warn('event_log_sync', 'a power cut may lose messages that were answered', 'set event_log.sync to true')
    )
  return [...findings, ...shared(examined)]
}

/** One of the two alone is a choice of some, and an oversight of most. */
function shared({ config }: Examined): Finding[] {
  const withKafka = config.kafka.brokers.length > 0
  if (withKafka === (config.redis.url !== undefined)) return []
  if (withKafka)
    return [
      warn(
        'shared',
        'kafka.brokers is set without redis.url: gateways do not know of each other, and a command that one reads for a charge point of another ends as not_sent',
        'set redis.url, unless this is the only gateway'
      )
    ]
  return [
    warn(
      'shared',
      'redis.url is set without kafka.brokers: events go to no topic, each gateway keeps its own for GET /v1/events',
      'set kafka.brokers, unless every gateway is read by itself'
    )
  ]
}
