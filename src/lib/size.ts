const units = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4
} as const

/** A number with a unit, as in `1MiB`, `1.5 GiB`, `512B`. */
export const sizePattern = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$/

/** The bytes of a text such as `1MiB`; undefined when it is none, or not whole bytes. */
export function parseSize(text: string): number | undefined {
  const [, count, unit] = sizePattern.exec(text) ?? []
  if (count === undefined) return undefined
  const bytes = Number(count) * units[unit as keyof typeof units]
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** For people: exact when a binary unit divides it, otherwise with one decimal. 1048576 -> `1MiB`, 1500 -> `1.5KiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    if (bytes >= units[unit]) return `${Math.round((bytes / units[unit]) * 10) / 10}${unit}`
  }
  return `${bytes}B`
}
