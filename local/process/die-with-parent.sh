#!/bin/sh
# Runs a program that is killed when its parent exits, even when the parent gets SIGKILL (PR_SET_PDEATHSIG in
# prctl(2), through util-linux's setpriv; without setpriv the program outlives its parent). GATE_PARENT_DEATH_SIGNAL is
# the signal. GATE_PARENT_DEATH_PROGRAM names the program where the caller, such as Miniflare, cannot pass arguments.
[ -n "$GATE_PARENT_DEATH_PROGRAM" ] && set -- "$GATE_PARENT_DEATH_PROGRAM" "$@"
unset GATE_PARENT_DEATH_PROGRAM
# Ctrl-C reaches every process of the terminal, but only the launcher knows the order to stop them in.
trap '' INT HUP
# Each connection needs a file descriptor, and a Linux session's soft limit is often 1024.
ulimit -S -n "$(ulimit -H -n)"
# Only this user may read ledger, mirrors and keys.
umask 077
command -v setpriv >/dev/null && exec setpriv --pdeathsig "${GATE_PARENT_DEATH_SIGNAL:-KILL}" "$@"
exec "$@"
