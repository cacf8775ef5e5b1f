#!/bin/sh
# Runs a program that ends when the process that started it ends, also by SIGKILL (PR_SET_PDEATHSIG in
# prctl(2), through util-linux's setpriv; where there is none, the program runs untied).
# With GATE_TIED set, that names the program: Miniflare lets itself be told a program, but no arguments.
[ -n "$GATE_TIED" ] && set -- "$GATE_TIED" "$@"
unset GATE_TIED
# Ctrl-C reaches every process of the terminal; only the launcher knows in which order they end.
trap '' INT HUP
# Each connection is a descriptor, and a Linux session's soft limit is often 1024.
ulimit -S -n "$(ulimit -H -n)"
# Ledger, mirrors and keys are for their user alone.
umask 077
command -v setpriv >/dev/null && exec setpriv --pdeathsig "${GATE_TIED_SIGNAL:-KILL}" "$@"
exec "$@"
