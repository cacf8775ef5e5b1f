import { relativeTime } from './format-time.ts'

const formatUtc = (iso: string) => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`

/** A relative time with the exact time as its tooltip; `exact` shows both. */
export const RelativeTime = ({ iso, exact = false }: { iso: string; exact?: boolean }) => (
  <>
    <time datetime={iso} title={formatUtc(iso)} data-relative>
      {relativeTime(Date.parse(iso))}
    </time>
    {exact && <span class="muted"> ({formatUtc(iso)})</span>}
  </>
)
