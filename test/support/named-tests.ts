import { readFileSync } from 'node:fs'

/** A test by its file and its title as the source has it; `…` stands for an expression in it. */
export type NamedTest = readonly [file: string, title: string]

/** Of tests that are named as the proof of something, those that do not exist. */
export function missingTests(tests: readonly NamedTest[]): string[] {
  return tests
    .filter(([file, title]) => {
      const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
      const pattern = title.replaceAll(/[\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('…', '\\$\\{[^}]*\\}')
      return ["'", '"', '`'].every((quote) => !new RegExp(`\\btest\\(\\s*${quote}${pattern}${quote}`).test(source))
    })
    .map(([file, title]) => `${file}: ${title}`)
}
