import { type Examined, type Finding, ok, warn } from './finding.ts'

/** A token shorter than this can be guessed by trying. */
const tokenLengthMin = 16

/** Settings that are valid and yet not what one runs a charging network with. */
export function choices({ config }: Examined): Finding[] {
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
  return findings
}
