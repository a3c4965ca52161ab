import { nearest } from '../lib/nearest.ts'
import { configKeys } from './schema.ts'
import { type Assignment, type ConfigFault, didYouMean, fromText, keyOfVariable, type Layer } from './source.ts'

/** Variables that other parts read: where the client commands find the API, which file and profile are loaded. */
export const otherVariables = ['CPG_URL', 'CPG_TOKEN', 'CPG_CONFIG', 'CPG_PROFILE'] as const

/**
 * Names that Kubernetes (and Docker links) put into every container beside a Service called `cpg` or `cpg-...`:
 * CPG_SERVICE_HOST, CPG_SERVICE_PORT, CPG_SERVICE_PORT_HTTP, CPG_PORT=tcp://..., CPG_PORT_8080_TCP_ADDR, CPG_API_PORT=tcp://...
 */
function isInjected(variable: string, value: string): boolean {
  return (
    /^CPG_(?:[A-Z0-9_]+_)?SERVICE_(?:HOST|PORT)$/.test(variable) ||
    /^CPG_(?:[A-Z0-9_]+_)?SERVICE_PORT_[A-Z0-9_]+$/.test(variable) ||
    /^CPG_(?:[A-Z0-9_]+_)?PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(variable) ||
    (variable.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value))
  )
}

/** Read the environment; names that a platform injects are returned apart, to be mentioned once. */
export function readEnv(
  env: Readonly<Record<string, string | undefined>>
): Layer & { readonly injected: readonly string[] } {
  const assignments: Assignment[] = []
  const faults: ConfigFault[] = []
  const injected: string[] = []
  for (const [variable, value] of Object.entries(env)) {
    if (value === undefined || !variable.startsWith('CPG_')) continue
    if ((otherVariables as readonly string[]).includes(variable)) continue
    if (isInjected(variable, value)) {
      injected.push(variable)
      continue
    }
    const key = keyOfVariable(variable)
    if (!key) {
      const meant = nearest(variable, [...configKeys.map(({ env: name }) => name), ...otherVariables])
      faults.push({ source: variable, text: `unknown environment variable${didYouMean(meant)}` })
    } else if (value.trim() === '') {
      faults.push({ source: variable, text: `is empty; expected ${key.setting.expected} (or unset it)` })
    } else {
      assignments.push({ key, raw: fromText(key.setting, value.trim()), source: variable })
    }
  }
  return { assignments, faults, injected }
}
