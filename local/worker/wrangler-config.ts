import fs from 'node:fs'
import path from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { projectRoot } from './bundle.ts'

const WranglerConfig = z.object({
  name: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  vars: z.record(z.string(), z.string()).default({}),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  d1_databases: z.array(
    z.object({ binding: z.string(), database_id: z.string(), migrations_dir: z.string() }),
  ),
  triggers: z.object({ crons: z.array(z.string()) }).default({ crons: [] }),
})
export type WranglerConfig = z.infer<typeof WranglerConfig>

/** Reads the Worker's configuration from wrangler.toml, its only source. */
export const readWranglerConfig = (): WranglerConfig =>
  WranglerConfig.parse(parse(fs.readFileSync(path.join(projectRoot, 'wrangler.toml'), 'utf8')))
