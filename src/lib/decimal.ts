/** A decimal number as text: sign, digits, fraction, exponent. */
const decimalText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/

/**
 * `text` x 10^`places` as a number, by moving the point in the text, so that 16.1 shifted by 3 is 16100 and not
 * 16100.000000000002. Undefined when the text is no decimal number.
 */
export function shiftDecimal(text: string, places: number): number | undefined {
  const match = decimalText.exec(text.trim())
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const value = Number(`${sign}${whole || '0'}.${fraction || '0'}e${Number(exponent) + places}`)
  return Number.isFinite(value) ? value : undefined
}

/** `minuend` - `subtrahend` as decimals, without the rest that binary subtraction leaves: 0.3 - 0.1 is 0.2. */
export function subtractDecimal(minuend: number, subtrahend: number): number {
  const difference = minuend - subtrahend
  const places = Math.max(placesOf(minuend), placesOf(subtrahend))
  return places === 0 || places > 100 ? difference : Number(difference.toFixed(places))
}

/** Digits behind the decimal point. */
function placesOf(value: number): number {
  if (Number.isInteger(value)) return 0
  const [, , , fraction = '', exponent = '0'] = decimalText.exec(String(value)) ?? []
  return Math.max(0, fraction.length - Number(exponent))
}
