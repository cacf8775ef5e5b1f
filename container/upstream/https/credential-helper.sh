#!/bin/sh
# Git's credential helper (gitcredentials(7)) for upstreams over HTTPS. It passes git's request on to the companion
# through the socket on descriptor 4, and the answer back. So the token is in no argument, variable or file.
case $1 in
  get | erase) ;;
  *) exit 0 ;;
esac
{ echo "$1" && cat && echo; } >&4 || exit 1
[ "$1" = get ] || exit 0
while IFS= read -r line <&4 && [ -n "$line" ]; do
  printf '%s\n' "$line"
done
