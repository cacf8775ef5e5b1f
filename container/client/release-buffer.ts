/**
 * Frees the memory of bytes that have been passed on. Without this, tens of megabytes of a stream's chunks
 * accumulate before the garbage collector runs. A buffer that shares its ArrayBuffer is not freed.
 */
export function releaseBuffer(bytes: Buffer): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}
