import type { ContainerHandle } from '../../src/companion/container-life.ts'

/** A fake `ctx.container`, for workerd: what it is told to do, the engine beside it does with real processes. */
export class FakeContainer implements ContainerHandle {
  readonly #order: (what: string, body?: string) => Promise<unknown>
  #begun: Promise<unknown> = Promise.resolve()
  running = false

  constructor(engine: string, name: string) {
    this.#order = async (what, body) => {
      const query = new URLSearchParams({ name })
      const answer = await fetch(`${engine}/${what}?${query}`, { method: 'POST', body: body ?? null })
      if (!answer.ok) throw new Error(await answer.text())
      return answer.json()
    }
  }

  /** As the runtime does for a new Durable Object: is there one from before? */
  async attach(): Promise<void> {
    this.running = (await this.#order('running')) === true
  }

  start({ env }: { env: Record<string, string> }): void {
    if (this.running) throw new Error('start() cannot be called on a container that is already running.')
    this.running = true
    this.#begun = this.#order('start', JSON.stringify(env))
    this.#begun.catch(() => {})
  }

  async monitor(): Promise<void> {
    await this.#begun
    const end = (await this.#order('monitor')) as { exitCode: number | null; signalCode: string | null }
    this.running = false
    if (end.exitCode !== 0)
      throw new Error(`container exited with unexpected exit code: ${end.exitCode ?? end.signalCode}`)
  }

  async destroy(): Promise<void> {
    await this.#order('destroy')
  }

  signal(signal: number): void {
    this.#order('signal', String(signal)).catch(() => {})
  }

  async setInactivityTimeout(): Promise<void> {}

  getTcpPort(port: number) {
    return {
      fetch: async (url: string, init: RequestInit) => {
        const address = await this.#order('address')
        if (typeof address !== 'string')
          throw new Error(`the container is not listening in the TCP address 10.0.0.1:${port}`)
        return fetch(new URL(new URL(url).pathname, address), init)
      },
    }
  }
}
