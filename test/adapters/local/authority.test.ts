import { deepStrictEqual, match, strictEqual, throws } from 'node:assert'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  createLocalAuthority,
  type LocalAuthority,
  type LocalAuthorityOptions
} from '../../../src/adapters/local/authority.ts'
import type { Decision, DecisionRequest } from '../../../src/events/decision.ts'
import { GatewayError } from '../../../src/lib/gateway-error.ts'
import { createSystemClock } from '../../../src/lib/system-clock.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { memoryLogger } from '../../support/memory-logger.ts'

const from = { chargePointId: 'CP-1', version: '1.6', action: 'Authorize' } as const

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cpg-allow-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function create(context: TestContext, overrides: Partial<LocalAuthorityOptions> = {}) {
  const logger = memoryLogger()
  const clock = new FakeClock()
  const authority = createLocalAuthority({
    mode: 'allow_list',
    bootStatus: 'accepted',
    bootIntervalS: 300,
    clock,
    logger,
    ...overrides
  })
  context.after(() => authority.close())
  return { authority, logger, clock }
}

function withList(context: TestContext, text: string) {
  const path = join(folderOf(context), 'allow-list.yaml')
  writeFileSync(path, text)
  const made = create(context, { allowListFile: path })
  /** A new text, seen at the next look. Its length or time differs, as it does for any editor. */
  const rewrite = (next: string): void => {
    writeFileSync(path, next)
    made.clock.advance(10_000)
  }
  return { ...made, path, rewrite }
}

function statusOf(authority: LocalAuthority, value: string, type?: string): string | undefined {
  const idToken = type === undefined ? { value } : { value, type }
  return (authority.decide({ ...from, kind: 'authorize', idToken }) as Decision).authorization?.status
}

function isAdmitted(authority: LocalAuthority, chargePointId: string): boolean {
  const admission = authority.admit(chargePointId)
  if (admission instanceof Promise) throw new Error('the local policy answers at once')
  return admission.allowed
}

test('accept_all takes everybody and says so loudly, once', (context) => {
  const { authority, logger } = create(context, { mode: 'accept_all' })
  strictEqual(isAdmitted(authority, 'whoever'), true)
  strictEqual(statusOf(authority, 'whatever'), 'accepted')
  deepStrictEqual(
    logger.lines.map((line) => line.level),
    ['warn']
  )
  match(logger.lines[0]?.message ?? '', /EVERY charge point.*EVERY id token.*accept_all/)
})

test('an unlisted charge point is not admitted and the reason says what to do', (context) => {
  const { authority, path } = withList(context, 'charge_points: [CP-1]\nid_tokens: "*"')
  deepStrictEqual(authority.admit('CP-1'), { allowed: true })
  deepStrictEqual(authority.admit('cp-1'), { allowed: false, detail: `add 'cp-1' to charge_points in ${path}` })
})

test('an id token is found in any letter case, and what is not listed is unknown', (context) => {
  const { authority } = withList(context, 'charge_points: "*"\nid_tokens: [04E8A1B2, { value: OLD, status: blocked }]')
  strictEqual(statusOf(authority, '04e8a1b2'), 'accepted')
  strictEqual(statusOf(authority, '04E8a1B2', 'ISO14443'), 'accepted')
  strictEqual(statusOf(authority, 'old'), 'blocked')
  strictEqual(statusOf(authority, 'toString'), 'unknown')
})

