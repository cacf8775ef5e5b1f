/** `1 push`, `2,000 pushes` */
export const plural = (count: number, singular: string, plural = `${singular}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? singular : plural}`
