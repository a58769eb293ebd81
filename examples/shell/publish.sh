#!/bin/sh
# Publishes claim events, one a file:  ./publish.sh EVENT.json...
set -eu
url=${PALPATE_REDIS_URL:-redis://127.0.0.1:6379/0}

for file in "$@"; do
    # With -x the last argument is what the file holds, so that nothing in it means anything to the shell.
    entry=$(redis-cli -u "$url" --no-auth-warning -x XADD claims.created '*' event <"$file") || entry='no answer'
    case $entry in
        [0-9]*-[0-9]*) echo "$file is on the stream as $entry" ;;
        *)
            # Publishing it again is safe, whatever happened: the same (source, id) is one event.
            echo "$file may not be on the stream ($entry): publish it again" >&2
            exit 1
            ;;
    esac
done
