/** Formats a number of bytes for people, in bytes, KiB, MiB or GiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 10_000) return `${bytes} bytes`
  if (bytes < 1 << 20) return `${Math.round(bytes / 1024)} KiB`
  const mib = bytes / (1 << 20)
  return mib < 1024 ? `${Math.round(mib * 10) / 10} MiB` : `${Math.round((mib / 1024) * 10) / 10} GiB`
}
