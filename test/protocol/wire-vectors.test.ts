import { deepStrictEqual, ok } from 'node:assert'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { canonicalCode } from '../../src/protocol/errors.ts'
import { decodeFrame, encodeError, encodeResultError, type Leniency } from '../../src/protocol/frame.ts'
import type { Call, Frame, FrameFault, Send } from '../../src/protocol/message.ts'
import { createValidator } from '../../src/protocol/validate.ts'
import { type OcppVersion, ocppVersions } from '../../src/protocol/version.ts'

/** One frame and what becomes of it. `versions` and `leniency` are all of them when absent. */
interface Vector {
  readonly rules: readonly string[]
  readonly name: string
  readonly text?: string
  readonly base64?: string
  readonly versions?: readonly OcppVersion[]
  readonly leniency?: Leniency
  readonly expect: Readonly<Partial<Record<OcppVersion | 'every', Readonly<Record<string, unknown>>>>>
}

const validators = new Map(ocppVersions.map((version) => [version, createValidator(version)]))

/** What the gateway makes of a frame, in the words of the vectors. */
function outcomeOf(frame: Frame, version: OcppVersion, leniency: Leniency): Record<string, unknown> {
  switch (frame.kind) {
    case 'call':
    case 'send':
      return outcomeOfRequest(frame, version, leniency)
    case 'call_result':
      return { result: frame.payload, id: frame.id, ...flagsOf(frame.flags) }
    case 'call_error':
      return { callError: canonicalCode(frame.code) ?? null, id: frame.id, ...flagsOf(frame.flags) }
    case 'call_result_error':
      return { resultError: canonicalCode(frame.code) ?? null, id: frame.id, ...flagsOf(frame.flags) }
    case 'fault':
      return outcomeOfFault(frame, version)
  }
}

function outcomeOfRequest(
  frame: (Call | Send) & { flags?: readonly string[] },
  version: OcppVersion,
  leniency: Leniency
): Record<string, unknown> {
  const validator = validators.get(version)
  ok(validator)
  const { kind, id, action, payload } = frame
  const checked =
    kind === 'call'
      ? validator.validateRequest(action, payload, leniency)
      : validator.validateSend(action, payload, leniency)
  if (checked.ok) return { [kind]: action, id, ...flagsOf([...(frame.flags ?? []), ...(checked.flags ?? [])]) }
  if (kind === 'send') return { dropped: checked.code }
  return answered(encodeError(id, checked.code, checked.detail, {}, version))
}

function outcomeOfFault({ fault, detail, answer, failsCall, resultError }: FrameFault, version: OcppVersion) {
  if (answer) return answered(encodeError(answer.id, answer.code, detail, {}, version))
  const closing = resultError ? answered(encodeResultError(resultError.id, resultError.code, detail, {})) : {}
  return failsCall === undefined ? { fault } : { failsCall, ...closing }
}

function answered(text: string): Record<string, unknown> {
  return { answer: JSON.parse(text).slice(0, 3), answerText: text }
}

function flagsOf(flags: readonly string[] | undefined): { flags?: readonly string[] } {
  return flags && flags.length > 0 ? { flags } : {}
}

const covered = new Set<string>()
for (const file of globSync('test/fixtures/wire/*.json').sort()) {
  const { vectors }: { vectors: readonly Vector[] } = JSON.parse(readFileSync(file, 'utf8'))
  for (const vector of vectors) {
    for (const rule of vector.rules) covered.add(rule)
    for (const version of vector.versions ?? ocppVersions) {
      for (const leniency of vector.leniency ? [vector.leniency] : (['strict', 'tolerant'] as const)) {
        test(`${basename(file, '.json')}, ${version}, ${leniency}: ${vector.name} (${vector.rules.join(', ')})`, () => {
          const text = vector.text ?? Buffer.from(vector.base64 ?? '', 'base64').toString('utf8')
          const wanted = vector.expect[version] ?? vector.expect.every
          ok(wanted, 'the vector says what is expected of this version')
          const { answerText, ...outcome } = outcomeOf(decodeFrame(text, version, leniency), version, leniency)
          const { answerText: beginning, ...rest } = wanted
          if (beginning === undefined) deepStrictEqual(outcome, rest)
          else ok(String(answerText).startsWith(String(beginning)), String(answerText))
        })
      }
    }
  }
}

test('every wire rule and decision about frames has a vector', () => {
  const rules = [25, 26, 27, 28, 29, 30, 31, 32, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 47, 49, 59].map(String)
  const decisions = ['D2', 'D3', 'D4', 'D5', 'D8', 'D11', 'D12']
  const quirks = ['13', '14', '15', '16', '17', '23', '25', '26', '27', '34', '35'].map((n) => `quirk ${n}`)
  deepStrictEqual(
    [...rules, ...decisions, ...quirks].filter((name) => !covered.has(name)),
    []
  )
})
