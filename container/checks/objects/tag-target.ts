/** Returns the target id in a tag object's first line (git-mktag(1)). */
export const tagTarget = (tag: Buffer) => /^object ([0-9a-f]+)\n/.exec(tag.toString('latin1', 0, 100))?.[1]