test('a token is expired from the moment that its list entry names', (context) => {
  const { authority, clock } = withList(
    context,
    'charge_points: "*"\nid_tokens: [{ value: GUEST, expires_at: 2026-11-23T11:00:00+01:00, parent: HOTEL }]'
  )
  // The fake clock begins at 10:00 UTC, which is that very moment.
  strictEqual(statusOf(authority, 'GUEST'), 'expired')
  const earlier = new FakeClock(clock.now() - 60_000)
  const { authority: before } = create(context, {
    allowListFile: withList(
      context,
      'charge_points: "*"\nid_tokens: [{ value: GUEST, expires_at: 2026-11-23T11:00:00+01:00, parent: HOTEL }]'
    ).path,
    clock: earlier
  })
  deepStrictEqual(before.decide({ ...from, kind: 'transaction', idToken: { value: 'guest' }, offline: false }), {
    decidedBy: 'local',
    authorization: {
      status: 'accepted',
      expiresAt: '2026-11-23T10:00:00.000Z',
      parentIdToken: { value: 'HOTEL' }
    }
  })
})

test('a start button that needs no card is let through, whatever the list says', (context) => {
  const { authority } = withList(context, 'charge_points: "*"\nid_tokens: []')
  strictEqual(statusOf(authority, '', 'NoAuthorization'), 'accepted')
  strictEqual(statusOf(authority, '', 'Central'), 'unknown')
})

test('a boot is answered with the configured status and interval', (context) => {
  const { authority } = create(context, { mode: 'accept_all', bootStatus: 'pending', bootIntervalS: 42 })
  deepStrictEqual(authority.decide({ ...from, kind: 'boot', vendor: 'V', model: 'M' }), {
    decidedBy: 'local',
    registration: { status: 'pending', intervalS: 42 }
  })
})

test('for data transfers and other questions the local policy has no opinion', (context) => {
  const { authority } = create(context, { mode: 'accept_all' })
  const requests: DecisionRequest[] = [
    { ...from, kind: 'data_transfer', vendorId: 'V' },
    { ...from, kind: 'call', payload: {} }
  ]
  for (const request of requests) deepStrictEqual(authority.decide(request), { decidedBy: 'gateway' })
})

test('a changed list is in force without a restart', (context) => {
  const { authority, rewrite } = withList(context, 'charge_points: [CP-1]\nid_tokens: []')
  rewrite('charge_points: [CP-1, CP-2]\nid_tokens: [TAG]')
  strictEqual(isAdmitted(authority, 'CP-2'), true)
  strictEqual(statusOf(authority, 'TAG'), 'accepted')
})

test('a broken list leaves the old one in force and says where, once', (context) => {
  const { authority, logger, rewrite, path } = withList(context, 'charge_points: [CP-1]\nid_tokens: []')
  rewrite('charge_points: [CP-2]\nid_tokens:\n  - { vaule: TAG }')
  rewrite('charge_points: [CP-2]\nid_tokens:\n  - { vaule: TAG } ')
  strictEqual(isAdmitted(authority, 'CP-1'), true)
  strictEqual(isAdmitted(authority, 'CP-2'), false)
  const errors = logger.lines.filter((line) => line.level === 'error')
  strictEqual(errors.length, 1)
  strictEqual(errors[0]?.fields.line, 3)
  match(errors[0]?.message ?? '', /old one stays in force: .*allow-list\.yaml:3: unknown key 'vaule'/)
  match(errors[0]?.message ?? '', new RegExp(path))

  rewrite('charge_points: [CP-2]\nid_tokens: []')
  strictEqual(isAdmitted(authority, 'CP-2'), true)
})

test('a list that is deleted while the gateway runs stays in force, and its return is seen', (context) => {
  const { authority, logger, clock, path, rewrite } = withList(context, 'charge_points: [CP-1]\nid_tokens: []')
  rmSync(path)
  clock.advance(60_000)
  strictEqual(isAdmitted(authority, 'CP-1'), true)
  strictEqual(logger.lines.filter((line) => line.level === 'error').length, 1)
  rewrite('charge_points: [CP-9]\nid_tokens: []')
  strictEqual(isAdmitted(authority, 'CP-9'), true)
})

