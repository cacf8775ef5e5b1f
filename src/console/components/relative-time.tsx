import { relative } from './format-time.ts'

const exactly = (iso: string) => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`

/** A time as people say it, with the exact one at hand; `exact` shows both. */
export const When = ({ iso, exact = false }: { iso: string; exact?: boolean }) => (
  <>
    <time datetime={iso} title={exactly(iso)} data-relative>
      {relative(Date.parse(iso))}
    </time>
    {exact && <span class="quiet"> ({exactly(iso)})</span>}
  </>
)
