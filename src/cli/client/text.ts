import { styleText } from 'node:util'
import type { Io } from '../io.ts'

type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold'

/** Text of strangers on a terminal: control characters could move the cursor or write to the title. */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '\u00b7')
}

export function coloured(io: Io, colour: Colour, text: string): string {
  return io.colours ? styleText(colour, text, { validateStream: false }) : text
}

/** At most `width` characters, with an ellipsis where something is left out. */
export function cut(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}\u2026`
}

/** How long ago, in two units at most: 45s, 3m 20s, 5h 10m, 12d 3h. */
export function ago(nowMs: number, time: string): string {
  const s = Math.max(0, Math.floor((nowMs - Date.parse(time)) / 1000))
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3600)}h`
}

const gap = 2
const columnMin = 4

/** Lines of a table that fits `width`: the widest columns give way first. Columns without any text are left out. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], width: number): string[] {
  const used = head.map((_, i) => i).filter((i) => rows.length === 0 || rows.some((row) => (row[i] ?? '') !== ''))
  const lines = [head, ...rows].map((row) => used.map((i) => plain(row[i] ?? '')))
  const widths = used.map((_, i) => Math.max(...lines.map((line) => [...(line[i] ?? '')].length)))
  const total = (): number => widths.reduce((sum, one) => sum + one, 0) + gap * (widths.length - 1)
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths))
    const now = widths[widest] ?? 0
    if (now <= columnMin) break
    widths[widest] = Math.max(columnMin, now - (total() - width), ...widths.filter((one) => one < now))
    if (widths[widest] === now) widths[widest] = now - 1
  }
  return lines.map((line) => {
    const cells = line.map((cell, i) => cut(cell, widths[i] ?? 0).padEnd(widths[i] ?? 0))
    return cut(cells.join(' '.repeat(gap)).trimEnd(), width)
  })
}
