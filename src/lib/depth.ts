/** True when arrays and objects stand in one another more than `max` deep. */
export function nestsDeeper(value: unknown, max: number): boolean {
  if (value === null || typeof value !== 'object') return false
  return max === 0 || Object.values(value).some((member) => nestsDeeper(member, max - 1))
}
