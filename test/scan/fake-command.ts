import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A command of that name that runs `script`, in a folder of its own below `folder`. */
export async function fakeCommand(folder: string, name: string, script: string): Promise<string> {
  await mkdir(join(folder, name), { recursive: true })
  const path = join(folder, name, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}
