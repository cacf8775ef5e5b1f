import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import process from 'node:process'

const MEMORY = '/dev/shm'
/** The file system type of tmpfs in statfs(2). */
const TMPFS_MAGIC = 0x01021994
/** More than all tests together store at once, in bytes. */
const ROOM = 8 * 2 ** 30

/**
 * Makes the run's temporary folder, which ends with the run: processes that are killed leave files in it. It lies
 * in memory if there is room. Tests make and remove thousands of files, and git waits for the disk at every ref
 * that it writes.
 */
export default function scratch(): () => void {
  const folder = fs.mkdtempSync(`${hasRoom() ? MEMORY : os.tmpdir()}/gate-tests-`)
  const onDisk = runsPrograms(folder) ? undefined : fs.mkdtempSync(`${os.tmpdir()}/gate-tests-`)
  process.env.TMPDIR = onDisk ?? folder
  return () => {
    for (const made of [folder, onDisk])
      if (made) fs.rmSync(made, { recursive: true, force: true, maxRetries: 10 })
  }
}

function hasRoom(): boolean {
  try {
    const { type, bavail, bsize } = fs.statfsSync(MEMORY)
    return type === TMPFS_MAGIC && Math.min(bavail * bsize, process.availableMemory()) > ROOM
  } catch {
    return false
  }
}

/** Some systems mount tmpfs with noexec. */
function runsPrograms(folder: string): boolean {
  const program = `${folder}/program`
  fs.writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 })
  return spawnSync(program).status === 0
}
