/** A line of a drawing, with its points in the order of x. */
export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Drawing {
  readonly title: string
  readonly x: string
  readonly y: string
  /** True if both axes are logarithmic. */
  readonly logarithmic?: boolean
  readonly series: readonly Series[]
}

const WIDTH = 720
const HEIGHT = 400
const LEFT = 70
const RIGHT = 190
const TOP = 40
const BOTTOM = 50
const COLOURS = ['#0b6bcb', '#c2410c', '#4d7c0f', '#7c3aed', '#525252']

/** Renders a drawing as SVG that is readable on any background. */
export function draw({ title, x, y, logarithmic = false, series }: Drawing): string {
  const points = series.flatMap(each => each.points)
  const across = axis(
    points.map(([value]) => value),
    logarithmic,
  )
  const up = axis(
    points.map(([, value]) => value),
    logarithmic,
  )
  const px = (value: number) => LEFT + across.at(value) * (WIDTH - LEFT - RIGHT)
  const py = (value: number) => HEIGHT - BOTTOM - up.at(value) * (HEIGHT - TOP - BOTTOM)
  const text = (tx: number, ty: number, words: string, more = '') =>
    `<text x="${tx.toFixed(1)}" y="${ty.toFixed(1)}" ${more}>${words}</text>`
  const grid = [
    ...up.ticks.map(
      tick =>
        `<path d="M${LEFT} ${py(tick).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/>${text(LEFT - 8, py(tick) + 4, label(tick), 'text-anchor="end"')}`,
    ),
    ...across.ticks.map(tick => text(px(tick), HEIGHT - BOTTOM + 18, label(tick), 'text-anchor="middle"')),
  ]
  const lines = series.map((each, i) => {
    const colour = COLOURS[i % COLOURS.length]
    const path = each.points
      .map(([a, b], n) => `${n ? 'L' : 'M'}${px(a).toFixed(1)} ${py(b).toFixed(1)}`)
      .join('')
    const dots = each.points.map(
      ([a, b]) => `<circle cx="${px(a).toFixed(1)}" cy="${py(b).toFixed(1)}" r="3" fill="${colour}"/>`,
    )
    const name = text(WIDTH - RIGHT + 12, TOP + 14 + i * 20, each.name, `fill="${colour}"`)
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${name}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">
<title>${title}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
${text(LEFT, 22, title, 'font-size="15" font-weight="600"')}
${grid.join('\n')}
<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}" fill="none" stroke="#333"/>
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x, 'text-anchor="middle"')}
${text(16, (TOP + HEIGHT - BOTTOM) / 2, y, `text-anchor="middle" transform="rotate(-90 16 ${(TOP + HEIGHT - BOTTOM) / 2})"`)}
${lines.join('\n')}
</svg>
`
}

function axis(values: readonly number[], logarithmic: boolean) {
  const top = Math.max(...values)
  if (!logarithmic) {
    const step = niceStep(top / 5)
    const ticks = Array.from({ length: Math.ceil(top / step) + 1 }, (_, i) => i * step)
    const end = ticks.at(-1) ?? 1
    return { ticks, at: (value: number) => value / end }
  }
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.ceil(Math.log10(top))
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
  return { ticks, at: (value: number) => (Math.log10(value) - first) / Math.max(1, last - first) }
}

function niceStep(about: number): number {
  const decade = 10 ** Math.floor(Math.log10(about))
  return ([1, 2, 5, 10].find(factor => factor * decade >= about) ?? 10) * decade
}

const label = (value: number) =>
  value >= 1e6 ? `${value / 1e6} M` : value >= 1e3 ? `${value / 1e3} k` : String(Number(value.toPrecision(3)))
