/**
 * Returns whether a request announces a body of at most `maxBytes`, which may then be held in memory. A body without a
 * length can be of any size.
 */
export const hasShortBody = (request: Request, maxBytes: number): boolean => {
  const length = request.headers.get('content-length')
  return length !== null && Number(length) <= maxBytes
}
