const NOW = '2026-11-01T12:00:00.000Z'
const AUTHOR = { id: 1, username: 'acme-bot', name: 'Acme bot', state: 'active' }

/** With a secret that GitLab shows to maintainers ("Projects"). */
export const PROJECT_FIELDS = {
  id: 17,
  name: 'repository',
  path_with_namespace: 'acme/repository',
  default_branch: 'main',
  merge_requests_enabled: true,
  ssh_url_to_repo: 'git@gitlab.example:acme/repository.git',
  http_url_to_repo: 'https://gitlab.example/acme/repository.git',
  web_url: 'https://gitlab.example/acme/repository',
  runners_token: 'a-secret-of-the-host',
}

export const mergeRequest = (
  url: string,
  iid: number,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> => ({
  description: '',
  target_branch: 'main',
  ...fields,
  id: 1000 + iid,
  iid,
  project_id: 17,
  state: 'opened',
  author: AUTHOR,
  labels: [],
  assignees: [],
  reviewers: [],
  references: { short: `!${iid}`, relative: `!${iid}`, full: `acme/repository!${iid}` },
  created_at: NOW,
  updated_at: NOW,
  web_url: `${url}/acme/repository/-/merge_requests/${iid}`,
})

export const NOTE = { id: 31, author: AUTHOR, system: false, created_at: NOW, updated_at: NOW }

export const ISSUE = {
  id: 900,
  iid: 90,
  project_id: 17,
  title: 'The login fails',
  description: 'Since Monday.',
  state: 'opened',
  issue_type: 'issue',
  author: AUTHOR,
  labels: [],
  assignees: [],
  references: { short: '#90', relative: '#90', full: 'acme/repository#90' },
  created_at: NOW,
  updated_at: NOW,
  web_url: 'https://gitlab.example/acme/repository/-/issues/90',
}

export const DIFF_VERSION = {
  id: 110,
  state: 'collected',
  created_at: NOW,
  diffs: [{ old_path: 'a', new_path: 'a', diff: '@@ -1 +1 @@\n-old\n+new\n' }],
}

export const PIPELINE = {
  id: 501,
  iid: 5,
  project_id: 17,
  status: 'success',
  ref: 'ada/login',
  sha: 'a'.repeat(40),
  created_at: NOW,
  web_url: 'https://gitlab.example/acme/repository/-/pipelines/501',
}

export const JOB = {
  id: 601,
  name: 'build',
  stage: 'test',
  status: 'success',
  created_at: NOW,
  started_at: NOW,
  finished_at: NOW,
  pipeline: PIPELINE,
}
