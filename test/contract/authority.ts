import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import { type TestContext, test } from 'node:test'
import type { DecisionRequest } from '../../src/events/decision.ts'
import type { Authority } from '../../src/ports/authority.ts'

const from = { chargePointId: 'CP-1', version: '2.0.1', action: 'Authorize' } as const

/** What a stranger may send: every kind of question, with nothing in it and with the worst in it. */
const requests: readonly DecisionRequest[] = [
  '',
  'TAG',
  '__proto__',
  'constructor',
  '\u0000',
  'x'.repeat(100_000)
].flatMap((value): DecisionRequest[] => [
  { ...from, kind: 'authorize', idToken: { value, type: value } },
  { ...from, kind: 'transaction', idToken: { value }, offline: true },
  { ...from, kind: 'boot', vendor: value, model: value },
  { ...from, kind: 'data_transfer', vendorId: value, data: { [value]: value } },
  { ...from, kind: 'call', payload: { [value]: [value] } }
])

/** What every Authority keeps. `create` gives one that admits `CP-1` and not `CP-2` when it can refuse at all. */
export function authorityContract(
  name: string,
  create: (context: TestContext) => { readonly authority: Authority; readonly refuses: boolean }
): void {
  test(`${name}: a question of any kind and content gets the answer of its kind`, async (context) => {
    const { authority } = create(context)
    for (const request of requests) {
      const decision = await authority.decide(request)
      const asksForToken = request.kind === 'authorize' || request.kind === 'transaction'
      strictEqual(decision.authorization !== undefined, asksForToken, request.kind)
      strictEqual(decision.registration !== undefined, request.kind === 'boot', request.kind)
    }
  })

  test(`${name}: an accepted boot names a positive interval`, async (context) => {
    const { authority } = create(context)
    const { registration } = await authority.decide({ ...from, kind: 'boot', vendor: 'V', model: 'M' })
    ok((registration?.intervalS ?? 0) > 0)
  })

  test(`${name}: a decision is the same for the same question`, async (context) => {
    const { authority } = create(context)
    for (const request of requests) deepStrictEqual(await authority.decide(request), await authority.decide(request))
  })

  test(`${name}: who is not admitted is told why`, async (context) => {
    const { authority, refuses } = create(context)
    deepStrictEqual(await authority.admit('CP-1'), { allowed: true })
    for (const chargePointId of ['CP-2', '__proto__', 'cp-1']) {
      const admission = await authority.admit(chargePointId)
      strictEqual(admission.allowed, !refuses)
      if (!admission.allowed) ok(admission.detail.length > 0)
    }
  })

  test(`${name}: a listener leaves without disturbing another`, (context) => {
    const { authority } = create(context)
    const leave = authority.onRevoked(() => undefined)
    const other = authority.onRevoked(() => undefined)
    leave()
    leave()
    other()
  })
}
