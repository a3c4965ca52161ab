const decimalText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i

/**
 * `text` x 10^`places` as a number, by moving the point in the text, so that 16.1 shifted by 3 is 16100 and not
 * 16100.000000000002. Undefined when the text is no decimal number.
 */
export function shiftDecimal(text: string, places: number): number | undefined {
  const said = text.trim()
  if (!decimalText.test(said)) return undefined
  const value = places === 0 ? Number(said) : shifted(said, places)
  return Number.isFinite(value) ? value : undefined
}

function shifted(said: string, places: number): number {
  const [mantissa = '', exponent = '0'] = said.toLowerCase().split('e')
  return Number(`${mantissa}e${Number(exponent) + places}`)
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
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const fraction = mantissa.split('.')[1] ?? ''
  return Math.max(0, fraction.length - Number(exponent))
}
