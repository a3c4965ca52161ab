import type { OcppVersion } from './version.ts'

/** One change of one published schema, applied when the schemas are loaded. */
export interface SchemaCorrection {
  readonly version: OcppVersion
  readonly action: string
  readonly part: 'request' | 'response'
  /** Keys from the schema's root to the one that changes. */
  readonly path: readonly string[]
  readonly change: { readonly addToEnum: readonly string[] } | { readonly maxLength: number }
  readonly because: string
}

const sampleUnits = {
  version: '1.6',
  part: 'request',
  change: { addToEnum: ['Celcius', 'Celsius', 'Hertz'] },
  because:
    'Frequency had no unit, and the schema misspelt Celsius; both spellings are to be taken. [OCPP 1.6 errata 3.84]'
} as const
const sampledUnit = ['items', 'properties', 'sampledValue', 'items', 'properties', 'unit']

/** What the errata and the working group changed and the published schemas do not have. */
export const schemaCorrections: readonly SchemaCorrection[] = [
  { ...sampleUnits, action: 'MeterValues', path: ['properties', 'meterValue', ...sampledUnit] },
  { ...sampleUnits, action: 'StopTransaction', path: ['properties', 'transactionData', ...sampledUnit] },
  {
    version: '2.0.1',
    action: 'Get15118EVCertificate',
    part: 'response',
    path: ['properties', 'exiResponse'],
    change: { maxLength: 7500 },
    because: 'Certificates of real vehicles are longer than 5600; the working group agreed on 7500.'
  }
]
