/** The lifetimes of an exception that forms offer; null hours: it never expires. */
export const EXPIRY_OPTIONS = {
  day: { label: '1 day', hours: 24 },
  week: { label: '7 days', hours: 7 * 24 },
  month: { label: '30 days', hours: 30 * 24 },
  never: { label: 'never', hours: null },
} as const

/** The values of the fields of a decision. */
export interface DecisionValues {
  readonly reason: string
  readonly until: keyof typeof EXPIRY_OPTIONS
}

/** The reason of a decision, and the lifetime of an exception; with the values of a rejected one. */
export const DecisionFields = ({ values }: { values: DecisionValues | undefined }) => (
  <>
    <label class="wide">
      Reason
      <input
        name="reason"
        maxlength={2000}
        placeholder="test value"
        autocomplete="off"
        {...(values ? { value: values.reason, autofocus: true } : {})}
      />
    </label>
    <label>
      Expires after
      <select name="until">
        {Object.entries(EXPIRY_OPTIONS).map(([value, { label }]) => (
          <option value={value} selected={value === (values?.until ?? 'month')}>
            {label}
          </option>
        ))}
      </select>
    </label>
  </>
)
