/** What stands in the place of a secret; no secret may look like this, so a printed file cannot be loaded by mistake. */
export const masked = '***'

/** A text that may be shown: without the passwords of the URLs in it, separated by commas. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/(:\/\/[^/@:,]*:)[^,]*@/g, `$1${masked}@`)
}
