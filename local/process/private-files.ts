// Imported first: only this user may read the files of this process and its children.
process.umask(0o077)
