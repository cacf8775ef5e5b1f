export interface Series<Name extends string> {
  readonly name: Name
  readonly label: string
  /** The CSS class that colours the series. */
  readonly className: string
}

/** The values of all series in one time slot. */
export interface Column<Name extends string> {
  readonly label: string
  readonly values: ReadonlyMap<Name, number>
}

interface Props<Name extends string> {
  readonly label: string
  readonly series: readonly Series<Name>[]
  readonly columns: readonly Column<Name>[]
  readonly format: (value: number) => string
}

/** The values of a column chart as a table, collapsed at first. */
export const ChartTable = <Name extends string>({ label, series, columns, format }: Props<Name>) => (
  <details>
    <summary>Show the numbers</summary>
    <section class="scrollable" aria-label={`${label}, in numbers`} tabindex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">From (UTC)</th>
            {series.map(({ label }) => (
              <th scope="col" class="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns
            .filter(({ values }) => values.size > 0)
            .map(({ label, values }) => (
              <tr>
                <th scope="row">{label}</th>
                {series.map(({ name }) => (
                  <td class="number">{format(values.get(name) ?? 0)}</td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  </details>
)
