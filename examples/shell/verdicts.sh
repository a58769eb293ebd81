#!/bin/sh
# Prints verdicts and rejections, one JSON object a line, and ends when nothing new has come for five seconds.
set -eu
url=${PALPATE_REDIS_URL:-redis://127.0.0.1:6379/0}
group=pms
# A name that is the same after a restart, and different for each process that runs at the same time.
consumer=${PALPATE_CONSUMER:-pms-1}
streams='claims.passed claims.failed claims.rejected'

redis() { redis-cli -u "$url" --no-auth-warning "$@" </dev/null; }

# Takes until there is no more:  drain FROM [BLOCK MILLISECONDS]
drain() {
    from=$1
    shift
    taken=1
    while [ $taken -gt 0 ]; do
        # shellcheck disable=SC2086 # the streams are three words
        answer=$(redis XREADGROUP GROUP $group "$consumer" COUNT 100 "$@" STREAMS $streams "$from" "$from" "$from")
        taken=0
        # Each stream, entry id, field and event stands on a line of its own.
        while IFS= read -r line; do
            case $line in
                claims.*) stream=$line ;;
                [0-9]*-[0-9]*) id=$line ;;
                event | '') ;;
                '{'*)
                    printf '%s\n' "$line"
                    # Only now: if this dies before, it is given the event again.
                    redis XACK "$stream" $group "$id" >/dev/null
                    taken=$((taken + 1))
                    ;;
                *)
                    echo "Redis says: $line" >&2
                    exit 1
                    ;;
            esac
        done <<ANSWER
$answer
ANSWER
    done
}

for stream in $streams; do
    # From 0: what was published before the first start is read too.  Where the group is there, Redis says BUSYGROUP.
    redis XGROUP CREATE "$stream" $group 0 MKSTREAM >/dev/null
done
drain 0 # what this consumer was given and did not acknowledge
drain '>' BLOCK "${PALPATE_WAIT_MS:-5000}" # what is new
