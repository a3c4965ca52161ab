import { isTransactionMessage } from './actions.ts'
import { coerce } from './coerce.ts'
import { Draft } from './draft.ts'
import type { Leniency } from './frame.ts'
import type { PayloadFault, ValidPayload } from './validation.ts'
import type { OcppVersion } from './version.ts'

/** Whose payload it is, and how much of it is forgiven. */
export interface ForgiveRule {
  readonly version: OcppVersion
  readonly action: string
  readonly part: 'request' | 'response'
  readonly leniency: Leniency
}
export type Forgiveness = ValidPayload | { readonly ok: false; readonly faults: readonly PayloadFault[] }

/** Each round repairs one level; payloads are less deep than this. */
const roundsMax = 10

/** Members that a transaction message cannot be understood without; all else may be wrong, and is then left out. */
const essential: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['StartTransaction', new Set(['/connectorId', '/idTag'])],
  ['StopTransaction', new Set(['/transactionId'])],
  ['MeterValues', new Set(['/connectorId', '/evseId', '/meterValue'])],
  ['TransactionEvent', new Set(['/eventType', '/transactionInfo', '/transactionInfo/transactionId'])]
])
/**
 * Required members that a transaction message may lack, and what the copy then has: an empty text says nothing and can be
 * read; a number is never guessed. Where a member of another name is missing, its parent is left out.
 */
const dispensable: ReadonlyMap<string, '' | undefined> = new Map([
  ['timestamp', ''],
  ['triggerReason', ''],
  ['type', ''],
  ['meterStart', undefined],
  ['meterStop', undefined],
  ['seqNo', undefined]
])
/** Values that decide what a message means: one outside the list is no meaning. */
const meaningful: ReadonlySet<string> = new Set([
  'request StatusNotification /status',
  'request StatusNotification /connectorStatus',
  'request TransactionEvent /eventType'
])

const customData = /^.*?\/customData(?=\/|$)/
/** Questions whose answer repeats what was asked: what is wrong there would be wrong in our answer. */
const echoed: ReadonlySet<string> = new Set(['GetCertificateChainStatus', 'VatNumberValidation'])

type Verdict =
  /** Taken as it is. */
  | { readonly kind: 'flag'; readonly flag: string }
  /** Something else stands in its place in the copy. */
  | { readonly kind: 'replace'; readonly flag: string; readonly edit: (value: unknown) => unknown }
  /** Added to the copy. */
  | { readonly kind: 'fill'; readonly flag: string; readonly path: string; readonly value: unknown }
  /** Left out of the copy. */
  | { readonly kind: 'drop'; readonly flag: string; readonly path: string }
  /** Says nothing that another fault of the same value does not say. */
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse' }

const refuse: Verdict = { kind: 'refuse' }
const ignore: Verdict = { kind: 'ignore' }

/**
 * Accept a payload with faults where D11 and the leniency allow it: taken as it is, or as a corrected copy.
 * `validate` checks a copy again. Strict forgives only transaction messages, whose refusal loses money.
 */
export function forgive(
  payload: unknown,
  faults: readonly PayloadFault[],
  rule: ForgiveRule,
  validate: (payload: unknown) => readonly PayloadFault[]
): Forgiveness {
  const isTransaction = rule.part === 'request' && isTransactionMessage(rule.version, rule.action)
  if ((rule.leniency === 'strict' && !isTransaction) || echoed.has(rule.action)) return { ok: false, faults }
  const flags = new Set<string>()
  const draft = new Draft(payload)
  let left = faults
  for (let round = 0; round < roundsMax; round += 1) {
    const refused: PayloadFault[] = []
    let isChanged = false
    for (const fault of left) {
      const verdict = judge(fault, draft, rule, isTransaction)
      if (verdict.kind === 'refuse') refused.push(fault)
      if (verdict.kind === 'refuse' || verdict.kind === 'ignore') continue
      flags.add(verdict.flag)
      if (verdict.kind === 'flag') continue
      isChanged = true
      if (verdict.kind === 'replace') draft.replace(fault.path, verdict.edit)
      else if (verdict.kind === 'fill') draft.fill(verdict.path, verdict.value)
      else draft.drop(verdict.path)
    }
    if (refused.length > 0) return { ok: false, faults: refused }
    if (!isChanged) {
      const named = [...flags].sort()
      return draft.isChanged ? { ok: true, payload: draft.payload, flags: named } : { ok: true, flags: named }
    }
    draft.settle()
    left = validate(draft.payload)
  }
  return { ok: false, faults }
}

