import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Decision, DecisionRequest, IdToken, RegistrationStatus } from '../../events/decision.ts'
import { GatewayError } from '../../lib/gateway-error.ts'
import type { Admission, Authority } from '../../ports/authority.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import { type AllowList, parseAllowList, tokenKey } from './allow-list.ts'
import { watchFile } from './watched-file.ts'

export interface LocalAuthorityOptions {
  readonly mode: 'accept_all' | 'allow_list'
  /** YAML or JSON; required by `allow_list`. */
  readonly allowListFile?: string
  readonly bootStatus: RegistrationStatus
  /** Seconds: the heartbeat interval of an accepted charge point, the time to wait of any other. */
  readonly bootIntervalS: number
  readonly clock: Clock
  readonly logger: Logger
  /** The file was read again: true when the new list is in force, false when it is broken and the old one stays. */
  readonly onReload?: (inForce: boolean) => void
}

export interface LocalAuthority extends Authority {
  /** Stops watching the file. */
  close(): void
}

/** A station whose start button needs no card says so with this type; it names nobody who could be listed. */
const noAuthorization = new Set(['NoAuthorization', 'no_authorization'])
const acceptAll: AllowList = { chargePoints: undefined, idTokens: undefined }

/**
 * The policy of the configuration itself: everybody, or an allow-list file that is read again when it changes. Every
 * answer is given at once. Throws a `GatewayError` when the file cannot be used at start.
 */
export function createLocalAuthority(options: LocalAuthorityOptions): LocalAuthority {
  const { clock, logger } = options
  const listeners = new Set<(chargePointIds: (chargePointId: string) => boolean) => void>()
  let list = acceptAll
  let close = (): void => undefined

  if (options.mode === 'accept_all') {
    logger.warn(
      { mode: options.mode },
      'EVERY charge point may connect and EVERY id token may charge: authority.mode is accept_all. Use allow_list outside a test.'
    )
  } else {
    if (!options.allowListFile) {
      throw new GatewayError(
        'allow_list_missing',
        'authority.mode is allow_list, but authority.allow_list_file names no file'
      )
    }
    const path = resolve(options.allowListFile)
    const first = readAtStart(path)
    list = first.list
    logger.info({ path, ...sizesOf(list) }, 'allow-list read')
    close = keepCurrent(path, first.text)
  }

  function keepCurrent(path: string, text: string): () => void {
    let inForce = text
    let complaint = ''
    return watchFile(path, { clock, logger }, (read) => {
      if ('text' in read && read.text === inForce && complaint === '') return
      const parsed = 'text' in read ? parseAllowList(read.text) : undefined
      if (parsed?.ok && 'text' in read) {
        inForce = read.text
        complaint = ''
        adopt(path, parsed.list)
        return
      }
      const problem = parsed && !parsed.ok ? `${path}:${parsed.line}: ${parsed.detail}` : `${path} cannot be read`
      if (problem === complaint) return
      complaint = problem
      logger.error(
        {
          path,
          ...(parsed && !parsed.ok ? { line: parsed.line } : {}),
          ...('error' in read ? { error: read.error } : {})
        },
        `the allow-list is broken, the old one stays in force: ${problem}`
      )
      options.onReload?.(false)
    })
  }

  function adopt(path: string, next: AllowList): void {
    const before = list
    list = next
    logger.info({ path, ...sizesOf(next) }, 'allow-list read again')
    if (takesAway(before.chargePoints, next.chargePoints)) {
      for (const listener of listeners) listener((chargePointId) => !isListed(next, chargePointId))
    }
    options.onReload?.(true)
  }

  return {
    admit: (chargePointId): Admission =>
      isListed(list, chargePointId)
        ? { allowed: true }
        : { allowed: false, detail: `add '${chargePointId}' to charge_points in ${options.allowListFile}` },
    decide: (request) => decide(request, list, options),
    onRevoked(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    close: () => close()
  }
}

function readAtStart(path: string): { readonly text: string; readonly list: AllowList } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new GatewayError(
      'allow_list_missing',
      `the allow-list ${path} cannot be read (${cause instanceof Error ? cause.message : cause}): create it, or correct authority.allow_list_file`,
      { cause }
    )
  }
  const parsed = parseAllowList(text)
  if (parsed.ok) return { text, list: parsed.list }
  throw new GatewayError('allow_list_broken', `the allow-list ${path}:${parsed.line}: ${parsed.detail}`)
}

function sizesOf(list: AllowList): Record<string, number | 'all'> {
  return { chargePoints: list.chargePoints?.size ?? 'all', idTokens: list.idTokens?.size ?? 'all' }
}

function isListed(list: AllowList, chargePointId: string): boolean {
  return list.chargePoints === undefined || list.chargePoints.has(chargePointId)
}

/** True when somebody who was listed before is not any more. */
function takesAway(before: ReadonlySet<string> | undefined, next: ReadonlySet<string> | undefined): boolean {
  if (next === undefined) return false
  return before === undefined || [...before].some((chargePointId) => !next.has(chargePointId))
}

function decide(request: DecisionRequest, list: AllowList, options: LocalAuthorityOptions): Decision {
  switch (request.kind) {
    case 'authorize':
    case 'transaction':
      return { decidedBy: 'local', authorization: authorize(request.idToken, list, options.clock.now()) }
    case 'boot':
      return {
        decidedBy: 'local',
        registration: { status: options.bootStatus, intervalS: options.bootIntervalS }
      }
    case 'data_transfer':
    case 'call':
      // The local policy has no opinion: the row answers with its honest default.
      return { decidedBy: 'gateway' }
  }
}

function authorize(idToken: IdToken, list: AllowList, nowMs: number): NonNullable<Decision['authorization']> {
  if (list.idTokens === undefined || noAuthorization.has(idToken.type ?? '')) return { status: 'accepted' }
  const listed = list.idTokens.get(tokenKey(idToken.value))
  if (!listed) return { status: 'unknown' }
  const expired = listed.expiresAtMs !== undefined && listed.expiresAtMs <= nowMs
  return {
    status: expired && listed.status === 'accepted' ? 'expired' : listed.status,
    ...(listed.expiresAtMs === undefined ? {} : { expiresAt: new Date(listed.expiresAtMs).toISOString() }),
    ...(listed.parent === undefined ? {} : { parentIdToken: { value: listed.parent } })
  }
}
