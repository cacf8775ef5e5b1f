export type Language =
  | 'bash'
  | 'cpp'
  | 'css'
  | 'dockerfile'
  | 'go'
  | 'java'
  | 'json'
  | 'python'
  | 'ruby'
  | 'rust'
  | 'sql'
  | 'typescript'
  | 'xml'
  | 'yaml'

/** Returns the code as HTML, with a `span` around each part that has a class of highlight.js. */
export function highlightAsHtml(code: string, language: Language): string
