import type { Leniency } from './frame.ts'
import type { PayloadFault, ValidPayload } from './validation.ts'
import type { OcppVersion } from './version.ts'

export interface ForgiveRule {
  readonly version: OcppVersion
  readonly action: string
  readonly leniency: Leniency
}
export type Forgiveness = ValidPayload | { readonly ok: false; readonly faults: readonly PayloadFault[] }

export function forgive(
  _payload: unknown,
  faults: readonly PayloadFault[],
  _rule: ForgiveRule,
  _validate: (payload: unknown) => readonly PayloadFault[]
): Forgiveness {
  return { ok: false, faults }
}
