#!/bin/sh
# Labels with curl:
#
#   sh label.sh URL TOKEN_FILE
#
# Reads lines "id status time" from standard input, such as "till-3:1 fraud 1775296800", and prints each answer.
set -eu
url=$1 token_file=$2

while read -r id status time; do
    curl --silent --show-error --fail-with-body --max-time 10 --retry 3 --config - <<END ||
url = "$url/v1/labels"
header = "Authorization: Bearer $(cat "$token_file")"
header = "Content-Type: application/json"
data = "{\"labels\": [{\"transaction_id\": \"$id\", \"status\": \"$status\", \"learned_at\": $time}]}"
END
        printf '\n%s: not stored, send it again' "$id"
    echo
done
