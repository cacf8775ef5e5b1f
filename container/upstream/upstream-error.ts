/**
 * An upstream could not be used. The message tells the agent the reason, and whether the agent or the
 * operator can fix it.
 */
export class UpstreamError extends Error {}
