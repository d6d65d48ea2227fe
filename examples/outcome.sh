#!/bin/sh
# Outcomes with curl:
#
#   sh outcome.sh URL TOKEN_FILE
#
# Reads lines "id outcome time" from standard input, such as "till-3:1 declined 1775296800", and prints each answer.
set -eu
url=$1 token_file=$2

while read -r id outcome time; do
    curl --silent --show-error --fail-with-body --max-time 10 --retry 3 --config - <<END
url = "$url/v1/outcomes"
header = "Authorization: Bearer $(cat "$token_file")"
header = "Content-Type: application/json"
data = "{\"outcomes\": [{\"transaction_id\": \"$id\", \"outcome\": \"$outcome\", \"happened_at\": $time}]}"
END
    echo
done
