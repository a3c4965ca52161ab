import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { nearest } from '../lib/nearest.ts'
import { groups } from './schema.ts'
import type { Setting } from './setting.ts'
import { type Assignment, type ConfigFault, didYouMean, fromText, keyNamed, type Layer, suggestKey } from './source.ts'

/** Read the text of a configuration file; every fault names its line. */
export function readYaml(file: string, text: string): Layer {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, strict: true })
  const assignments: Assignment[] = []
  const faults: ConfigFault[] = []
  const fault = (line: number, what: string): void => {
    faults.push({ source: `${file}:${line}`, text: what })
  }
  const lineOf = (node: unknown): number => {
    const start = (node as Partial<Node> | null)?.range?.[0] ?? 0
    return lines.linePos(start).line
  }
  for (const error of document.errors) fault(lines.linePos(error.pos[0]).line, `not valid YAML: ${error.message}`)
  if (faults.length > 0) return { assignments, faults }

  const resolve = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node)

  const readPairs = (prefix: string, pairs: readonly Pair[]): void => {
    const firstLine = new Map<string, number>()
    for (const pair of pairs) {
      const own = isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : ''
      const name = `${prefix}${own}`
      const line = lineOf(pair.key)
      if (own.includes('.')) {
        fault(line, `${name} is written with a dot; write ${own.replace('.', ': and below it, indented, ')}:`)
        continue
      }
      const earlier = firstLine.get(name)
      if (earlier !== undefined) fault(line, `${name} stands here a second time, first in line ${earlier}; remove one`)
      else {
        firstLine.set(name, line)
        readPair(name, line, resolve(pair.value))
      }
    }
  }

  const readPair = (name: string, line: number, value: unknown): void => {
    if (Object.hasOwn(groups, name)) {
      if (isMap(value)) readPairs(`${name}.`, value.items as Pair[])
      else if (!isEmpty(value)) fault(line, `${name} is a group of keys; write them below it, indented`)
      return
    }
    const key = keyNamed(name)
    if (!key) {
      const meant = name.includes('.') ? suggestKey(name) : (nearest(name, Object.keys(groups)) ?? suggestKey(name))
      fault(line, `unknown key ${name}${didYouMean(meant)}`)
    } else if (isEmpty(value)) {
      fault(line, `${name} has no value; expected ${key.setting.expected} (or remove the line)`)
    } else {
      assignments.push({ key, raw: rawOf(key.setting, value, resolve), source: `${file}:${line}` })
    }
  }

  const top = document.contents
  if (isMap(top)) readPairs('', top.items as Pair[])
  else if (!isEmpty(top)) fault(1, 'a configuration file holds keys, such as `log:` and below it `  level: debug`')
  return { assignments, faults }
}

function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null)
}

/** Numbers are taken as they are written: `default_version: 2.0` must not become `2`, nor a token lose its zeros. */
function rawOf(setting: Setting, node: unknown, resolve: (node: unknown) => unknown): unknown {
  if (isScalar(node)) {
    if (typeof node.value === 'boolean') return node.value
    const written = typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
    return setting.kind === 'list' || setting.kind === 'tokens' ? written : fromText(setting, written)
  }
  if (isSeq(node)) {
    return node.items.map((item) => {
      const entry = resolve(item)
      if (isScalar(entry)) return typeof entry.value === 'number' ? (entry.source ?? String(entry.value)) : entry.value
      return isMap(entry)
        ? Object.fromEntries(entry.items.map((pair) => [String(pair.key), scalarOf(resolve(pair.value))]))
        : entry
    })
  }
  return node
}

function scalarOf(node: unknown): unknown {
  if (!isScalar(node)) return node
  return typeof node.value === 'number' ? (node.source ?? String(node.value)) : node.value
}