test('who was taken off the list is told to those who asked, and nobody else is', (context) => {
  const { authority, rewrite } = withList(context, 'charge_points: [CP-1, CP-2]\nid_tokens: []')
  const revoked: string[][] = []
  const stop = authority.onRevoked((lost) => revoked.push(['CP-1', 'CP-2', 'CP-3'].filter(lost)))
  rewrite('charge_points: [CP-1, CP-2, CP-3]\nid_tokens: [TAG]')
  deepStrictEqual(revoked, [])
  rewrite('charge_points: [CP-1, CP-3]\nid_tokens: [TAG]')
  deepStrictEqual(revoked, [['CP-2']])
  stop()
  rewrite('charge_points: []\nid_tokens: [TAG]')
  strictEqual(revoked.length, 1)
})

test('a list that no longer says everybody takes the permission of all who are not on it', (context) => {
  const { authority, rewrite } = withList(context, 'charge_points: "*"\nid_tokens: []')
  const revoked: string[][] = []
  authority.onRevoked((lost) => revoked.push(['CP-1', 'CP-2'].filter(lost)))
  rewrite('charge_points: [CP-1]\nid_tokens: []')
  deepStrictEqual(revoked, [['CP-2']])
})

test('a change of the same length within the same millisecond of file time is found by the first look', (context) => {
  const { authority, clock, path } = withList(context, 'charge_points: [CP-1]\nid_tokens: []')
  writeFileSync(path, 'charge_points: [CP-2]\nid_tokens: []')
  utimesSync(path, 0, 0)
  clock.advance(1_000)
  strictEqual(isAdmitted(authority, 'CP-2'), true)
})

test('a file that an editor replaces and a symlink that Kubernetes swaps are both noticed by the watch', async (context) => {
  const folder = folderOf(context)
  for (const version of ['v1', 'v2', 'v3']) mkdirSync(join(folder, version))
  for (const [version, id] of [
    ['v1', 'CP-1'],
    ['v2', 'CP-2']
  ] as const) {
    writeFileSync(join(folder, version, 'list.yaml'), `charge_points: [${id}]\nid_tokens: []`)
  }
  symlinkSync('v1', join(folder, '..data'))
  symlinkSync(join('..data', 'list.yaml'), join(folder, 'list.yaml'))
  let reloaded = (_inForce: boolean): void => undefined
  const { authority } = create(context, {
    allowListFile: join(folder, 'list.yaml'),
    clock: createSystemClock(),
    onReload: (inForce) => reloaded(inForce)
  })
  // The test's own process would end before an unreferenced watch reports.
  const alive = setInterval(() => undefined, 1_000)
  context.after(() => clearInterval(alive))

  let next = new Promise<boolean>((resolve) => {
    reloaded = resolve
  })
  symlinkSync('v2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  strictEqual(await next, true)
  strictEqual(isAdmitted(authority, 'CP-2'), true)

  next = new Promise<boolean>((resolve) => {
    reloaded = resolve
  })
  writeFileSync(join(folder, 'list.yaml.swp'), 'charge_points: [CP-3]\nid_tokens: []')
  renameSync(join(folder, 'list.yaml.swp'), join(folder, 'list.yaml'))
  strictEqual(await next, true)
  strictEqual(isAdmitted(authority, 'CP-3'), true)
})

test('a start without a usable list fails and says what to do', (context) => {
  const folder = folderOf(context)
  const brokenPath = join(folder, 'broken.yaml')
  writeFileSync(brokenPath, 'charge_points: [CP-1]\n')
  const start = (allowListFile?: string) => (): void => {
    create(context, allowListFile === undefined ? {} : { allowListFile })
  }
  throws(start(), (error) => error instanceof GatewayError && /names no file/.test(error.message))
  throws(
    start(join(folder, 'absent.yaml')),
    (error) => error instanceof GatewayError && /absent\.yaml cannot be read.*create it/.test(error.message)
  )
  throws(
    start(brokenPath),
    (error) => error instanceof GatewayError && /broken\.yaml:1: id_tokens is missing/.test(error.message)
  )
})