function judge(fault: PayloadFault, draft: Draft, rule: ForgiveRule, isTransaction: boolean): Verdict {
  const easy = judgeAlike(fault, draft, rule)
  if (easy.kind !== 'refuse' || !isTransaction) return easy
  return judgeTransaction(fault, draft, rule.action)
}

/** What is forgiven in every kind of message. */
function judgeAlike(fault: PayloadFault, draft: Draft, rule: ForgiveRule): Verdict {
  if (draft.isFilled(fault.path)) return ignore
  // Nobody here reads customData: what is no customData is left to `raw`. [Part 4 9]
  const custom = customData.exec(fault.path)
  if (custom) return { kind: 'drop', flag: 'payload.customData', path: custom[0] }
  switch (fault.keyword) {
    case 'additionalProperties':
      return { kind: 'flag', flag: 'payload.unknownMember' }
    case 'maxLength':
      return { kind: 'flag', flag: 'payload.tooLong' }
    case 'format':
      return {
        kind: 'flag',
        flag: fault.params.format === 'date-time' ? 'payload.dateTimeFormat' : 'payload.format'
      }
    case 'minItems':
      return { kind: 'flag', flag: 'payload.emptyArray' }
    case 'maxItems':
      return { kind: 'flag', flag: 'payload.tooManyItems' }
    // 1.6 limits have one digit after the point; stations report what they have.
    case 'multipleOf':
      return { kind: 'flag', flag: 'payload.tooPrecise' }
    case 'enum':
      return judgeEnum(fault, draft, rule)
    case 'type':
      return judgeType(fault, draft)
    default:
      return refuse
  }
}

function judgeEnum(fault: PayloadFault, draft: Draft, { part, action }: ForgiveRule): Verdict {
  if (typeof draft.read(fault.path) !== 'string') return ignore
  const isMeaningful =
    part === 'response' ? fault.path === '/status' : meaningful.has(`${part} ${action} ${fault.path}`)
  return isMeaningful ? refuse : { kind: 'flag', flag: 'payload.unknownEnum' }
}

function judgeType(fault: PayloadFault, draft: Draft): Verdict {
  const value = draft.read(fault.path)
  if (value === null && !isElement(fault.path) && fault.path !== '') {
    return { kind: 'drop', flag: 'payload.nullMember', path: fault.path }
  }
  const edit = (from: unknown) => coerce(from, fault.params.type)
  return edit(value) === undefined ? refuse : { kind: 'replace', flag: 'payload.coerced', edit }
}

/** What is forgiven because the message carries money: keep what can be understood, leave the rest to `raw`. */
function judgeTransaction(fault: PayloadFault, draft: Draft, action: string): Verdict {
  const kept = essential.get(action)
  if (fault.keyword === 'required') {
    const missing = String(fault.params.missingProperty)
    if (dispensable.has(missing)) return judgeMissing(`${fault.path}/${missing}`, dispensable.get(missing))
  } else if (fault.keyword === 'minimum' || fault.keyword === 'maximum') {
    return { kind: 'flag', flag: 'payload.outOfRange' }
  } else if (isFraction(fault, draft)) {
    return { kind: 'flag', flag: 'payload.notInteger' }
  }
  if (fault.path === '' || kept?.has(fault.path)) return refuse
  return { kind: 'drop', flag: 'payload.dropped', path: fault.path }
}

function judgeMissing(path: string, filler: '' | undefined): Verdict {
  const flag = 'payload.missingMember'
  return filler === undefined ? { kind: 'flag', flag } : { kind: 'fill', flag, path, value: filler }
}

/** A register of 1234.5 Wh is more than 1.6 allows, and still a register. */
function isFraction(fault: PayloadFault, draft: Draft): boolean {
  return (
    fault.keyword === 'type' && /^\/meterSt(art|op)$/.test(fault.path) && typeof draft.read(fault.path) === 'number'
  )
}

function isElement(path: string): boolean {
  return /\/\d+$/.test(path)
}
