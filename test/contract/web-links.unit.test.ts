import { expect, test } from 'vitest'
import { WebUrl, webLinksOf } from '../../src/contract/hosts/web-links.ts'

const links = (upstream: string, webUrl = '', forge: 'gitlab' | 'gitea' | null = null) => {
  const found = webLinksOf({ upstream, webUrl, forge })
  return found && [found.commit('abc'), found.branch('ada/50%'), found.pullRequests('ada/x')]
}

test('pages of known hosts follow from the upstream, in the form of each host', () => {
  for (const upstream of [
    'git@github.com:acme/app.git',
    'ssh://git@ssh.github.com:443/acme/app.git',
    'https://github.com/acme/app',
  ])
    expect(links(upstream)).toEqual([
      'https://github.com/acme/app/commit/abc',
      'https://github.com/acme/app/tree/ada/50%25',
      'https://github.com/acme/app/pulls?q=is%3Apr%20head%3Aada%2Fx',
    ])
  expect(links('git@gitlab.com:acme/team/app.git')?.[0]).toBe('https://gitlab.com/acme/team/app/-/commit/abc')
  expect(links('git@codeberg.org:acme/app.git')?.[1]).toBe(
    'https://codeberg.org/acme/app/src/branch/ada/50%25',
  )
})

test('pages of another host are below its web URL only', () => {
  const upstream = 'git@git.example.com:acme/app.git'
  expect(links(upstream)).toBeUndefined()
  expect(links(upstream, '', 'gitea')).toBeUndefined()
  expect(links(upstream, 'https://git.example.com/acme/app', 'gitea')?.[1]).toBe(
    'https://git.example.com/acme/app/src/branch/ada/50%25',
  )
  for (const bad of [
    'javascript:alert(1)',
    'https://user:pw@git.example.com/',
    'ftp://x/y',
    'https://x/?a=b',
  ])
    expect(WebUrl.safeParse(bad).success).toBe(false)
  expect(WebUrl.parse('https://git.example.com/acme/app/')).toBe('https://git.example.com/acme/app')
})
