/**
 * Frees bytes that have been passed on. The collector would let tens of megabytes of a stream's chunks pile up before
 * it looks at them. Only bytes that have their memory to themselves are freed.
 */
export function releaseBuffer(bytes: Buffer): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}
