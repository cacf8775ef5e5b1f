/** Returns the processor time of this thread that `work` takes, in milliseconds; other work of the machine adds none. */
export function processorMs(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
