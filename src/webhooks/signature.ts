const encoder = new TextEncoder()

const hmac = async (key: Uint8Array, text: string): Promise<Uint8Array> => {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text)))
}
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))

/**
 * Returns a webhook's secret, in the form of standardwebhooks.com. It is derived from GATE_PASS_KEY, so that
 * the ledger holds no secret.
 */
export async function webhookSecret(webhook: string, gateKey: string): Promise<string> {
  return `whsec_${base64(await hmac(encoder.encode(gateKey), `webhook ${webhook}`))}`
}

/**
 * Returns the headers that sign a delivery (standardwebhooks.com): HMAC-SHA-256 of `<id>.<seconds>.<body>`,
 * with Unix time in seconds.
 */
export async function sign(
  secret: string,
  id: string,
  seconds: number,
  body: string,
): Promise<Record<string, string>> {
  const key = Uint8Array.from(atob(secret.slice('whsec_'.length)), c => c.charCodeAt(0))
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${base64(await hmac(key, `${id}.${seconds}.${body}`))}`,
  }
}
