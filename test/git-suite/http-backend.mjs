// Stands in for git-http-backend in the Apache of git's tests: passes a CGI request (RFC 3875) to the shim, which passes
// it to the gate. The shim's URL is the first argument.
import http from 'node:http'

const {
  REQUEST_METHOD: method,
  PATH_TRANSLATED: path = '',
  QUERY_STRING: query,
  CONTENT_TYPE: type,
  CONTENT_LENGTH: length,
  HTTP_CONTENT_ENCODING: encoding,
  HTTP_ACCEPT_LANGUAGE: language,
} = process.env
const protocol = process.env.GIT_PROTOCOL ?? process.env.HTTP_GIT_PROTOCOL
const [, folder = '', service = ''] = /^(.*?)\/(info\/refs|git-[a-z-]+|HEAD|objects\/.*)$/.exec(path) ?? []
const given = {
  'content-type': type,
  'content-length': length,
  'content-encoding': encoding,
  'accept-language': language,
  'git-protocol': protocol,
}
const headers = Object.fromEntries(Object.entries(given).filter(([, value]) => value))
const url = `${process.argv[2]}/${Buffer.from(folder).toString('base64url')}/${service}${query ? `?${query}` : ''}`
const request = http.request(url, { method, headers }, response => {
  const lines = [`Status: ${response.statusCode} ${response.statusMessage}`]
  for (const name of ['pragma', 'cache-control', 'content-type'])
    if (response.headers[name]) lines.push(`${name}: ${response.headers[name]}`)
  process.stdout.write(`${lines.join('\r\n')}\r\n\r\n`)
  response.pipe(process.stdout)
})
request.on('error', error => {
  process.stdout.write(`Status: 502 Bad Gateway\r\n\r\n${error.message}\n`)
})
if (method === 'POST') process.stdin.pipe(request)
else request.end()
