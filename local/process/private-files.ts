// Imported before anything else: what this process and its children write is for their user alone.
process.umask(0o077)
