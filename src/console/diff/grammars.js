// JavaScript, because highlight.js's types bring the DOM's into the Worker. grammars.d.ts has the types.
import highlight from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import cpp from 'highlight.js/lib/languages/cpp'
import css from 'highlight.js/lib/languages/css'
import dockerfile from 'highlight.js/lib/languages/dockerfile'
import go from 'highlight.js/lib/languages/go'
import java from 'highlight.js/lib/languages/java'
import json from 'highlight.js/lib/languages/json'
import python from 'highlight.js/lib/languages/python'
import ruby from 'highlight.js/lib/languages/ruby'
import rust from 'highlight.js/lib/languages/rust'
import sql from 'highlight.js/lib/languages/sql'
import typescript from 'highlight.js/lib/languages/typescript'
import xml from 'highlight.js/lib/languages/xml'
import yaml from 'highlight.js/lib/languages/yaml'

const GRAMMARS = {
  bash,
  cpp,
  css,
  dockerfile,
  go,
  java,
  json,
  python,
  ruby,
  rust,
  sql,
  typescript,
  xml,
  yaml,
}

export function highlightAsHtml(code, language) {
  if (!highlight.getLanguage(language)) highlight.registerLanguage(language, GRAMMARS[language])
  return highlight.highlight(code, { language, ignoreIllegals: true }).value
}
