import { PASS_HEADER, type Pass, signPass } from '../contract/pass.ts'

/** Asks the companion of a repository. */
export async function askCompanion(
  env: Env,
  _repository: string,
  pass: Pass,
  init: RequestInit = {},
): Promise<Response> {
  const { GATE_PASS_KEY, GATE_COMPANION_URL } = env as unknown as Record<string, string>
  const headers = new Headers(init.headers)
  headers.set(PASS_HEADER, await signPass(pass, GATE_PASS_KEY ?? ''))
  return fetch(`${GATE_COMPANION_URL}/${pass.service}`, { ...init, headers })
}
