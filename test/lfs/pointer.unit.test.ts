import { expect, test } from 'vitest'
import { parseLfsPointer } from '../../container/git/lfs-pointer.ts'
import { sha256 } from './client.ts'

const oid = sha256('an object')
const pointer = (version = 'https://git-lfs.github.com/spec/v1', size = '9') =>
  Buffer.from(`version ${version}\noid sha256:${oid}\nsize ${size}\n`)

test('a pointer is read in each version that git-lfs reads', () => {
  expect(parseLfsPointer(pointer())).toEqual({ oid, size: 9 })
  expect(parseLfsPointer(pointer('https://hawser.github.com/spec/v1'))).toEqual({ oid, size: 9 })
})

test('other content is no pointer', () => {
  expect(parseLfsPointer(pointer('https://example.com/spec/v1'))).toBeUndefined()
  expect(parseLfsPointer(pointer(undefined, '-1'))).toBeUndefined()
  expect(parseLfsPointer(Buffer.concat([pointer(), Buffer.alloc(1024, 'x')]))).toBeUndefined()
  expect(parseLfsPointer(Buffer.from('version 1.0 of the text'))).toBeUndefined()
})
