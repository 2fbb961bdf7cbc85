#!/usr/bin/env bash
# read.sh [redis-cli options]: prints each article as JSON, as a consumer of a group.
#
#   read.sh -s ~/.local/state/newsdrop/run/valkey.sock
#
# Needs redis-cli (or valkey-cli, by REDIS_CLI) and bash. A record is acknowledged after `handle`
# succeeded: what fails, or is left by a crash, comes again at the next start. REDISCLI_AUTH may
# hold the password.
set -euo pipefail

STREAM=${STREAM:-newsdrop:articles}
GROUP=${GROUP:-shell-reader}
CONSUMER=${CONSUMER:-shell-1} # stable: what it left unfinished is found again by this name

redis() { "${REDIS_CLI:-redis-cli}" "${options[@]}" "$@"; }
options=("$@")

handle() { # handle ID FIELD VALUE …: replace this by your own work; `data` is the whole record
  local id=$1 i
  shift
  local -A fields=()
  for ((i = 1; i < $#; i += 2)); do
    local value=$((i + 1))
    fields[${!i}]=${!value}
  done
  printf '%s\n' "${fields[data]:-}"
}

problem=$(redis XGROUP CREATE "$STREAM" "$GROUP" 0 MKSTREAM 2>&1) || true
case $problem in
  OK | *BUSYGROUP*) ;; # created, or there already
  *) echo "$problem" >&2; exit 1 ;;
esac

# redis-cli prints the stream, the ID, and each field and value, a line each: no value has a line
# break. Nothing is printed where no record comes within two seconds.
position=0 # first what an earlier run left unfinished, then (>) what is new
while true; do
  mapfile -t lines < <(redis XREADGROUP GROUP "$GROUP" "$CONSUMER" COUNT 1 BLOCK 2000 \
    STREAMS "$STREAM" "$position")
  if [[ -n ${lines[1]:-} ]]; then
    handle "${lines[@]:1}"
    redis XACK "$STREAM" "$GROUP" "${lines[1]}" >/dev/null
  elif [[ -n ${lines[0]:-} && ${lines[0]} != "$STREAM" ]]; then
    echo "${lines[0]}" >&2 # an error, such as NOGROUP or NOPERM
    exit 1
  elif [[ $position == 0 ]]; then
    position='>'
  else
    redis PING >/dev/null # ends this program where the server is gone
  fi
done
