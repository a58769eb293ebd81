#!/bin/sh
# Sends one claim event over HTTP and prints its verdict:  ./http.sh EVENT.json CLAIM_ID
# Exit 2: it is on the stream, and had no verdict within PALPATE_WAIT_S seconds (60).
# PALPATE_INTAKE_URL is where the intake is; PALPATE_KEY_FILE holds the key of your source.
set -eu
key=$(cat "$PALPATE_KEY_FILE")

# The key goes by standard input: a command line can be seen by everybody on the machine.
call() {
    printf 'header = "Authorization: Bearer %s"\n' "$key" | curl --config - --silent --show-error --fail-with-body "$@"
}

# Trying again is safe, whatever happened: the same (source, id) is one event.
call --retry 5 --retry-connrefused -H 'Content-Type: application/cloudevents+json' \
    --data-binary "@$1" "$PALPATE_INTAKE_URL/events" >/dev/null

left=${PALPATE_WAIT_S:-60}
while status=$(call "$PALPATE_INTAKE_URL/claims/$2"); do
    case $status in
        *'"status":"waiting"'*) ;;
        *)
            printf '%s\n' "$status"
            exit 0
            ;;
    esac
    if [ "$left" -le 0 ]; then
        echo "$2 is on the stream and has no verdict yet: ask again later" >&2
        exit 2
    fi
    left=$((left - 1))
    sleep 1
done
exit 1
