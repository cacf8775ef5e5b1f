import type { Forge } from '../contract/hosts/forge.ts'

/** Returns the path and the body of the call that opens a pull request, at each kind of host. */
export function pullRequestCall(
  { kind, project }: Forge,
  { branch, base, title, body }: { branch: string; base: string; title: string; body: string },
): { path: string; body: string } {
  if (kind === 'gitlab')
    return {
      path: `/api/v4/projects/${encodeURIComponent(project)}/merge_requests`,
      body: JSON.stringify({ title, description: body, source_branch: branch, target_branch: base }),
    }
  return {
    path: `/api/${kind === 'github' ? 'v3' : 'v1'}/repos/${project}/pulls`,
    body: JSON.stringify({ title, body, head: branch, base }),
  }
}
