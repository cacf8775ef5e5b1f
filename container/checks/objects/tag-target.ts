/** The object that a tag object names first (git-mktag(1)). */
export const tagTarget = (tag: Buffer) => /^object ([0-9a-f]+)\n/.exec(tag.toString('latin1', 0, 100))?.[1]
