import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { projectRoot } from '../../local/bundle.ts'

const deploy = (option: string) =>
  promisify(execFile)(process.execPath, [path.join(projectRoot, 'local/deploy.ts'), option])

test('whoever asks the deployment for help, or mistypes an option, deploys nothing', async () => {
  const { stdout } = await deploy('--help')
  expect(stdout).toContain('--check')
  expect(stdout).not.toMatch(/[✓×]/)
  await expect(deploy('--chek')).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining("unknown option '--chek'"),
  })
})
